import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { type RefObject, memo, useCallback, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { CitedFirstFragment, TimelineEntryFragment } from '../api/documents';
import { Quiet } from '../lists/entries';
import { Grade, readerOf } from '../parts/citations';
import { RecordLink } from '../parts/record-link';
import { When } from '../parts/when';
import { Link } from '../router';
import { t } from '../texts';
import { Track } from './track';

interface Props {
  edges: TimelineEntryFragment[];
  total: number | undefined;
  isLoading: boolean;
  /** Loads the next page, if there is one. */
  more: (() => void) | undefined;
}

/** The next page is asked for so many entries before the last one. */
const AHEAD = 60;

/** Entries by date: only those in sight are in the document. */
export function Feed({ edges, total, isLoading, more }: Props) {
  const feed = useRef<HTMLDivElement>(null);
  const rows = useWindowVirtualizer({
    count: edges.length,
    estimateSize,
    overscan: 8,
    scrollMargin: useTop(feed),
    getItemKey: useCallback((at: number) => edges[at]!.node.id, [edges]),
    // Entries are placed without React, and drawn when it has time.
    directDomUpdates: true,
    directDomUpdatesMode: 'position',
    useFlushSync: false,
  });
  const { containerRef } = rows;
  const hold = useCallback(
    (element: HTMLDivElement | null) => {
      feed.current = element;
      containerRef(element);
    },
    [containerRef],
  );
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last > edges.length - AHEAD) more?.();
  }, [last, edges.length, more]);
  return (
    <div ref={hold} className="feed" role="feed" aria-busy={isLoading} aria-label={t.timeline.title}>
      {shown.map(({ key, index }) => (
        <article
          key={key}
          ref={rows.measureElement}
          data-index={index}
          aria-posinset={index + 1}
          aria-setsize={total ?? -1}
          tabIndex={-1}
        >
          <Row edge={edges[index]!} head={headOf(edges, index)} />
        </article>
      ))}
    </div>
  );
}

/** The height of an entry before it was in sight. */
const estimateSize = () => 48;

/** How far from the top of the page an element begins. */
function useTop(element: RefObject<HTMLElement | null>): number {
  const [top, set] = useState(0);
  useLayoutEffect(() => {
    const measure = () => set(Math.round(element.current!.getBoundingClientRect().top + scrollY));
    measure();
    // What stands above may wrap.
    const observer = new ResizeObserver(measure);
    for (const other of element.current!.parentElement!.children)
      if (other !== element.current) observer.observe(other);
    return () => observer.disconnect();
  }, [element]);
  return top;
}

const yearOf = ({ earliest }: TimelineEntryFragment) => earliest?.split('-')[0];

/** The heading of the first entry of a year, and of the first without a date. */
function headOf(edges: TimelineEntryFragment[], at: number): string | undefined {
  const [before, edge] = [edges[at - 1], edges[at]!];
  return before && yearOf(before) === yearOf(edge) ? undefined : (yearOf(edge) ?? t.timeline.unknown);
}

interface RowProps {
  edge: TimelineEntryFragment;
  head: string | undefined;
}

const Row = memo(({ edge: { date, earliest, latest, node }, head }: RowProps) => (
  <>
    {head !== undefined && <h2 className="figures">{head}</h2>}
    <div className="timeline-entry">
      {earliest && latest && <Track earliest={earliest} latest={latest} />}
      <p className="small soft figures">
        {date && (
          <>
            <When from={date} />
            {' · '}
          </>
        )}
        {t.types[node.__typename].one}
      </p>
      <p>
        {node.__typename === 'Statement' && node.speaker && (
          <>
            <RecordLink record={node.speaker} />:{' '}
          </>
        )}
        {node.__typename === 'Commentary' && (
          <>
            <RecordLink record={node.author} />:{' '}
          </>
        )}
        <Quiet record={node}>{node.label}</Quiet>
      </p>
      <CitedAtPlaces of={node.citations.nodes} />
    </div>
  </>
));

/** The passages that support an entry, without their words. */
const CitedAtPlaces = ({ of }: { of: CitedFirstFragment['nodes'] }) => (
  <div className="places small">
    {of.map(({ id, locator, grade, source }) => (
      <p key={id}>
        <bdi className="soft">{source.label}</bdi>{' '}
        <Link to={readerOf(source.slug, id)}>
          <bdi>{locator}</bdi>
        </Link>{' '}
        <Grade grade={grade} />
      </p>
    ))}
  </div>
);
