import { type ReactNode, useRef } from 'react';
import type { Document } from '../api/document';
import type { AsOf, CitedFragment, RecordHeadFragment } from '../api/documents';
import { useQuery } from '../api/queries';
import { useTitle } from '../frame/title';
import { Answer, Empty } from '../parts/answer';
import { Citations } from '../parts/citations';
import { type RecordType, placeOf, placeOfAll } from '../parts/record-link';
import { Link, useAddress, useAsOf } from '../router';
import { useIsEditor } from '../session/role';
import { Undo } from '../session/undo';
import { t } from '../texts';
import { Contents } from './contents';
import { type Further, FurtherFacts } from './further';
import { History } from './history';
import './record.css';

interface Props<Data, Found> {
  document: Document<Data, { slug: string; asOf?: AsOf | null | undefined }>;
  slug: string;
  find: (data: Data) => Found | null;
  /** What kind of record it is, if its type says too little. */
  kind?: (record: Found) => string;
  /** What it says, if that is longer than its label. */
  title?: (record: Found) => string;
  children: (record: Found) => ReactNode;
}

type Head = RecordHeadFragment & Further & { citations?: { nodes: CitedFragment[] } };

/** A record: its name, what is known of it, and how it came to be known. */
export function RecordView<Data, Found extends Head>(props: Props<Data, Found>) {
  const { document, slug, find, kind, title, children } = props;
  const query = useQuery(document, { slug, asOf: useAsOf() });
  return (
    <Answer of={query}>
      {(data) => {
        const record = find(data);
        return record ? (
          <Sheet
            record={record}
            kind={kind?.(record) ?? t.types[record.__typename].one}
            title={title?.(record) ?? record.label}
          >
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

/** What an editor may enter about a record: the type, and its field that names the record. */
const ENTERED_ABOUT: Partial<Record<RecordType, [type: RecordType, field: string][]>> = {
  Actor: [
    ['Statement', 'speaker'],
    ['Position', 'holder'],
    ['Relation', 'subject'],
  ],
  Commentary: [['Position', 'evidenceItems']],
  Division: [['Vote', 'division']],
  Meeting: [
    ['Statement', 'meeting'],
    ['Motion', 'meeting'],
  ],
  Motion: [['Division', 'motion']],
  Source: [
    ['Statement', 'source'],
    ['Commentary', 'source'],
  ],
  Statement: [['Position', 'evidenceItems']],
  Topic: [['Position', 'topic']],
  Vote: [['Position', 'evidenceItems']],
};

/** Where else a record is seen, and what can be done with it. */
function Ways({ record }: { record: Head }) {
  const isEditor = useIsEditor();
  const { __typename: type, id, slug } = record;
  const seen = (SEEN_IN[type] ?? []).map(([view, parameter, name]) => (
    <Link key={view} to={`${view}?${new URLSearchParams({ [parameter]: slug })}`}>
      {name}
    </Link>
  ));
  const entered = (ENTERED_ABOUT[type] ?? []).map(([type, field]) => {
    const given = new URLSearchParams({ [field]: field === 'source' ? slug : id });
    return (
      <Link key={type} to={`new/${type.toLowerCase()}?${given}`}>
        {t.edited.newTitle(t.types[type].one)}
      </Link>
    );
  });
  const edit = <Link to={`${placeOf(record)}/edit`}>{t.edit}</Link>;
  return (
    <>
      {seen.length > 0 && (
        <nav className="ways small" aria-label={t.ways}>
          <span className="soft">{t.ways}</span> {seen}
        </nav>
      )}
      {isEditor && (
        <nav className="ways small" aria-label={t.edit}>
          {edit} {entered}
        </nav>
      )}
    </>
  );
}

interface SheetProps {
  record: Head;
  kind: string;
  title: string;
  children: ReactNode;
}

/** Longer titles are set as text. */
const LONGEST_NAME = 70;

function Sheet({ record, kind, title, children }: SheetProps) {
  useTitle(record.label);
  const saved = useAddress().parameters.get('saved');
  const article = useRef<HTMLElement>(null);
  return (
    <article className="view record" ref={article}>
      <header>
        <p className="label">
          <Link to={placeOfAll(record.__typename)}>{kind}</Link>
        </p>
        <h1 dir="auto" className={title.length > LONGEST_NAME ? 'said' : undefined}>
          {title}
        </h1>
        <Ways record={record} />
        {saved && (
          <p className="saved small" role="status">
            {t.edited.saved(Number(saved))} <Undo revision={Number(saved)} />
          </p>
        )}
      </header>
      <div className="beside">
        {record.citations && <Citations of={record.citations.nodes} isExplained />}
        <Contents of={article} />
      </div>
      {children}
      <FurtherFacts of={record} />
      <History record={record} />
    </article>
  );
}

function Missing({ slug }: { slug: string }) {
  useTitle(slug);
  const deleted = useAddress().parameters.get('deleted');
  const words = slug.replaceAll('-', ' ');
  return (
    <div className="view record">
      <h1>{t.noRecord}</h1>
      {deleted ? (
        <p className="saved small" role="status">
          {t.edited.deleted(Number(deleted))} <Undo revision={Number(deleted)} />
        </p>
      ) : (
        <Empty>{t.noRecordAdvice(slug)}</Empty>
      )}
      <p>
        <Link to={`search?${new URLSearchParams({ q: words })}`}>{t.searchFor(words)}</Link>
      </p>
    </div>
  );
}
