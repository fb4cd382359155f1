import { useConnection } from '../api/connection';
import { Changes, type ChangesQuery, type RevisionOperation } from '../api/documents';
import { usePages } from '../api/queries';
import * as format from '../format';
import { useTitle } from '../frame/title';
import { Empty, Loading, Refused } from '../parts/answer';
import { changesOf } from '../parts/changes';
import { Diff } from '../parts/diff';
import { Entry } from '../parts/entry';
import { RecordLink } from '../parts/record-link';
import { setParameters, useAddress, useAsOf } from '../router';
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
  const filter = operation ? { operation: { equals: operation } } : null;
  const connection = useConnection();
  const found = usePages(Changes, { filter, asOf }, (data) => data.revisions, { keep: true });
  const changes = changesOf(found.data?.pages.flatMap(({ revisions }) => revisions.nodes) ?? []);
  return (
    <div className="view changes-view">
      <header>
        <h1>{t.changes.name}</h1>
        <p className="soft">{t.changes.explained}</p>
        <p className="small">
          {!asOf && (
            <span className="live" data-connection={connection}>
              {connection === 'live' ? t.changes.isLive : t.changes.isNot}
            </span>
          )}{' '}
          <select
            aria-label={t.changes.operation}
            value={operation ?? ''}
            onChange={(event) => setParameters({ operation: event.target.value })}
          >
            <option value="">{t.changes.all}</option>
            {OPERATIONS.map((one) => (
              <option key={one} value={one}>
                {t.word(one)}
              </option>
            ))}
          </select>
        </p>
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

function Change({ first, records }: ReturnType<typeof changesOf<Revision>>[number]) {
  const shown = records.slice(0, SHOWN);
  return (
    <Entry>
      <p className="small soft figures">
        <time dateTime={first.recordedAt}>{format.moment(first.recordedAt)}</time> <bdi>{first.requester}</bdi>,{' '}
        {t.asOf.atRevision(first.number)} <Undo revision={first.number} />
      </p>
      {shown.map((revisions) => (
        <div key={revisions[0]!.number}>
          <p>
            <RecordLink record={revisions[0]!.record} />{' '}
            <span className="small soft">
              {revisions[0]!.record && `${t.types[revisions[0]!.record.__typename].one}, `}
              {t.word(revisions.at(-1)!.operation)}
            </span>
          </p>
          <details className="small">
            <summary className="soft">{t.changes.what}</summary>
            {revisions.map(({ number, diff }) => (
              <Diff key={number} of={diff} />
            ))}
          </details>
        </div>
      ))}
      {records.length > SHOWN && <p className="small soft">{t.changes.more(records.length - SHOWN)}</p>}
    </Entry>
  );
}
