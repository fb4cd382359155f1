import type { TieKind } from '../api/documents';
import { Switches, switchedOn } from '../parts/switches';
import { setParameters, useAddress } from '../router';
import { t } from '../texts';
import { DASHES, KINDS } from './drawing';
import { useColors } from './look';

/** The kinds of ties that an address asks for; null if all. */
export function kindsIn(parameters: URLSearchParams): TieKind[] | null {
  const on = switchedOn(parameters, 'kind', KINDS);
  return on.length < KINDS.length ? [...on] : null;
}

/** The least weight of ties that an address asks for. */
export const leastIn = (parameters: URLSearchParams) => Number(parameters.get('least') ?? 1) || 1;

/** Switches kinds of ties on and off, and leaves out weak ones. */
export function Kinds() {
  const { parameters } = useAddress();
  const { ties } = useColors();
  const least = leastIn(parameters);
  return (
    <>
      <Switches
        parameter="kind"
        legend={t.network.kinds}
        values={KINDS}
        name={(kind) => (
          <>
            <svg className="sample" viewBox="0 0 36 8" aria-hidden="true">
              <line
                x1={0}
                x2={36}
                y1={4}
                y2={4}
                stroke={ties[kind]}
                strokeWidth={2}
                strokeDasharray={DASHES[kind].join(' ')}
              />
            </svg>
            {t.word(kind)}
          </>
        )}
      />
      <label>
        <span className="label">{t.network.least(least)}</span>
        <input
          type="range"
          min={1}
          max={10}
          value={least}
          onChange={({ target }) =>
            setParameters({ least: target.value === '1' ? null : target.value }, { replace: true })
          }
        />
      </label>
    </>
  );
}
