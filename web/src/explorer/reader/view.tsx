import { type MouseEvent, useEffect, useMemo, useRef, useState } from 'react';
import { type ReaderCitationFragment, SourceReader, WholeText } from '../api/documents';
import { usePages, useQuery } from '../api/queries';
import { useTitle } from '../frame/title';
import { Empty, Loading, Refused } from '../parts/answer';
import { Grade } from '../parts/citations';
import { RecordLink } from '../parts/record-link';
import { Link, setParameters, useAddress, useAsOf } from '../router';
import { useIsEditor } from '../session/role';
import { t } from '../texts';
import type { Parameters } from '../views';
import { type Span, useHighlight } from './highlights';
import './reader.css';
import { type Row, lengthOf, linesOf, passagesOf } from './rows';
import { CiteSelection, type Content } from './selection';

/** A source: its text beside what cites it. */
export default function Reader({ parameters: { slug = '' } }: { parameters: Parameters }) {
  const asOf = useAsOf();
  const cited = usePages(SourceReader, { slug, asOf }, (data) => data.source?.citations);
  const { hasNextPage, isFetching, fetchNextPage } = cited;
  useEffect(() => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage]);
  const source = cited.data?.pages[0]?.source;
  const hasText = (source?.texts.length ?? 0) > 0;
  const whole = useQuery(WholeText, { slug, asOf }, { enabled: hasText });
  const citations = useMemo(
    () => cited.data?.pages.flatMap((page) => page.source?.citations.nodes ?? []) ?? [],
    [cited.data],
  );
  const text = whole.data?.source?.text;
  const rows = useMemo(() => (text ? linesOf(text.content, citations) : passagesOf(citations)), [text, citations]);
  useTitle(source?.label ?? slug);

  if (cited.error) return <Refused error={cited.error} retry={() => void cited.refetch()} />;
  if (cited.isPending || (hasText && whole.isPending)) return <Loading />;
  if (!source) return <NoSource slug={slug} />;
  return (
    <article className="view reader">
      <header className="section">
        <p className="label">{t.types.Source.one}</p>
        <h1 dir="auto">
          <RecordLink record={source} />
        </h1>
        {source.coverage && <p className="soft">{t.coverage(source.coverage.cited, source.coverage.passages)}</p>}
        {!hasText && <p className="soft">{t.reader.noText}</p>}
        {whole.error && (
          <p className="soft">
            {whole.error.code === 'UNAUTHENTICATED' ? t.reader.needsKey : whole.error.message}{' '}
            <Link to="sign-in">{t.signIn}</Link>
          </p>
        )}
      </header>
      <Text
        slug={slug}
        language={source.language}
        rows={rows}
        uncited={whole.data?.source?.uncitedPassages ?? []}
        whole={text ?? undefined}
      />
      {rows.length === 0 && <Empty>{t.reader.nothing}</Empty>}
    </article>
  );
}

function NoSource({ slug }: { slug: string }) {
  return (
    <div className="view">
      <h1>{t.noRecord}</h1>
      <Empty>{t.noRecordAdvice(slug)}</Empty>
    </div>
  );
}

interface TextProps {
  slug: string;
  language: string | null;
  rows: Row[];
  uncited: Span[];
  /** Its whole text, if the reader may read it. */
  whole: Content | undefined;
}

const spanOf = ({ passage }: ReaderCitationFragment): Span[] =>
  typeof passage?.start === 'number' && typeof passage.end === 'number'
    ? [{ start: passage.start, end: passage.end }]
    : [];

function Text({ slug, language, rows, uncited, whole }: TextProps) {
  const isWhole = whole !== undefined;
  const isEditor = useIsEditor();
  const text = useRef<HTMLOListElement>(null);
  const { parameters } = useAddress();
  const [pointed, point] = useState<string | null>(null);
  const [showsGaps, showGaps] = useState(false);
  const chosen = useMemo(() => parameters.getAll('citation'), [parameters]);
  const all = useMemo(() => rows.flatMap(({ citations }) => citations), [rows]);
  const active = useMemo(() => all.filter(({ id }) => id === pointed || chosen.includes(id)), [all, pointed, chosen]);
  const cited = useMemo(() => all.flatMap(spanOf), [all]);
  const shown = useMemo(() => active.flatMap(spanOf), [active]);
  const gaps = useMemo(() => (showsGaps ? uncited : []), [showsGaps, uncited]);
  useHighlight('cited', text, rows, isWhole ? cited : NONE);
  useHighlight('gap', text, rows, isWhole ? gaps : NONE);
  useHighlight('active', text, rows, isWhole ? shown : NONE);

  // The passage that the address names is brought into view.
  const first = chosen[0];
  useEffect(() => {
    if (first)
      text.current?.querySelector(`[data-citation="${CSS.escape(first)}"]`)?.scrollIntoView({ block: 'center' });
  }, [first, rows.length]);

  /** Points out what cites the passage that was clicked. */
  const choose = (event: MouseEvent, row: Row) => {
    const at = characterAt(event, row);
    const hit = all.filter((citation) => spanOf(citation).some(({ start, end }) => start <= at && at <= end));
    if (hit.length > 0 && getSelection()?.isCollapsed !== false) {
      setParameters({ citation: hit.map(({ id }) => id) }, { replace: true });
    }
  };
  return (
    <>
      {uncited.length > 0 && (
        <label className="small">
          <input type="checkbox" checked={showsGaps} onChange={() => showGaps(!showsGaps)} /> {t.reader.gaps}
        </label>
      )}
      <ol className="section text" ref={text} lang={language ?? undefined}>
        {rows.map((row) => (
          <li key={`${row.start} ${row.label}`} className={row.text ? 'row' : 'row bare'}>
            <bdi className="line label">{row.label}</bdi>
            {row.text && (
              // Claims beside the text lead to each passage by keyboard.
              // eslint-disable-next-line jsx-a11y/click-events-have-key-events, jsx-a11y/no-noninteractive-element-interactions
              <p
                dir="auto"
                data-start={isWhole && row.start >= 0 ? row.start : undefined}
                onClick={(event) => choose(event, row)}
              >
                {row.text}
              </p>
            )}
            <Claims citations={row.citations} active={active} point={point} />
          </li>
        ))}
      </ol>
      {isEditor && whole && <CiteSelection {...{ slug, text, rows, whole }} />}
    </>
  );
}

const NONE: Span[] = [];
const SHOWN = 5;

interface ClaimsProps {
  citations: ReaderCitationFragment[];
  active: ReaderCitationFragment[];
  point: (id: string | null) => void;
}

/** The records that cite a passage; pointing at one shows its words in the text. */
function Claims({ citations, active, point }: ClaimsProps) {
  const [showsAll, showAll] = useState(false);
  if (citations.length === 0) return null;
  const isActive = ({ id }: ReaderCitationFragment) => active.some((one) => one.id === id);
  const shown = showsAll ? citations : citations.filter((one, at) => at < SHOWN || isActive(one));
  return (
    <ul className="claims small" aria-label={t.reader.claims}>
      {shown.map((citation) => (
        // Pointing at it is a help for those who see the text; the link in it opens the record.
        // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
        <li
          key={citation.id}
          data-citation={citation.id}
          data-active={isActive(citation) || undefined}
          onPointerEnter={() => point(citation.id)}
          onPointerLeave={() => point(null)}
          onFocus={() => point(citation.id)}
          onBlur={() => point(null)}
        >
          <RecordLink record={citation.record} />{' '}
          <span className="label">
            {t.types[citation.record.__typename].one} <Grade grade={citation.grade} />
          </span>
        </li>
      ))}
      {shown.length < citations.length && (
        <li>
          <button type="button" className="plain" onClick={() => showAll(true)}>
            {t.start.andMore(citations.length - shown.length)}
          </button>
        </li>
      )}
    </ul>
  );
}

/** The character of the text that was clicked. */
function characterAt({ clientX, clientY }: MouseEvent, row: Row): number {
  const offset = document.caretPositionFromPoint(clientX, clientY)?.offset ?? 0;
  return row.start + lengthOf((row.text ?? '').slice(0, offset));
}
