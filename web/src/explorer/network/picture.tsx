import { useId, useState } from 'react';
import { t } from '../texts';
import { Canvas } from './canvas';
import { Chosen } from './chosen';
import type { Graph } from './graph';
import { useLayout } from './layout';
import { family, useColors } from './look';
import { download, gexf, png, svg } from './save';

interface Props {
  graph: Graph;
  expanded: Set<string>;
  expand: (slug: string) => void;
}

/** A network as a picture: to choose actors in, and to save. */
export function Picture({ graph, expanded, expand }: Props) {
  const { layout, isSettled } = useLayout(graph);
  const [choice, choose] = useState<string>();
  const colors = useColors();
  const described = useId();
  const chosen = choice !== undefined && graph.actors.has(choice) ? choice : undefined;
  const look = { colors, expanded, chosen };
  const saved = { graph, layout, look: { colors, expanded, chosen: undefined }, family: family() };
  const formats = { SVG: svg, PNG: png, GEXF: gexf };
  return (
    <figure className="network">
      <Canvas
        {...{ graph, layout, isSettled, look }}
        family={saved.family}
        label={t.network.picture(graph.actors.size, graph.ties.length)}
        describedBy={described}
        onChoose={choose}
      />
      {chosen && <Chosen id={chosen} {...{ graph, expanded, expand }} close={() => choose(undefined)} />}
      <figcaption className="small soft">
        <span id={described}>{t.network.keys}</span>
        <span className="saves">
          {t.network.save}
          {Object.entries(formats).map(([format, made]) => (
            <button
              key={format}
              type="button"
              className="plain"
              onClick={async () => download(await made(saved), `network.${format.toLowerCase()}`)}
            >
              {format}
            </button>
          ))}
        </span>
      </figcaption>
    </figure>
  );
}
