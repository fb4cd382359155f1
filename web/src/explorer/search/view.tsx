import { type KeyboardEvent, useEffect, useState } from 'react';
import { Search, SearchCounts, type SearchQuery, type SearchType } from '../api/documents';
import { usePages, useQuery } from '../api/queries';
import * as format from '../format';
import { useTitle } from '../frame/title';
import { Empty, Loading, Refused } from '../parts/answer';
import { RecordLink, type RecordType, placeOf } from '../parts/record-link';
import { SearchField } from '../parts/search-field';
import { When } from '../parts/when';
import { Link, setParameters, useAddress, useAsOf } from '../router';
import { t } from '../texts';
import './search.css';

const TYPES: [SearchType, RecordType][] = [
  ['ACTOR', 'Actor'],
  ['MEETING', 'Meeting'],
  ['STATEMENT', 'Statement'],
  ['EVENT', 'Event'],
  ['COMMENTARY', 'Commentary'],
  ['TOPIC', 'Topic'],
  ['SOURCE', 'Source'],
  ['MOTION', 'Motion'],
];

/** How long the reader must pause before a search, and before the counts of the types that it leaves out. */
const [PAUSE, LONG_PAUSE] = [200, 1000];

/** Searches as one types, in any script. */
export default function SearchView() {
  const { parameters } = useAddress();
  const query = parameters.get('q') ?? '';
  const types = TYPES.map(([type]) => type).filter((type) => parameters.getAll('type').includes(type));
  useTitle(query || t.search);
  // What is being typed, until it is searched for.
  const [typed, type] = useState<string | null>(null);
  useEffect(() => {
    if (typed === null) return undefined;
    const timer = setTimeout(() => {
      setParameters({ q: typed }, { replace: true });
      type(null);
    }, PAUSE);
    return () => clearTimeout(timer);
  }, [typed]);
  const found = useSearch(query, types);
  const others = useCounts(query, types.length > 0);
  const counts = types.length > 0 ? others : found.data?.pages[0]?.search.counts;
  const countOf = (type: SearchType) => (query.trim() ? counts?.find((count) => count.type === type) : undefined);
  return (
    <div className="view search" role="presentation" onKeyDown={moveThroughResults}>
      <header>
        <h1 className="hidden">{t.search}</h1>
        <SearchField isLarge value={typed ?? query} onType={type} />
        <fieldset className="types small">
          <legend className="hidden">{t.searchTypes}</legend>
          {TYPES.map(([value, name]) => (
            <label key={value}>
              <input type="checkbox" checked={types.includes(value)} onChange={() => toggle(types, value)} />{' '}
              {t.types[name].many}
              <Count of={countOf(value)} />
            </label>
          ))}
        </fieldset>
      </header>
      {query.trim() && <Results query={query} found={found} />}
    </div>
  );
}

/** The pages of results. */
function useSearch(query: string, types: SearchType[]) {
  const variables = { query, types: types.length > 0 ? types : null, asOf: useAsOf() };
  return usePages(Search, variables, (data) => data.search, { enabled: query.trim() !== '', keep: true });
}

/** How many records of each type there are for a query that the reader has finished, if not all types are searched. */
function useCounts(query: string, isLimited: boolean) {
  const [finished, finish] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => finish(query.trim()), LONG_PAUSE);
    return () => clearTimeout(timer);
  }, [query]);
  const isFinished = isLimited && finished !== '' && finished === query.trim();
  return useQuery(SearchCounts, { query: finished, asOf: useAsOf() }, { enabled: isFinished }).data?.search.counts;
}

type TypeCount = SearchQuery['search']['counts'][number];

function Count({ of }: { of?: TypeCount | undefined }) {
  if (!of) return null;
  return (
    <span className="soft figures">
      {' '}
      {format.number(of.count)}
      {!of.isExact && '+'}
    </span>
  );
}

/** Switches a type on or off; without any, all are searched. */
function toggle(types: SearchType[], type: SearchType) {
  const chosen = types.includes(type) ? types.filter((one) => one !== type) : [...types, type];
  setParameters({ type: chosen }, { replace: true });
}

type Edge = SearchQuery['search']['edges'][number];

function Results({ query, found }: { query: string; found: ReturnType<typeof useSearch> }) {
  if (found.error) return <Refused error={found.error} retry={() => void found.refetch()} />;
  if (!found.data) return <Loading />;
  const edges = found.data.pages.flatMap(({ search }) => search.edges);
  return (
    <section aria-busy={found.isPlaceholderData}>
      <p className="soft" role="status">
        {t.searchFound(found.data.pages[0]!.search.totalCount, query)}
      </p>
      {edges.length === 0 && <Empty>{t.searchNothing}</Empty>}
      <ol className="results">
        {edges.map((edge) => (
          <Result key={edge.node.id} edge={edge} />
        ))}
      </ol>
      {found.hasNextPage && (
        <button type="button" disabled={found.isFetchingNextPage} onClick={() => void found.fetchNextPage()}>
          {t.more}
        </button>
      )}
    </section>
  );
}

function Result({ edge: { node, highlights } }: { edge: Edge }) {
  // What the link says already is not said again, but marked in it.
  const isSaid = ({ parts }: Highlight) => lettersOf(node.label).includes(lettersOf(textOf(parts)));
  const said = highlights.filter(isSaid).flatMap(({ parts }) => parts.filter(({ isMatch }) => isMatch));
  return (
    <li>
      <p>
        <Link to={placeOf(node)}>
          <bdi>
            <Marked words={said.map(({ text }) => text)}>{node.label}</Marked>
          </bdi>
        </Link>
      </p>
      <p className="small soft figures">
        {t.types[node.__typename].one}
        <About node={node} />
      </p>
      {highlights
        .filter((one) => !isSaid(one))
        .map(({ field, parts, citations }, at) => (
          <p key={at} className="small" title={t.field(field)} dir="auto">
            {parts.map(({ text, isMatch }, at) => (isMatch ? <mark key={at}>{text}</mark> : text))}
            {citations.map(({ record }) => (
              <span key={record.id}>
                {' '}
                → <RecordLink record={record} />
              </span>
            ))}
          </p>
        ))}
    </li>
  );
}

type Highlight = Edge['highlights'][number];

const textOf = (parts: Highlight['parts']) => parts.map(({ text }) => text).join('');
const lettersOf = (text: string) => text.toLowerCase().replace(/[^\p{L}\p{N}]/gu, '');

/** A text with words of it marked. */
function Marked({ words, children: text }: { words: string[]; children: string }) {
  if (words.length === 0) return text;
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pieces = text.split(new RegExp(`(${escaped.join('|')})`, 'i'));
  // Every other piece is one of the words.
  return pieces.map((piece, at) => (at % 2 === 1 ? <mark key={at}>{piece}</mark> : piece));
}

/** What else is known of a record that was found: whose words, when, where. */
function About({ node }: { node: Edge['node'] }) {
  const [record, date] = aboutOf(node);
  return (
    <>
      {node.__typename === 'Actor' && `, ${t.word(node.kind)}`}
      {record && (
        <>
          {' · '}
          <RecordLink record={record} />
        </>
      )}
      {date && (
        <>
          {' · '}
          <When from={date} />
        </>
      )}
    </>
  );
}

type Ref = Parameters<typeof RecordLink>[0]['record'];

function aboutOf(node: Edge['node']): [record: Ref, date: string | null] {
  switch (node.__typename) {
    case 'Statement':
      return [node.speaker, node.saidOn];
    case 'Commentary':
      return [node.author, null];
    case 'Meeting':
      return [node.venue, node.startsOn];
    case 'Event':
      return [null, node.occurredOn];
    case 'Motion':
      return [null, node.proposedOn];
    case 'Topic':
      return [node.parent, null];
    case 'Source':
      return [node.publisher, node.publishedOn];
    default:
      return [null, null];
  }
}

/** The arrow keys move between the field and the results. */
function moveThroughResults(event: KeyboardEvent<HTMLElement>) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || event.defaultPrevented) return;
  const stops = [
    ...event.currentTarget.querySelectorAll<HTMLElement>('input[type=search], .results > li > p:first-child > a'),
  ];
  const next = stops[stops.indexOf(document.activeElement as HTMLElement) + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}
