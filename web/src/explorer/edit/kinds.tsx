import { type MouseEvent, type ReactNode, useState } from 'react';
import type { EditedCitationFragment, RecordRefFragment } from '../api/documents';
import { t } from '../texts';
import { focus } from './focus';
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
type Identifier = { scheme: string; value: string };
type ActorLink = { url: string; kind: string; note: string | null };
/** A record in a role, such as a participant of a meeting. */
type InRole = { role: string; record: Ref };
type Citation = Omit<EditedCitationFragment, 'source'> & { source: Ref };

const orNull = (text: string) => (text.trim() === '' ? null : text.trim());

const line = (type: 'text' | 'number' | 'url', pattern?: string) =>
  kind<string>({
    empty: '',
    read: (given: string | number | null) => String(given ?? ''),
    write: (value) => (type === 'number' ? (value === '' ? null : Number(value)) : orNull(value)),
    show: String,
    Control: ({ id, field, value, change, described }) => (
      <input
        id={id}
        type={type}
        step={type === 'number' ? 'any' : undefined}
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

interface SelectProps {
  label: string;
  options: readonly string[];
  value: string;
  change: (value: string) => void;
}

const Select = ({ label, options, value, change }: SelectProps) => (
  <select aria-label={label} value={value} onChange={(event) => change(event.target.value)}>
    <Options of={options} />
  </select>
);

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
            onClick={(event) => {
              focusWhatAdds(event);
              change(of.toSpliced(at, 1));
            }}
          >
            ×
          </button>
        </li>
      ))}
    </ul>
  );
}

/** What is left to focus once an item is gone. */
const focusWhatAdds = ({ currentTarget }: MouseEvent) =>
  focus(currentTarget.closest('.field')?.querySelector<HTMLElement>('[role=combobox], .field > button') ?? null);

interface ItemsProps<Item> {
  of: Item[];
  change: (items: Item[]) => void;
  name: (item: Item) => string;
  item: (item: Item, change: (item: Item) => void) => ReactNode;
}

/** A record that is chosen, or the way to choose one. The focus stays where the reader was. */
function OneRecord({ id, field, value, change, described }: ControlProps<Ref | null>) {
  const [isTouched, touch] = useState(false);
  const set = (record: Ref | null) => {
    touch(true);
    change(record);
  };
  if (!value) return <RecordPicker id={id} field={field} described={described} pick={set} takesFocus={isTouched} />;
  return (
    <p className="picked">
      <bdi>{value.label}</bdi>
      <button
        ref={isTouched ? focus : null}
        id={id}
        type="button"
        className="plain"
        aria-label={t.edited.remove(value.label)}
        onClick={() => set(null)}
      >
        ×
      </button>
    </p>
  );
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
        <RecordPicker id={id} field={field} described={described} pick={(ref) => change([...value, ref])} />
      </>
    ),
  });

const byId = ({ id }: Ref) => ({ id });
const keyOf = ({ __typename }: Ref) => __typename.toLowerCase();

/** Records in roles; `read` and `write` are from and to how the API says it. */
const inRoles = (read: (given: never) => InRole[], write: (item: InRole) => unknown) =>
  kind<InRole[]>({
    empty: [],
    read,
    write: (value) => value.map(write),
    show: (value) => value.map(({ role, record }) => `${record.label} (${t.word(role)})`).join(', '),
    Control: ({ id, field, value, change, described }) => (
      <>
        <Items
          of={value}
          change={change}
          name={({ record }) => record.label}
          item={(one, changeOne) => (
            <>
              <bdi>{one.record.label}</bdi>
              <Select
                label={`${one.record.label}: ${t.field('role')}`}
                options={field.options}
                value={one.role}
                change={(role) => changeOne({ ...one, role })}
              />
            </>
          )}
        />
        <RecordPicker
          id={id}
          field={field}
          described={described}
          pick={(record) => change([...value, { role: usual(field.options), record }])}
        />
      </>
    ),
  });

/** The role that an item begins with. */
const usual = (roles: readonly string[]) => (roles.includes('ATTENDEE') ? 'ATTENDEE' : (roles[0] ?? ''));

interface Edges {
  edges: { role?: string; kind?: string; node: Ref }[];
}

const edgesInRoles = (given: Edges | null): InRole[] =>
  given?.edges.map(({ role, kind, node }) => ({ role: role ?? kind ?? '', record: node })) ?? [];

/** Items of some short texts and a kind; those that say nothing are left out. */
const rows = <Row extends Record<string, string | null>>(
  parts: (keyof Row & string)[],
  says: (row: Row) => string,
  begin: (kinds: readonly string[]) => Row,
) =>
  kind<Row[]>({
    empty: [],
    read: (given: Row[] | null) => given ?? [],
    write: (value) =>
      value
        .filter(says)
        .map((row) => Object.fromEntries(Object.entries(row).map(([name, text]) => [name, text || null]))),
    show: (value) => value.map(says).join(', '),
    Control: ({ id, field, value, change, described }) => (
      <>
        <Items
          of={value}
          change={change}
          name={says}
          item={(one, changeOne) =>
            parts.map((part) => {
              const set = (text: string) => changeOne({ ...one, [part]: text });
              const [label, text] = [t.field(part), one[part] ?? ''];
              return part === 'kind' ? (
                <Select key={part} label={label} options={field.options} value={text} change={set} />
              ) : (
                <input
                  key={part}
                  dir="auto"
                  className={part === 'language' || part === 'scheme' ? 'short' : ''}
                  placeholder={label}
                  aria-label={label}
                  value={text}
                  onChange={(event) => set(event.target.value)}
                />
              );
            })
          }
        />
        <button
          id={id}
          type="button"
          aria-describedby={described}
          onClick={() => change([...value, begin(field.options)])}
        >
          {t.edited.add}
        </button>
      </>
    ),
  });

export const kinds = {
  text: line('text'),
  slug: line('text', '[a-z0-9]+(-[a-z0-9]+)*'),
  date: line('text', '\\d{4}(-\\d{2}(-\\d{2})?)?'),
  number: line('number'),
  amount: line('text', '-?\\d+(\\.\\d+)?'),
  url: line('url'),
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
        <Options of={field.options} />
      </select>
    ),
  }),
  record: kind<Ref | null>({
    empty: null,
    read: (given: Ref | null) => given,
    write: (value) => value && byId(value),
    show: (value) => value?.label ?? '',
    Control: OneRecord,
  }),
  records: records(byId),
  targets: records((ref) => ({ [keyOf(ref)]: byId(ref) })),
  participants: inRoles(edgesInRoles, ({ role, record }) => ({ role, actor: byId(record) })),
  events: inRoles(edgesInRoles, ({ role, record }) => ({ kind: role, event: byId(record) })),
  evidence: inRoles(
    (given: { role: string; evidence: Ref }[] | null) =>
      given?.map(({ role, evidence }) => ({ role, record: evidence })) ?? [],
    ({ role, record }) => ({ role, [keyOf(record)]: byId(record) }),
  ),
  names: rows<Name>(
    ['name', 'kind', 'language'],
    ({ name }) => name.trim(),
    (options) => ({ name: '', kind: options[0] ?? '', language: null }),
  ),
  identifiers: rows<Identifier>(
    ['scheme', 'value'],
    ({ value }) => value.trim(),
    () => ({ scheme: '', value: '' }),
  ),
  links: rows<ActorLink>(
    ['url', 'kind', 'note'],
    ({ url }) => url.trim(),
    (options) => ({ url: '', kind: options[0] ?? '', note: null }),
  ),
  citations: kind<Citation[]>({
    empty: [],
    read: (given: Connection<Citation> | null) => given?.nodes ?? [],
    write: (value) => value.map(({ source, ...one }) => ({ ...one, source: byId(source) })),
    show: (value) => value.map(({ source, locator }) => `${source.label}, ${locator}`).join('; '),
    Control: ({ id, field, value, change, described }) => (
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
                <Options of={field.options} />
              </select>
              {one.quote && <q dir="auto">{one.quote}</q>}
            </>
          )}
        />
        <RecordPicker
          id={id}
          field={field}
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
