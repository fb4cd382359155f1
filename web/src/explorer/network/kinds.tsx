import type { TieKind } from '../api/documents';
import { setParameters, useAddress } from '../router';
import { t } from '../texts';
import { DASHES } from './draw';
import { useColors } from './look';

export const KINDS = Object.keys(DASHES) as TieKind[];

/** The kinds of ties that an address asks for; without any, all. */
export function kindsIn(parameters: URLSearchParams): TieKind[] {
  const named = KINDS.filter((kind) => parameters.getAll('kind').includes(kind));
  return named.length > 0 ? named : KINDS;
}

/** The least weight of ties that an address asks for. */
export const leastIn = (parameters: URLSearchParams) => Number(parameters.get('least') ?? 1) || 1;

/** Switches kinds of ties on and off, and leaves out weak ones. */
export function Kinds() {
  const { parameters } = useAddress();
  const { ties } = useColors();
  const on = kindsIn(parameters);
  const toggle = (kind: TieKind) => {
    const chosen = on.includes(kind) ? on.filter((one) => one !== kind) : [...on, kind];
    setParameters({ kind: chosen.length === KINDS.length ? null : chosen }, { replace: true });
  };
  const least = leastIn(parameters);
  return (
    <>
      <fieldset className="kinds">
        <legend className="label">{t.network.kinds}</legend>
        {KINDS.map((kind) => (
          <label key={kind}>
            <input type="checkbox" checked={on.includes(kind)} onChange={() => toggle(kind)} />
            <svg className="sample" viewBox="0 0 36 8" aria-hidden="true">
              <line x1={0} x2={36} y1={4} y2={4} stroke={ties[kind]} strokeWidth={2} strokeDasharray={DASHES[kind].join(' ')} />
            </svg>
            {t.word(kind)}
          </label>
        ))}
      </fieldset>
      <label>
        <span className="label">{t.network.least(least)}</span>
        <input
          type="range"
          min={1}
          max={10}
          value={least}
          onChange={({ target }) => setParameters({ least: target.value === '1' ? null : target.value }, { replace: true })}
        />
      </label>
    </>
  );
}
