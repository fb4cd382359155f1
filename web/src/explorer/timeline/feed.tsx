import { useWindowVirtualizer } from '@tanstack/react-virtual';
import { memo, useEffect, useLayoutEffect, useRef, useState } from 'react';
import type { TimelineEntryFragment } from '../api/documents';
import { Quiet } from '../lists/entries';
import { Citations } from '../parts/citations';
import { RecordLink } from '../parts/record-link';
import { When } from '../parts/when';
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
  const [scrollMargin, setMargin] = useState(0);
  useLayoutEffect(() => setMargin(feed.current!.getBoundingClientRect().top + scrollY));
  const rows = useWindowVirtualizer({
    count: edges.length,
    estimateSize: () => 48,
    overscan: 10,
    scrollMargin,
    getItemKey: (at) => edges[at]!.node.id,
  });
  const shown = rows.getVirtualItems();
  const last = shown.at(-1)?.index ?? 0;
  useEffect(() => {
    if (last > edges.length - AHEAD) more?.();
  }, [last, edges.length, more]);
  return (
    <div
      ref={feed}
      className="feed"
      role="feed"
      aria-busy={isLoading}
      aria-label={t.timeline.title}
      style={{ height: rows.getTotalSize() }}
    >
      {shown.map(({ key, index, start }) => (
        <article
          key={key}
          ref={rows.measureElement}
          data-index={index}
          aria-posinset={index + 1}
          aria-setsize={total ?? -1}
          tabIndex={-1}
          style={{ transform: `translateY(${start - scrollMargin}px)` }}
        >
          {headOf(edges, index)}
          <Entry edge={edges[index]!} />
        </article>
      ))}
    </div>
  );
}

const yearOf = ({ earliest }: TimelineEntryFragment) => earliest?.split('-')[0];

/** The heading of the first entry of a year, and of the first without a date. */
function headOf(edges: TimelineEntryFragment[], at: number) {
  const [before, edge] = [edges[at - 1], edges[at]!];
  if (before && yearOf(before) === yearOf(edge)) return null;
  return <h2 className="figures">{yearOf(edge) ?? t.timeline.unknown}</h2>;
}

const Entry = memo(({ edge: { date, earliest, latest, node } }: { edge: TimelineEntryFragment }) => (
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
    <Citations of={node.citations.nodes} />
  </div>
));
