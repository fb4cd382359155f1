import type { ReactNode } from 'react';
import type { EditedCitationFragment, RecordRefFragment } from '../api/documents';
import { t } from '../texts';
import type { Field } from './forms';
import { RecordPicker } from './record-picker';

interface ControlProps<Value> {
  id: string;
  field: Field;
  value: Value;
  change: (value: Value) => void;
  /** The ids of what is said about the field. */
  described: string | undefined;
}

/** A kind of field: its value when it is empty, from and to the API, in words, and its control. */
interface Kind<Value> {
  empty: Value;
  read: (given: never) => Value;
  write: (value: Value) => unknown;
  show: (value: Value) => string;
  Control: (props: ControlProps<Value>) => ReactNode;
}

const kind = <Value,>(one: Kind<Value>): Kind<unknown> => one as Kind<unknown>;

type Ref = Pick<RecordRefFragment, '__typename' | 'id' | 'slug' | 'label'>;
type Connection<Node> = { nodes: Node[] };
type Name = { name: string; kind: string; language: string | null };
type Participant = { role: string; node: Ref };
type Citation = Omit<EditedCitationFragment, 'source'> & { source: Ref };

const orNull = (text: string) => (text.trim() === '' ? null : text.trim());

const line = (type: 'text' | 'number', pattern?: string) =>
  kind<string>({
    empty: '',
    read: (given: string | number | null) => String(given ?? ''),
    write: (value) => (type === 'number' ? (value === '' ? null : Number(value)) : orNull(value)),
    show: String,
    Control: ({ id, field, value, change, described }) => (
      <input
        id={id}
        type={type}
        dir="auto"
        value={value}
        required={field.required}
        pattern={pattern}
        aria-describedby={described}
        onChange={(event) => change(event.target.value)}
      />
    ),
  });

const Options = ({ of }: { of: readonly string[] }) =>
  of.map((one) => (
    <option key={one} value={one}>
      {t.word(one)}
    </option>
  ));

const NAME_KINDS = ['ALIAS', 'FORMER', 'TRANSLITERATION', 'ABBREVIATION', 'PATRONYMIC'];
const CREDIBILITIES = ['CONFIRMED', 'PROBABLY_TRUE', 'POSSIBLY_TRUE', 'DOUBTFUL', 'IMPROBABLE', 'CANNOT_BE_JUDGED'];
const ROLES = ['HOST', 'CHAIR', 'SPEAKER', 'GUEST', 'ATTENDEE', 'MEDIATOR'];

/** A list whose items are changed, added and removed. */
function Items<Item>({ of, change, name, item }: ItemsProps<Item>) {
  return (
    <ul className="items">
      {of.map((one, at) => (
        // Items have no other identity than their place.
        <li key={at}>
          {item(one, (changed) => change(of.with(at, changed)))}
          <button
            type="button"
            className="plain"
            aria-label={t.edited.remove(name(one))}
            onClick={() => change(of.toSpliced(at, 1))}
          >
            ×
          </button>
        </li>
      ))}
    </ul>
  );
}

interface ItemsProps<Item> {
  of: Item[];
  change: (items: Item[]) => void;
  name: (item: Item) => string;
  item: (item: Item, change: (item: Item) => void) => ReactNode;
}

const records = (write: (ref: Ref) => unknown) =>
  kind<Ref[]>({
    empty: [],
    read: (given: Connection<Ref> | Ref[] | null) => (Array.isArray(given) ? given : (given?.nodes ?? [])),
    write: (value) => value.map(write),
    show: (value) => value.map(({ label }) => label).join(', '),
    Control: ({ id, field, value, change, described }) => (
      <>
        <Items of={value} change={change} name={({ label }) => label} item={({ label }) => <bdi>{label}</bdi>} />
        <RecordPicker id={id} types={field.types} described={described} pick={(ref) => change([...value, ref])} />
      </>
    ),
  });

const byId = ({ id }: Ref) => ({ id });

export const kinds = {
  text: line('text'),
  slug: line('text', '[a-z0-9]+(-[a-z0-9]+)*'),
  date: line('text', '\\d{4}(-\\d{2}(-\\d{2})?)?'),
  number: line('number'),
  long: kind<string>({
    empty: '',
    read: (given: string | null) => given ?? '',
    write: orNull,
    show: String,
    Control: ({ id, field, value, change, described }) => (
      <textarea
        id={id}
        dir="auto"
        rows={3}
        value={value}
        required={field.required}
        aria-describedby={described}
        onChange={(event) => change(event.target.value)}
      />
    ),
  }),
  choice: kind<string>({
    empty: '',
    read: (given: string | null) => given ?? '',
    write: orNull,
    show: (value) => (value ? t.word(value) : ''),
    Control: ({ id, field, value, change, described }) => (
      <select
        id={id}
        value={value}
        required={field.required}
        aria-describedby={described}
        onChange={(event) => change(event.target.value)}
      >
        <option value="">{t.edited.none}</option>
        <Options of={field.options ?? []} />
      </select>
    ),
  }),
  record: kind<Ref | null>({
    empty: null,
    read: (given: Ref | null) => given,
    write: (value) => value && byId(value),
    show: (value) => value?.label ?? '',
    Control: ({ id, field, value, change, described }) =>
      value ? (
        <p className="chosen">
          <bdi>{value.label}</bdi>
          <button
            id={id}
            type="button"
            className="plain"
            aria-label={t.edited.remove(value.label)}
            onClick={() => change(null)}
          >
            ×
          </button>
        </p>
      ) : (
        <RecordPicker id={id} types={field.types} described={described} pick={change} />
      ),
  }),
  records: records(byId),
  targets: records((ref) => ({ [ref.__typename.toLowerCase()]: byId(ref) })),
  participants: kind<Participant[]>({
    empty: [],
    read: (given: { edges: Participant[] } | null) => given?.edges.map(({ role, node }) => ({ role, node })) ?? [],
    write: (value) => value.map(({ role, node }) => ({ role, actor: byId(node) })),
    show: (value) => value.map(({ role, node }) => `${node.label} (${t.word(role)})`).join(', '),
    Control: ({ id, field, value, change, described }) => (
      <>
        <Items
          of={value}
          change={change}
          name={({ node }) => node.label}
          item={(one, changeOne) => (
            <>
              <bdi>{one.node.label}</bdi>
              <select
                aria-label={`${one.node.label}: ${t.field('role')}`}
                value={one.role}
                onChange={(event) => changeOne({ ...one, role: event.target.value })}
              >
                <Options of={ROLES} />
              </select>
            </>
          )}
        />
        <RecordPicker
          id={id}
          types={field.types}
          described={described}
          pick={(node) => change([...value, { role: 'ATTENDEE', node }])}
        />
      </>
    ),
  }),
  names: kind<Name[]>({
    empty: [],
    read: (given: Name[] | null) => given ?? [],
    write: (value) =>
      value.filter(({ name }) => name.trim()).map((one) => ({ ...one, language: one.language || null })),
    show: (value) => value.map(({ name }) => name).join(', '),
    Control: ({ id, value, change, described }) => (
      <>
        <Items
          of={value}
          change={change}
          name={({ name }) => name}
          item={(one, changeOne) => (
            <>
              <input
                dir="auto"
                aria-label={t.field('name')}
                value={one.name}
                onChange={(event) => changeOne({ ...one, name: event.target.value })}
              />
              <select
                aria-label={t.field('kind')}
                value={one.kind}
                onChange={(event) => changeOne({ ...one, kind: event.target.value })}
              >
                <Options of={NAME_KINDS} />
              </select>
              <input
                className="short"
                placeholder={t.field('language')}
                aria-label={t.field('language')}
                value={one.language ?? ''}
                onChange={(event) => changeOne({ ...one, language: event.target.value })}
              />
            </>
          )}
        />
        <button
          id={id}
          type="button"
          aria-describedby={described}
          onClick={() => change([...value, { name: '', kind: 'ALIAS', language: null }])}
        >
          {t.edited.add}
        </button>
      </>
    ),
  }),
  citations: kind<Citation[]>({
    empty: [],
    read: (given: Connection<Citation> | null) => given?.nodes ?? [],
    write: (value) => value.map(({ source, ...one }) => ({ ...one, source: byId(source) })),
    show: (value) => value.map(({ source, locator }) => `${source.label}, ${locator}`).join('; '),
    Control: ({ id, value, change, described }) => (
      <>
        <Items
          of={value}
          change={change}
          name={({ source, locator }) => `${source.label}, ${locator}`}
          item={(one, changeOne) => (
            <>
              <bdi>{one.source.label}</bdi>
              <input
                className="short"
                required
                placeholder={t.field('locator')}
                aria-label={t.field('locator')}
                value={one.locator}
                onChange={(event) => changeOne({ ...one, locator: event.target.value })}
              />
              <select
                aria-label={t.field('credibility')}
                value={one.credibility ?? ''}
                onChange={(event) =>
                  changeOne({ ...one, credibility: (event.target.value || null) as Citation['credibility'] })
                }
              >
                <option value="">{t.edited.notRated}</option>
                <Options of={CREDIBILITIES} />
              </select>
              {one.quote && <q dir="auto">{one.quote}</q>}
            </>
          )}
        />
        <RecordPicker
          id={id}
          types={['SOURCE']}
          described={described}
          pick={(source) => change([...value, citationOf(source, {})])}
        />
      </>
    ),
  }),
};

export type KindName = keyof typeof kinds;

/** A new citation of a source. */
export function citationOf(source: Ref, given: { locator?: string; quote?: string; prefix?: string; suffix?: string }) {
  const { locator = '', quote, prefix, suffix } = given;
  const words = quote ? { quote, prefix: prefix || null, suffix: suffix || null } : {};
  return { source, locator, ...words } as Citation;
}
