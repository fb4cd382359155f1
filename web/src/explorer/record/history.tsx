import { useState } from 'react';
import {
  RecordHistory,
  type RecordHeadFragment,
  type RecordHistoryQuery,
  type RevisionEntryFragment,
} from '../api/documents';
import { usePages } from '../api/queries';
import * as format from '../format';
import { Loading, Refused } from '../parts/answer';
import { Diff } from '../parts/diff';
import { Entry } from '../parts/entry';
import { setParameters, useAsOf } from '../router';
import { Undo } from '../session/undo';
import { t } from '../texts';

/** When and by whom a record was entered and changed; on demand what each change did. */
export function History({ record: { id, createdAt, updatedAt } }: { record: RecordHeadFragment }) {
  const [isOpen, open] = useState(false);
  return (
    <section className="section history">
      <h2>{t.history}</h2>
      <p className="small soft figures">
        {createdAt && t.entered(format.moment(createdAt))}
        {updatedAt && updatedAt !== createdAt && ` · ${t.changed(format.moment(updatedAt))}`}
      </p>
      <details onToggle={(event) => open(event.currentTarget.open)}>
        <summary>{t.revisions}</summary>
        {isOpen && <Revisions id={id} />}
      </details>
    </section>
  );
}

function Revisions({ id }: { id: string }) {
  const find = (data: RecordHistoryQuery) => data.nodes[0]?.revisions;
  const { data, error, hasNextPage, fetchNextPage } = usePages(RecordHistory, { id, asOf: useAsOf() }, find);
  if (error) return <Refused error={error} />;
  if (!data) return <Loading />;
  const revisions = data.pages.flatMap((page) => find(page)?.nodes ?? []);
  return (
    <>
      <ol>
        {revisions.map((revision) => (
          <Revision key={revision.number} revision={revision} />
        ))}
      </ol>
      {hasNextPage && (
        <button type="button" onClick={() => void fetchNextPage()}>
          {t.more}
        </button>
      )}
    </>
  );
}

function Revision({ revision }: { revision: RevisionEntryFragment }) {
  const { number, operation, requester, recordedAt, diff } = revision;
  return (
    <Entry>
      <p className="small">
        <button type="button" className="plain figures" onClick={() => setParameters({ asOf: String(number) })}>
          {t.asOf.atRevision(number)}
        </button>{' '}
        <span className="soft figures">
          {t.word(operation)}, <time dateTime={recordedAt}>{format.moment(recordedAt)}</time>, <bdi>{requester}</bdi>
        </span>{' '}
        <Undo revision={number} isAmong />
      </p>
      <Diff of={diff} />
    </Entry>
  );
}
