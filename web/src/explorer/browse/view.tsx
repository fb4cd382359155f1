import { useQuery } from '../api/queries';
import * as format from '../format';
import { useTitle } from '../frame/title';
import { typeAt } from '../parts/record-link';
import { setParameters, useAddress, useAsOf } from '../router';
import { t } from '../texts';
import './browse.css';
import { type Value, types } from './types';

/** All records of a type, narrowed down by what they share. */
export default function Browse() {
  const { segments, parameters } = useAddress();
  const place = segments[0] ?? '';
  const { list: List, order, document, filters } = types[place]!;
  const name = t.types[typeAt(place)!].many;
  useTitle(name);
  const chosen = Object.keys(filters).filter((facet) => parameters.has(facet));
  const filter = { and: chosen.map((facet) => filters[facet]!(parameters.get(facet)!)) } as never;
  const { data } = useQuery(document, { filter, asOf: useAsOf() } as never, { keep: true });
  return (
    <div className="view browse">
      <h1>{name}</h1>
      <List
        title={data ? t.countOf(data.list.totalCount, typeAt(place)!) : t.all}
        empty={t.noneYet}
        filter={filter}
        orderBy={order as never}
      />
      {data && (
        <details className="small" open={matchMedia('(min-width: 68rem)').matches}>
          <summary>
            {t.facets}
            {chosen.length > 0 && ` (${format.number(chosen.length)})`}
          </summary>
          <div className="facets">
            {Object.entries(data.list.facets).map(([facet, values]) => (
              <Facet key={facet} name={facet} values={values} chosen={parameters.get(facet)} />
            ))}
          </div>
        </details>
      )}
    </div>
  );
}

/** The commonest values of what records share, with how many records have each. */
function Facet({ name, values, chosen }: { name: string; values: Value[]; chosen: string | null }) {
  const known = values.filter(({ value }) => value !== null);
  if (known.length === 0 || (known.length === 1 && !chosen)) return null;
  return (
    <fieldset>
      <legend className="label">{t.field(name)}</legend>
      {known.map(({ value, count }) => {
        const [key, said] =
          typeof value === 'object' ? [value!.slug, value!.label] : [String(value), t.value(String(value))];
        return (
          <button
            key={key}
            type="button"
            className="plain"
            aria-pressed={key === chosen}
            onClick={() => setParameters({ [name]: key === chosen ? null : key })}
          >
            <bdi>{said}</bdi> <span className="soft figures">{format.number(count)}</span>
          </button>
        );
      })}
    </fieldset>
  );
}
