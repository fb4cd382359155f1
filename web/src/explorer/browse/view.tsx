import { useQuery } from '../api/queries';
import * as format from '../format';
import { useTitle } from '../frame/title';
import { Choice } from '../parts/choice';
import { DateField } from '../parts/date-field';
import { typeAt } from '../parts/record-link';
import { setParameters, useAddress, useAsOf } from '../router';
import { t } from '../texts';
import './browse.css';
import { type Value, filterOf, types } from './types';

/** All records of a type, narrowed down by what they share. */
export default function Browse() {
  const { segments, parameters } = useAddress();
  const place = segments[0] ?? '';
  const browsed = types[place]!;
  const { list: List, order, document, filters, date, topics } = browsed;
  const name = t.types[typeAt(place)!].many;
  useTitle(name);
  const chosen = [...Object.keys(filters), 'within', 'from', 'until', 'date'].filter((name) => parameters.has(name));
  const filter = filterOf(browsed, parameters) as never;
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
          {date && (
            <div className="choices">
              {topics && <Choice parameter="within" type="TOPIC" label={t.within} />}
              <DateField parameter="from" label={t.timeline.from} />
              <DateField parameter="until" label={t.timeline.until} />
              <Undated />
            </div>
          )}
          <div className="facets">
            {Object.entries(data.list.facets).map(([facet, values]) => (
              <Facet key={facet} name={facet} values={values} chosen={parameters.getAll(facet)} />
            ))}
          </div>
        </details>
      )}
    </div>
  );
}

/** Shows only records whose date is not known. */
function Undated() {
  const isOn = useAddress().parameters.get('date') === 'unknown';
  return (
    <label className="undated">
      <span className="label">{t.field('date')}</span>
      <span>
        <input type="checkbox" checked={isOn} onChange={() => setParameters({ date: isOn ? null : 'unknown' })} />{' '}
        {t.timeline.unknown}
      </span>
    </label>
  );
}

/** All values but one; undefined if it is not among them. */
const without = (values: string[], one: string) =>
  values.includes(one) ? values.filter((value) => value !== one) : undefined;

/** The commonest values of what records share, with how many records have each. */
function Facet({ name, values, chosen }: { name: string; values: Value[]; chosen: string[] }) {
  const known = values.filter(({ value }) => value !== null);
  if (known.length === 0 || (known.length === 1 && chosen.length === 0)) return null;
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
            aria-pressed={chosen.includes(key)}
            onClick={() => setParameters({ [name]: without(chosen, key) ?? [...chosen, key] })}
          >
            <bdi>{said}</bdi> <span className="soft figures">{format.number(count)}</span>
          </button>
        );
      })}
    </fieldset>
  );
}
