import { useId, useRef, useState } from 'react';
import { t } from '../texts';
import { Canvas } from './canvas';
import { Chosen } from './chosen';
import type { Graph } from './graph';
import { family, useColors } from './look';
import { download, gexf } from './save';
import { stageOf } from './stage';

interface Props {
  graph: Graph;
  expanded: Set<string>;
  expand: (slug: string) => void;
}

const FORMATS = ['SVG', 'PNG', 'GEXF'] as const;

/** A network as a picture: to choose actors in, and to save. */
export function Picture({ graph, expanded, expand }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [choice, choose] = useState<string>();
  const described = useId();
  const chosen = choice !== undefined && graph.actors.has(choice) ? choice : undefined;
  const save = async (format: (typeof FORMATS)[number]) => {
    const stage = stageOf(canvas.current!);
    const file = format === 'GEXF' ? gexf(graph, await stage.save('places')) : await stage.save(format);
    download(file, `network.${format.toLowerCase()}`);
  };
  return (
    <figure className="network">
      <Canvas
        {...{ canvas, graph, expanded, chosen }}
        colors={useColors()}
        family={family()}
        label={t.network.picture(graph.actors.size, graph.ties.length)}
        describedBy={described}
        onChoose={choose}
      />
      {chosen && <Chosen id={chosen} {...{ graph, expanded, expand }} close={() => choose(undefined)} />}
      <figcaption className="small soft">
        <span id={described}>{t.network.keys}</span>
        <span className="saves">
          {t.network.save}
          {FORMATS.map((format) => (
            <button key={format} type="button" className="plain" onClick={() => void save(format)}>
              {format}
            </button>
          ))}
        </span>
      </figcaption>
    </figure>
  );
}
