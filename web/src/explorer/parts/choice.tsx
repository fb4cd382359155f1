import { useState } from 'react';
import { Chosen } from '../api/documents';
import { useQuery } from '../api/queries';
import { setParameters, useAddress, useAsOf } from '../router';
import { t } from '../texts';
import { Combobox } from './combobox';
import './choice.css';

interface Props {
  /** The parameter of the address that has the slugs of what is chosen. */
  parameter: string;
  type: 'ACTOR' | 'TOPIC';
  label: string;
  /** Whether a choice takes the place of the last one. */
  isOne?: boolean;
}

/** Chooses actors or topics, which the address names. */
export function Choice({ parameter, type, label, isOne = false }: Props) {
  const slugs = useAddress().parameters.getAll(parameter);
  const [text, setText] = useState('');
  const [actors, topics] = type === 'ACTOR' ? [slugs, []] : [[], slugs];
  const { data } = useQuery(Chosen, { actors, topics, asOf: useAsOf() }, { enabled: slugs.length > 0, keep: true });
  const known = data ? [...data.actors.nodes, ...data.topics.nodes] : [];
  const set = (chosen: string[]) => setParameters({ [parameter]: chosen });
  return (
    <div className="choice">
      <span className="label" aria-hidden="true">
        {label}
      </span>
      <Combobox
        label={label}
        types={[type]}
        placeholder={t.chooseAny[type]}
        mustChoose
        text={text}
        onText={setText}
        onChoose={({ slug }) => {
          setText('');
          set(isOne ? [slug] : [...new Set([...slugs, slug])]);
        }}
      />
      {slugs.length > 0 && (
        <ul aria-label={label}>
          {slugs.map((slug) => {
            const name = known.find((record) => record.slug === slug)?.label ?? slug;
            return (
              <li key={slug}>
                <bdi>{name}</bdi>{' '}
                <button
                  type="button"
                  className="plain"
                  aria-label={t.leaveOut(name)}
                  onClick={() => set(slugs.filter((one) => one !== slug))}
                >
                  ×
                </button>
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}
