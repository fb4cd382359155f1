import { type FormEvent, useId, useRef, useState } from 'react';
import type { RecordHeadFragment, SavedFragment } from '../api/documents';
import { queries } from '../api/queries';
import { Refusal, request } from '../api/request';
import { placeOf } from '../parts/record-link';
import { Link, navigate } from '../router';
import { t } from '../texts';
import { Conflict } from './conflict';
import { focus } from './focus';
import './edit.css';
import type { Field, Form } from './forms';
import { kinds } from './kinds';
import { type Given, type Values, isSame, isWhole, valuesOf, written } from './values';

interface Props {
  form: Form;
  /** The record to change; a new one without. */
  record?: RecordHeadFragment;
  /** What a new record begins with. */
  given?: Given;
}

/** Enters or changes a record. */
export function RecordForm({ form, record, given = {} }: Props) {
  const fields = form.fields.filter(isWhole((record as Given | undefined) ?? {}));
  const [base, setBase] = useState<{ revision?: number | undefined; values: Values }>(() => ({
    revision: record?.revision,
    values: valuesOf(fields, (record as Given | undefined) ?? given),
  }));
  const [values, setValues] = useState(base.values);
  const [errors, setErrors] = useState<SavedFragment[]>([]);
  const [theirs, setTheirs] = useState<Values | null>(null);
  const [isSaving, setSaving] = useState(false);
  // The same id for each try: a change that was saved but not answered is not made twice.
  const attempt = useRef('');
  const id = useId();
  const change = (name: string, value: unknown) => setValues((now) => ({ ...now, [name]: value }));
  const proposed = { ...values, slug: values['slug'] || (record ? '' : slugOf(values)) };
  const changed = fields.filter(
    (field) => !record || !isSame(field, proposed[field.name as keyof typeof proposed], base.values[field.name]),
  );

  const save = async (event: FormEvent) => {
    event.preventDefault();
    if (record && changed.length === 0) return setErrors([{ code: 'INVALID', field: [], message: t.edited.nothing }]);
    setSaving(true);
    const input = Object.fromEntries(
      changed
        .map((field): [string, unknown] => [field.name, written(field, (proposed as Values)[field.name])])
        .filter(([, value]) => record || value !== null),
    );
    const known = record ? { [form.key]: { id: record.id }, expectedRevision: base.revision } : {};
    const text = JSON.stringify([known, input]);
    if (!attempt.current.endsWith(text)) attempt.current = `${Math.random().toString(36).slice(2)} ${text}`;
    const clientMutationId = attempt.current.split(' ')[0];
    try {
      const document = record ? form.update : form.create;
      const { saved } = await request(document, { input: { ...known, ...input, clientMutationId } as never });
      if (saved.userErrors.some(({ field }) => field.includes('expectedRevision'))) await showConflict();
      else if (saved.record) {
        void queries.invalidateQueries();
        navigate(`${placeOf(saved.record)}?saved=${saved.revision}`);
      } else setErrors(saved.userErrors);
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      setErrors([{ code: 'INVALID', field: error.field?.split(/[.[\]]+/) ?? [], message: error.message }]);
    } finally {
      setSaving(false);
    }
    return undefined;
  };

  /** Takes over what only the others changed; what both changed is for the reader to decide. */
  const showConflict = async () => {
    const { record: now } = await request(form.load, { slug: record!.slug });
    if (!now) return setErrors([{ code: 'NOT_FOUND', field: [], message: t.noRecordAdvice(record!.slug) }]);
    const current = valuesOf(fields, now as Given);
    const mine = Object.fromEntries(changed.map(({ name }) => [name, values[name]]));
    setValues({ ...current, ...mine });
    setTheirs(current);
    setErrors([]);
    return setBase({ revision: now.revision, values: current });
  };

  const errorsOf = (name: string) => errors.filter(({ field }) => field[1] === name);
  const others = errors.filter(({ field }) => !fields.some(({ name }) => field[1] === name));
  return (
    <form className="edit" onSubmit={(event) => void save(event)}>
      {errors.length > 0 && (
        <div ref={focus} tabIndex={-1} role="alert" className="wrong">
          <p>{others.length === errors.length ? '' : t.edited.failed}</p>
          {others.map(({ message }) => (
            <p key={message}>{message}</p>
          ))}
        </div>
      )}
      {theirs && <Conflict fields={fields} mine={values} theirs={theirs} take={(name) => change(name, theirs[name])} />}
      {fields.map((field) => {
        const { Control } = kinds[field.kind];
        const wrong = errorsOf(field.name);
        const hint = hintOf(field);
        const [control, said, hinted] = [`${id}${field.name}`, `${id}${field.name}-wrong`, `${id}${field.name}-hint`];
        const described = [wrong.length > 0 && said, hint && hinted].filter(Boolean).join(' ') || undefined;
        return (
          <div key={field.name} className={wrong.length > 0 ? 'field wrong' : 'field'}>
            <label htmlFor={control}>
              {t.field(field.name)}
              {field.required && <span className="soft small"> ({t.edited.required})</span>}
            </label>
            <Control
              id={control}
              field={field}
              value={field.name === 'slug' ? proposed.slug : values[field.name]}
              change={(value) => change(field.name, value)}
              described={described}
            />
            {hint && (
              <p id={hinted} className="small soft">
                {hint}
              </p>
            )}
            {wrong.length > 0 && (
              <p id={said} className="said">
                {wrong.map(({ message }) => message).join(' ')}
              </p>
            )}
          </div>
        );
      })}
      <p className="actions">
        <button className="main" disabled={isSaving}>
          {t.edited.save}
        </button>{' '}
        <Link to={record ? placeOf(record) : ''}>{t.edited.cancel}</Link>
      </p>
    </form>
  );
}

function hintOf({ kind, name }: Field): string | undefined {
  if (name === 'quote') return t.edited.quoteHint;
  return { date: t.edited.dateHint, slug: t.edited.slugHint }[kind as string];
}

const LONGEST_SLUG = 60;

/** A slug from the name of a new record, or the beginning of what it says. */
function slugOf(values: Values): string {
  const words = String(values['name'] || values['question'] || values['summary'] || '');
  const plain = words.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
  return plain
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, LONGEST_SLUG)
    .replace(/^-|-$/g, '');
}
