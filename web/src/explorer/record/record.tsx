import type { ReactNode } from 'react';
import type { Document } from '../api/document';
import type { AsOf, CitedFragment, RecordHeadFragment } from '../api/documents';
import { useQuery } from '../api/queries';
import { useTitle } from '../frame/title';
import { Answer, Empty } from '../parts/answer';
import { Citations } from '../parts/citations';
import { placeOf } from '../parts/record-link';
import { Link, useAddress, useAsOf } from '../router';
import { useIsEditor } from '../session/role';
import { Undo } from '../session/undo';
import { t } from '../texts';
import { History } from './history';
import './record.css';

interface Props<Data, Found> {
  document: Document<Data, { slug: string; asOf?: AsOf | null | undefined }>;
  slug: string;
  find: (data: Data) => Found | null;
  /** What kind of record it is, if its type says too little. */
  kind?: (record: Found) => string;
  children: (record: Found) => ReactNode;
}

type Head = RecordHeadFragment & { citations?: { nodes: CitedFragment[] } };

/** A record: its name, what is known of it, and how it came to be known. */
export function RecordView<Data, Found extends Head>({ document, slug, find, kind, children }: Props<Data, Found>) {
  const query = useQuery(document, { slug, asOf: useAsOf() });
  return (
    <Answer of={query}>
      {(data) => {
        const record = find(data);
        return record ? (
          <Sheet record={record} kind={kind?.(record) ?? t.types[record.__typename].one}>
            {children(record)}
          </Sheet>
        ) : (
          <Missing slug={slug} />
        );
      }}
    </Answer>
  );
}

/** Views that a record is seen in: the parameter that names it there. */
const SEEN_IN: Record<string, [view: string, parameter: string, name: string][]> = {
  Actor: [
    ['positions', 'holder', t.positions],
    ['timeline', 'actor', t.timeline.title],
    ['network', 'actor', t.network.name],
    ['numbers', 'actor', t.numbers.name],
  ],
  Topic: [
    ['positions', 'topic', t.positions],
    ['timeline', 'topic', t.timeline.title],
    ['numbers', 'topic', t.numbers.name],
  ],
};

const EDITED = ['Actor', 'Commentary', 'Meeting', 'Statement'];

function Sheet({ record, kind, children }: { record: Head; kind: string; children: ReactNode }) {
  useTitle(record.label);
  const saved = useAddress().parameters.get('saved');
  const mayEdit = useIsEditor() && EDITED.includes(record.__typename);
  return (
    <article className="view record">
      <header>
        <p className="label">
          {kind}
          {mayEdit && (
            <>
              {' · '}
              <Link to={`${placeOf(record)}/edit`}>{t.edit}</Link>
            </>
          )}
          {SEEN_IN[record.__typename]?.map(([view, parameter, name]) => (
            <span key={view}>
              {' · '}
              <Link to={`${view}?${new URLSearchParams({ [parameter]: record.slug })}`}>{name}</Link>
            </span>
          ))}
        </p>
        <h1 dir="auto">{record.label}</h1>
        {saved && (
          <p className="saved small" role="status">
            {t.edited.saved(Number(saved))} <Undo revision={Number(saved)} />
          </p>
        )}
      </header>
      {record.citations && <Citations of={record.citations.nodes} />}
      {children}
      <History record={record} />
    </article>
  );
}

function Missing({ slug }: { slug: string }) {
  useTitle(slug);
  return (
    <div className="view">
      <h1>{t.noRecord}</h1>
      <Empty>{t.noRecordAdvice(slug)}</Empty>
    </div>
  );
}
