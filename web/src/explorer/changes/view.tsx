import { useState } from 'react';
import { useConnection } from '../api/connection';
import { Changes, type ChangesQuery, type RevisionOperation } from '../api/documents';
import { usePages } from '../api/queries';
import * as format from '../format';
import { useTitle } from '../frame/title';
import { Empty, Loading, Refused } from '../parts/answer';
import { changesOf } from '../parts/changes';
import { Diff } from '../parts/diff';
import { Entry } from '../parts/entry';
import { Options } from '../parts/options';
import { RecordLink } from '../parts/record-link';
import { setParameters, today, useAddress, useAsOf } from '../router';
import { Undo } from '../session/undo';
import { t } from '../texts';
import './changes.css';

const OPERATIONS: RevisionOperation[] = ['CREATE', 'UPDATE', 'DELETE', 'MERGE'];

/** Every change as it is made. */
export default function ChangesView() {
  useTitle(t.changes.name);
  const { parameters } = useAddress();
  const asOf = useAsOf();
  const operation = OPERATIONS.find((one) => one === parameters.get('operation'));
  const since = parameters.get('since') ?? '';
  const filter = {
    ...(operation && { operation: { equals: operation } }),
    // A day begins where the reader is.
    ...(since && { recorded: { from: new Date(`${since}T00:00`).toISOString() } }),
  };
  const connection = useConnection();
  const found = usePages(Changes, { filter, asOf }, (data) => data.revisions, { keep: true });
  const changes = changesOf(found.data?.pages.flatMap(({ revisions }) => revisions.nodes) ?? []);
  return (
    <div className="view changes-view">
      <header>
        <h1>{t.changes.name}</h1>
        <p className="soft">{t.changes.explained}</p>
        {!asOf && (
          <p className="small live" data-connection={connection}>
            {connection === 'live' ? t.changes.isLive : t.changes.isNot}
          </p>
        )}
        <div className="choices">
          <label>
            <span className="label">{t.changes.since}</span>
            <input
              type="date"
              value={since}
              max={today()}
              onChange={({ target }) => setParameters({ since: target.value }, { replace: true })}
            />
          </label>
          <Options
            parameter="operation"
            label={t.changes.operation}
            options={{ '': t.changes.all, ...Object.fromEntries(OPERATIONS.map((one) => [one, t.word(one)])) }}
            chosen={operation ?? ''}
          />
        </div>
      </header>
      {found.error && <Refused error={found.error} retry={() => void found.refetch()} />}
      {found.isPending && <Loading />}
      {found.data && changes.length === 0 && <Empty>{t.start.noChanges}</Empty>}
      <ol>
        {changes.map((change) => (
          <Change key={change.change} {...change} />
        ))}
      </ol>
      {found.hasNextPage && (
        <p>
          <button type="button" disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
            {t.more}
          </button>
        </p>
      )}
    </div>
  );
}

const SHOWN = 4;

type Revision = ChangesQuery['revisions']['nodes'][number];

/** What was changed together. */
function Change({ first, records }: ReturnType<typeof changesOf<Revision>>[number]) {
  const [showsAll, showAll] = useState(false);
  const shown = showsAll ? records : records.slice(0, SHOWN);
  return (
    <Entry>
      <p className="small soft figures">
        <time dateTime={first.recordedAt}>{format.moment(first.recordedAt)}</time>{' '}
        <bdi>{t.start.changedBy(first.requester)}</bdi> ·{' '}
        <button type="button" className="plain" onClick={() => setParameters({ asOf: String(first.number) })}>
          {t.asOf.atRevision(first.number)}
        </button>{' '}
        <Undo revision={first.number} isAmong />
      </p>
      {shown.map((revisions) => (
        <div key={revisions[0]!.number} className="change">
          <p>
            <RecordLink record={revisions[0]!.record} />
          </p>
          <p className="small soft">
            {revisions[0]!.record && `${t.types[revisions[0]!.record.__typename].one}, `}
            {t.word(revisions.at(-1)!.operation)}
          </p>
          <details className="small">
            <summary className="soft">{t.changes.what}</summary>
            {revisions.map(({ number, diff }) => (
              <Diff key={number} of={diff} />
            ))}
          </details>
        </div>
      ))}
      {records.length > shown.length && (
        <p className="small">
          <button type="button" className="plain" onClick={() => showAll(true)}>
            {t.start.andMore(records.length - shown.length)}
          </button>
        </p>
      )}
    </Entry>
  );
}
