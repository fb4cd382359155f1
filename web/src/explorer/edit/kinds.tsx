import { type InputHTMLAttributes, type MouseEvent, type ReactNode, useState } from 'react';
import type { RecordRefFragment, SavedFragment } from '../api/documents';
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
  /** What is wrong with it. */
  errors: SavedFragment[];
}

/** A kind of field: its value when it is empty, from and to the API, in words, and its control. */
interface Kind<Value> {
  empty: Value;
  read: (given: never, field: Field) => Value;
  write: (value: Value, field: Field) => unknown;
  show: (value: Value, field: Field) => string;
  Control: (props: ControlProps<Value>) => ReactNode;
}

const kind = <Value,>(one: Kind<Value>): Kind<unknown> => one as Kind<unknown>;

type Ref = Pick<RecordRefFragment, '__typename' | 'id' | 'slug' | 'label'>;
type Connection<Node> = { nodes: Node[] };
/** A record in a role, such as a participant of a meeting. */
type InRole = { role: string; record: Ref };
/** An item of a list: the value of each of its parts. */
type Row = Record<string, unknown>;
/** A passage of a source; `words` are what it says, if that is known. */
type Citation = { source: Ref; words: string | null; row: Row };

const orNull = (text: string) => (text.trim() === '' ? null : text.trim());

/** Values of one line, by kind: how they are entered, and the list of suggestions for them. */
const LINES = {
  text: {},
  slug: { pattern: '[a-z0-9]+(-[a-z0-9]+)*' },
  date: { pattern: '\\d{4}(-\\d{2}(-\\d{2})?)?' },
  number: { type: 'number', step: 'any' },
  amount: { pattern: '-?\\d+(\\.\\d+)?' },
  url: { type: 'url' },
  language: { pattern: '[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*', list: 'languages' },
  script: { pattern: '[A-Z][a-z]{3}', list: 'scripts' },
  scheme: { list: 'schemes' },
  currency: { pattern: '[A-Z]{3}', list: 'currencies' },
} as const;

type LineKind = keyof typeof LINES;

/** The least and the greatest of numbers that have such. */
const LIMITS: Record<string, [least: number, greatest?: number]> = {
  latitude: [-90, 90],
  longitude: [-180, 180],
  coordinatePrecision: [0],
  start: [0],
  end: [0],
  version: [0],
};

type Attributes = Omit<InputHTMLAttributes<HTMLInputElement>, 'onChange' | 'value' | 'type'>;

interface LineProps extends Attributes {
  kind: LineKind;
  name: string;
  value: string;
  change: (value: string) => void;
}

function Line({ kind, name, value, change, ...attributes }: LineProps) {
  const [min, max] = LIMITS[name] ?? [];
  const hint = (t.edited.hints as Record<string, string>)[kind];
  return (
    <input
      {...LINES[kind]}
      {...{ min, max }}
      title={hint}
      dir="auto"
      data-kind={kind}
      value={value}
      onChange={(event) => change(event.target.value)}
      {...attributes}
    />
  );
}

const line = (type: LineKind) =>
  kind<string>({
    empty: '',
    read: (given: string | number | null) => String(given ?? ''),
    write: (value) => (type === 'number' ? (value === '' ? null : Number(value)) : orNull(value)),
    show: String,
    Control: ({ id, field, value, change, described }) => (
      <Line
        id={id}
        kind={type}
        name={field.name}
        value={value}
        change={change}
        required={field.required}
        aria-describedby={described}
      />
    ),
  });

const Options = ({ of }: { of: readonly string[] }) =>
  of.map((one) => (
    <option key={one} value={one}>
      {t.word(one)}
    </option>
  ));

interface PartProps {
  part: Field;
  value: unknown;
  change: (value: unknown) => void;
  isRequired: boolean;
  /** The id of what is said to be wrong with it. */
  wrong: string | undefined;
}

/** A part of an item of a list. */
function Part({ part, value, change, isRequired, wrong }: PartProps) {
  const label = t.field(part.name);
  const attributes = {
    'aria-label': label,
    'aria-invalid': wrong !== undefined || undefined,
    'aria-describedby': wrong,
    required: isRequired,
  };
  const text = value as string;
  if (part.kind === 'choice')
    return (
      <select {...attributes} value={text} onChange={(event) => change(event.target.value)}>
        {!part.required && <option value="">{t.edited.notStated(label)}</option>}
        <Options of={part.options} />
      </select>
    );
  if (part.kind === 'long')
    return (
      <textarea
        {...attributes}
        rows={2}
        dir="auto"
        placeholder={label}
        value={text}
        onChange={(event) => change(event.target.value)}
      />
    );
  return (
    <Line
      {...attributes}
      kind={part.kind as LineKind}
      name={part.name}
      placeholder={label}
      value={text}
      change={change}
    />
  );
}

interface PartsProps {
  of: Field[];
  row: Row;
  change: (row: Row) => void;
  isRequired: (part: Field) => boolean;
  /** The id of what is said to be wrong with a part. */
  wrong: (part: string) => string | undefined;
}

const Parts = ({ of, row, change, isRequired, wrong }: PartsProps) =>
  of.map((part) => (
    <Part
      key={part.name}
      part={part}
      value={row[part.name]}
      change={(value) => change({ ...row, [part.name]: value })}
      isRequired={isRequired(part)}
      wrong={wrong(part.name)}
    />
  ));

/** Which of the errors of a list name a part of an item: the id of what says so. */
const wrongIn = (errors: SavedFragment[], described: string | undefined, item: number) => (part: string) =>
  errors.some(({ field }) => field[2] === String(item) && field[3] === part) ? described : undefined;

/** A list whose items are changed, added and removed. */
function Items<Item>({ of, change, name, item }: ItemsProps<Item>) {
  return (
    <ul className="items">
      {of.map((one, at) => (
        // Items have no other identity than their place.
        <li key={at}>
          {item(one, (changed) => change(of.with(at, changed)), at)}
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
  item: (item: Item, change: (item: Item) => void, at: number) => ReactNode;
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
              <select
                aria-label={`${one.record.label}: ${t.field('role')}`}
                value={one.role}
                onChange={(event) => changeOne({ ...one, role: event.target.value })}
              >
                <Options of={field.options} />
              </select>
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

type Given = Record<string, unknown>;

const rowOf = ({ parts }: Field, given: Given = {}): Row =>
  Object.fromEntries(
    parts.map((part) => {
      const isChosen = part.kind === 'choice' && part.required;
      return [part.name, read(part, given[part.name] ?? (isChosen ? part.options[0] : undefined))];
    }),
  );

const writtenRow = ({ parts }: Field, row: Row) =>
  Object.fromEntries(parts.map((part) => [part.name, written(part, row[part.name])]));

/** Whether an item says anything yet. */
const isSaid = ({ parts }: Field, row: Row) =>
  parts.some((part) => part.kind !== 'choice' && written(part, row[part.name]) !== null);

/** An item by what it must have. */
const nameOf = ({ parts }: Field, row: Row) =>
  parts
    .filter(({ kind, required }) => required && kind !== 'choice')
    .map((part) => shown(part, row[part.name]))
    .filter(Boolean)
    .join(' ');

/** Items of several parts; those that say nothing are left out. */
const rows: Kind<unknown> = kind<Row[]>({
  empty: [],
  read: (given: Given[] | null, field) => given?.map((row) => rowOf(field, row)) ?? [],
  write: (value, field) => value.filter((row) => isSaid(field, row)).map((row) => writtenRow(field, row)),
  show: (value, field) => value.map((row) => nameOf(field, row)).join('; '),
  Control: ({ id, field, value, change, described, errors }) => (
    <>
      <Items
        of={value}
        change={change}
        name={(row) => nameOf(field, row)}
        item={(row, changeRow, at) => (
          <Parts
            of={field.parts}
            row={row}
            change={changeRow}
            isRequired={({ required }) => required && isSaid(field, row)}
            wrong={wrongIn(errors, described, value.slice(0, at).filter((one) => isSaid(field, one)).length)}
          />
        )}
      />
      <button
        id={id}
        type="button"
        aria-label={`${t.edited.add}: ${t.field(field.name)}`}
        aria-describedby={described}
        onClick={() => change([...value, rowOf(field)])}
      >
        {t.edited.add}
      </button>
    </>
  ),
});

/** What a citation always shows of itself; the rest is there when it is wanted. */
const PLACE = ['locator', 'credibility'];

/** A citation needs a locator unless its words or its position say where they are. */
const needsLocator = ({ quote, start }: Row) => !quote && start === '';

const citations: Kind<unknown> = kind<Citation[]>({
  empty: [],
  read: (given: Connection<Given & { source: Ref; passage?: { text: string | null } | null }> | null, field) =>
    given?.nodes.map(({ source, passage, ...row }) => ({
      source,
      words: passage?.text ?? null,
      row: rowOf(field, row),
    })) ?? [],
  write: (value, field) => value.map(({ source, row }) => ({ ...writtenRow(field, row), source: byId(source) })),
  show: (value) => value.map(titleOf).join('; '),
  Control: ({ id, field, value, change, described, errors }) => (
    <>
      <Items
        of={value}
        change={change}
        name={titleOf}
        item={(one, changeOne, at) => {
          const [place, words] = [true, false].map((isPlace) =>
            field.parts.filter(({ name }) => PLACE.includes(name) === isPlace),
          ) as [Field[], Field[]];
          const wrong = wrongIn(errors, described, at);
          const common = { row: one.row, change: (row: Row) => changeOne({ ...one, row }), wrong };
          const quote = (one.row['quote'] as string) || one.words;
          return (
            <>
              <bdi>{one.source.label}</bdi>
              <Parts {...common} of={place} isRequired={({ name }) => name === 'locator' && needsLocator(one.row)} />
              {quote && <q dir="auto">{quote}</q>}
              <details
                className="small"
                open={words.some(({ name }) => wrong(name)) || undefined}
                onInvalidCapture={({ currentTarget }) => (currentTarget.open = true)}
              >
                <summary>{t.edited.words}</summary>
                <div className="parts">
                  <Parts {...common} of={words} isRequired={() => false} />
                </div>
              </details>
            </>
          );
        }}
      />
      <RecordPicker
        id={id}
        field={field}
        described={described}
        pick={(source) => change([...value, { source, words: null, row: rowOf(field) }])}
      />
    </>
  ),
});

const titleOf = ({ source, row }: Citation) => [source.label, row['locator']].filter(Boolean).join(', ');

export const kinds = {
  text: line('text'),
  slug: line('slug'),
  date: line('date'),
  number: line('number'),
  amount: line('amount'),
  url: line('url'),
  language: line('language'),
  script: line('script'),
  scheme: line('scheme'),
  currency: line('currency'),
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
  rows,
  citations,
};

export type KindName = keyof typeof kinds;

/** The value of a field, from what was loaded: empty if nothing was. */
export const read = (field: Field, given: unknown): unknown =>
  given === undefined ? kinds[field.kind].empty : kinds[field.kind].read(given as never, field);

/** The value of a field as the API takes it. */
export const written = (field: Field, value: unknown): unknown => kinds[field.kind].write(value, field);

/** The value of a field in words. */
export const shown = (field: Field, value: unknown): string => kinds[field.kind].show(value, field);
