import { Options } from '../parts/options';
import { setParameters, useAddress } from '../router';
import { t } from '../texts';

/** So many actors are shown around each that is expanded, unless the address asks for more. */
const AROUND = 60;
/** The server gives no more. */
const MOST = 2000;
const STEPS = [250, 500, 1000, MOST];

/** How many actors are shown: those that the address asks for, and some around each that is expanded. */
export const limitIn = (parameters: URLSearchParams) =>
  Math.min(Math.max(Number(parameters.get('most')) || 0, AROUND * parameters.getAll('actor').length), MOST);

type Depth = keyof typeof t.network.depths;

/** How far from the centre actors are shown. */
export function depthIn(parameters: URLSearchParams): Depth {
  const depth = Number(parameters.get('depth'));
  return depth in t.network.depths ? (depth as Depth) : 1;
}

/** How many ties of each actor are shown; of many actors only few, so that something can be seen. */
export function strongestIn(parameters: URLSearchParams): string {
  const asked = parameters.get('strongest') ?? '';
  if (asked in t.network.strongest) return asked;
  return limitIn(parameters) > STEPS[0]! ? '3' : '25';
}

/** Chooses how far from the centre actors are shown, and how many ties of each. */
export function Reach() {
  const { parameters } = useAddress();
  return (
    <>
      <Options parameter="depth" label={t.network.depth} options={t.network.depths} chosen={`${depthIn(parameters)}`} />
      <Options
        parameter="strongest"
        label={t.network.tiesOfEach}
        options={t.network.strongest}
        chosen={strongestIn(parameters)}
      />
    </>
  );
}

/** How much of a network is shown, and the way to more. */
export function Extent({ shown, size, isLoading }: { shown: number; size: number; isLoading: boolean }) {
  const next = STEPS.find((step) => step > shown);
  return (
    <p className="soft small figures" role="status">
      {t.network.shown(shown, size)}{' '}
      {shown < size && next !== undefined && (
        <button type="button" className="plain" disabled={isLoading} onClick={() => setParameters({ most: `${next}` })}>
          {t.network.showMore(Math.min(next, size))}
        </button>
      )}
    </p>
  );
}
