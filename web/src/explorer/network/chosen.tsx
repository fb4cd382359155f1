import { RecordLink } from '../parts/record-link';
import { t } from '../texts';
import type { Graph } from './graph';

interface Props {
  id: string;
  graph: Graph;
  expanded: Set<string>;
  expand: (slug: string) => void;
  close: () => void;
}

const SHOWN = 8;

/** The actor that the reader chose in the picture, with its ties and what shows them. */
export function Chosen({ id, graph, expanded, expand, close }: Props) {
  const actor = graph.actors.get(id)!;
  const ties = graph.ties.filter(({ source, target }) => source === id || target === id);
  return (
    <div className="chosen small" aria-live="polite">
      <p>
        <strong>
          <RecordLink record={actor} />
        </strong>{' '}
        <span className="label">{t.word(actor.kind)}</span>
      </p>
      <p>
        <button type="button" onClick={() => expand(actor.slug)}>
          {expanded.has(actor.slug) ? t.network.collapse : t.network.expand}
        </button>{' '}
        <button type="button" onClick={close}>
          {t.network.close}
        </button>
      </p>
      <ul>
        {ties.slice(0, SHOWN).map((tie, at) => (
          <li key={at}>
            <RecordLink record={graph.actors.get(tie.source === id ? tie.target : tie.source)} />{' '}
            <span className="soft">{t.word(tie.relationKind ?? tie.kind)}:</span> <RecordLink record={tie.evidence} />
          </li>
        ))}
      </ul>
      {ties.length > SHOWN && <p className="soft">{t.start.andMore(ties.length - SHOWN)}</p>}
    </div>
  );
}
