import { useDeferredValue, useState } from 'react';
import * as format from '../format';
import { RecordLink } from '../parts/record-link';
import { t } from '../texts';
import type { Graph } from './graph';

interface Props {
  graph: Graph;
  expanded: Set<string>;
  expand: (slug: string) => void;
}

/** The first rows come while the picture is laid out: few enough that the page stays free. */
const [FIRST, PAGE] = [25, 50];
const NOTHING: Graph = { actors: new Map(), ties: [] };

/** What the picture shows, as a table: for the keyboard, for screen readers, and to read the evidence. */
export function Ties({ graph: latest, expanded, expand }: Props) {
  const [shown, show] = useState(FIRST);
  // The picture comes first; the table is drawn bit by bit, while the reader can do other things.
  const graph = useDeferredValue(latest, NOTHING);
  const end = (id: string) => {
    const actor = graph.actors.get(id);
    if (!actor) return null;
    const isExpanded = expanded.has(actor.slug);
    return (
      <>
        <RecordLink record={actor} />{' '}
        <button
          type="button"
          className="plain expand"
          aria-label={(isExpanded ? t.network.collapseOf : t.network.expandOf)(actor.label)}
          onClick={() => expand(actor.slug)}
        >
          {isExpanded ? '−' : '+'}
        </button>
      </>
    );
  };
  return (
    <section className="section">
      <h2>{t.network.ties}</h2>
      <div className="ties" role="region" aria-label={t.network.ties} tabIndex={0}>
        <table>
          <thead>
            <tr>
              {t.network.columns.map((name) => (
                <th key={name} scope="col" className="label">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {graph.ties.slice(0, shown).map(({ source, target, kind, relationKind, weight, evidence }) => (
              <tr key={`${source} ${target} ${kind} ${relationKind}`}>
                <td>{end(source)}</td>
                <td className="soft">{t.word(relationKind ?? kind)}</td>
                <td>{end(target)}</td>
                <td className="figures">{format.number(weight)}</td>
                <td>
                  <RecordLink record={evidence} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {graph.ties.length > shown && (
        <p>
          <button type="button" onClick={() => show(shown + PAGE)}>
            {t.more}
          </button>
        </p>
      )}
    </section>
  );
}
