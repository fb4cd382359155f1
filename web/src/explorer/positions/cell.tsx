import { useEffect, useRef } from 'react';
import { Positions, Statements, Votes } from '../lists/lists';
import { t } from '../texts';

/** What is known of one actor on one topic: each stance with its evidence, and how it voted. */
export function Cell({ holder, topic }: { holder: string; topic: string }) {
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    place.current?.focus({ preventScroll: true });
    place.current?.scrollIntoView({ block: 'nearest' });
  }, []);
  const [of, on] = [{ slug: { equals: holder } }, { slug: { equals: topic } }];
  return (
    <div ref={place} className="at" tabIndex={-1}>
      <Positions
        title={t.stands.evidence}
        filter={{ holder: of, topic: on }}
        orderBy="HELD_DESC"
        empty={t.stands.none}
      />
      <Votes
        title={t.stands.votes}
        filter={{ actor: of, division: { motion: { topic: on } } }}
        orderBy="ENTERED_DESC"
      />
      <Statements title={t.stands.said} filter={{ speaker: of, topic: on }} orderBy="DATE_DESC" />
    </div>
  );
}
