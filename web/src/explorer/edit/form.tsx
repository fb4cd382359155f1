import { type SubmitEvent, useId, useRef, useState } from 'react';
import type { RecordHeadFragment, SavedFragment } from '../api/documents';
import { queries } from '../api/queries';
import { Refusal, request } from '../api/request';
import { placeOf } from '../parts/record-link';
import { Link, navigate } from '../router';
import { t } from '../texts';
import { Conflict } from './conflict';
import { Deletion } from './deletion';
import { focus } from './focus';
import './edit.css';
import type { Field, Form } from './forms';
import { kinds, shown, written } from './kinds';
import { Suggestions } from './suggestions';
import { type Given, type Values, isSame, isWhole, valuesOf } from './values';

interface Props {
  form: Form;
  /** The record to change; a new one without. */
  record?: RecordHeadFragment;
  /** What a new record begins with. */
  given?: Given;
}

/** Enters, changes or deletes a record. */
export function RecordForm({ form, record, given = {} }: Props) {
  const { fields, values, change, theirs, errors, isSaving, save } = useSaving({ form, record, given });
  const others = errors.filter(({ field }) => !fields.some(({ name }) => field[1] === name));
  const errorsOf = ({ name }: Field) => errors.filter(({ field }) => field[1] === name);
  const further = fields.filter((field) => form.further.includes(field));
  const enter = (field: Field) => (
    <Entered
      key={field.name}
      field={field}
      value={values[field.name]}
      change={(value) => change(field.name, value)}
      errors={errorsOf(field)}
    />
  );
  return (
    <>
      <form className="edit" onSubmit={(event) => void save(event)}>
        {errors.length > 0 && (
          <div ref={focus} tabIndex={-1} role="alert" className="wrong">
            <p>{others.length === errors.length ? '' : t.edited.failed}</p>
            {others.map(({ message }) => (
              <p key={message}>{message}</p>
            ))}
          </div>
        )}
        {theirs && (
          <Conflict fields={fields} mine={values} theirs={theirs} take={(name) => change(name, theirs[name])} />
        )}
        {fields.filter((field) => !further.includes(field)).map(enter)}
        <details
          className="further"
          open={further.some((field) => errorsOf(field).length > 0) || undefined}
          onInvalidCapture={({ currentTarget }) => (currentTarget.open = true)}
        >
          <summary>{t.edited.further}</summary>
          {further.map(enter)}
        </details>
        <Suggestions />
        <p className="actions">
          <button type="submit" className="main" disabled={isSaving}>
            {t.edited.save}
          </button>{' '}
          <Link to={record ? placeOf(record) : ''}>{t.edited.cancel}</Link>
        </p>
      </form>
      {record && <Deletion form={form} record={record} />}
    </>
  );
}

interface EnteredProps {
  field: Field;
  value: unknown;
  change: (value: unknown) => void;
  errors: SavedFragment[];
}

/** A field with its name, what helps to fill it in, and what is wrong with it. */
function Entered({ field, value, change, errors }: EnteredProps) {
  const id = useId();
  const { Control } = kinds[field.kind];
  const isWrong = errors.length > 0;
  const hint = hintOf(field);
  const described = [isWrong && `${id}wrong`, hint && `${id}hint`].filter(Boolean).join(' ') || undefined;
  return (
    <div className={isWrong ? 'field wrong' : 'field'} data-kind={field.kind}>
      <label htmlFor={id}>
        {t.field(field.name)}
        {field.required && <span className="soft small"> ({t.edited.required})</span>}
      </label>
      <Control id={id} field={field} value={value} change={change} described={described} errors={errors} />
      {hint && (
        <p id={`${id}hint`} className="small soft">
          {hint}
        </p>
      )}
      {isWrong && (
        <p id={`${id}wrong`} className="said">
          {errors.map(({ message }) => message).join(' ')}
        </p>
      )}
    </div>
  );
}

function hintOf({ kind, name }: Field): string | undefined {
  if (name === 'quote') return t.edited.quoteHint;
  return (t.edited.hints as Record<string, string>)[kind];
}

/** What is entered, and how it is saved. */
function useSaving({ form, record, given }: { form: Form; record: Props['record']; given: Given }) {
  const loaded = record as Given | undefined;
  const [fields] = useState(() => [...form.fields, ...form.further].filter(isWhole(loaded ?? {})));
  const [base, setBase] = useState(() => ({ revision: record?.revision, values: valuesOf(fields, loaded ?? given) }));
  const [entered, setEntered] = useState(base.values);
  const [errors, setErrors] = useState<SavedFragment[]>([]);
  const [theirs, setTheirs] = useState<Values | null>(null);
  const [isSaving, setSaving] = useState(false);
  const idOf = useAttempts();
  const change = (name: string, value: unknown) => setEntered((now) => ({ ...now, [name]: value }));
  const values: Values = { ...entered, slug: entered['slug'] || (record ? '' : slugOf(fields, entered)) };
  const changed = fields.filter((field) => !record || !isSame(field, values[field.name], base.values[field.name]));
  const refuse = (message: string, code: SavedFragment['code'] = 'INVALID', field: string[] = []) =>
    setErrors([{ code, field, message }]);

  const save = async (event: SubmitEvent) => {
    event.preventDefault();
    if (record && changed.length === 0) {
      refuse(t.edited.nothing);
      return;
    }
    setSaving(true);
    const input = Object.fromEntries(
      changed
        .map((field): [string, unknown] => [field.name, written(field, values[field.name])])
        .filter(([, value]) => record || value !== null),
    );
    const known = record ? { [form.key]: { id: record.id }, expectedRevision: base.revision } : {};
    try {
      const asked = { ...known, ...input, clientMutationId: idOf([known, input]) };
      const { saved } = await request(record ? form.update : form.create, { input: asked as never });
      if (saved.userErrors.some(({ field }) => field.includes('expectedRevision'))) await showConflict();
      else if (saved.record) {
        void queries.invalidateQueries();
        navigate(`${placeOf(saved.record)}?saved=${String(saved.revision)}`);
      } else setErrors(saved.userErrors);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      refuse(error.message, 'INVALID', error.field?.split(/[.[\]]+/));
    } finally {
      setSaving(false);
    }
  };

  /** Takes over what only the others changed; what both changed is for the reader to decide. */
  const showConflict = async () => {
    const { record: now } = await request(form.load, { slug: record!.slug });
    if (!now) {
      refuse(t.noRecordAdvice(record!.slug), 'NOT_FOUND');
      return;
    }
    const current = valuesOf(fields, now);
    const mine = Object.fromEntries(changed.map(({ name }) => [name, values[name]]));
    setEntered({ ...current, ...mine });
    setTheirs(current);
    setErrors([]);
    setBase({ revision: now.revision, values: current });
  };
  return { fields, values, change, theirs, errors, isSaving, save };
}

/** The same id for each try: a change that was saved but not answered is not made twice. */
function useAttempts() {
  const attempt = useRef({ id: '', text: '' });
  return (asked: unknown): string => {
    const text = JSON.stringify(asked);
    if (attempt.current.text !== text) attempt.current = { id: Math.random().toString(36).slice(2), text };
    return attempt.current.id;
  };
}

const LONGEST_SLUG = 60;

/** A slug from the name of a new record, or the beginning of what it says, or whom and what it connects. */
function slugOf(fields: Field[], values: Values): string {
  const own = ['name', 'title', 'question', 'summary'].map((name) => values[name]).find(Boolean);
  const connected = fields
    .filter(({ kind, required }) => required && (kind === 'record' || kind === 'choice'))
    .map((field) => shown(field, values[field.name]));
  const words = typeof own === 'string' ? own : connected.join(' ');
  const plain = words.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return plain
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, LONGEST_SLUG)
    .replace(/^-|-$/g, '');
}
