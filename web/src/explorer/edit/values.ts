import type { Field } from './forms';
import { kinds } from './kinds';

export type Values = Record<string, unknown>;
export type Given = Record<string, unknown>;

/** The values of a form's fields, from what was loaded. */
export const valuesOf = (fields: Field[], given: Given): Values =>
  Object.fromEntries(
    fields.map(({ name, kind }) => [name, name in given ? kinds[kind].read(given[name] as never) : kinds[kind].empty]),
  );

/** The value of a field as the API takes it. */
export const written = ({ kind }: Field, value: unknown) => kinds[kind].write(value);
export const isSame = (field: Field, one: unknown, other: unknown) =>
  JSON.stringify(written(field, one)) === JSON.stringify(written(field, other));

/** A list of which only a part was loaded can't be edited here: saving it would lose the rest. */
export const isWhole = (given: Given) => (field: Field) =>
  !(given[field.name] as { pageInfo?: { hasNextPage: boolean } } | null)?.pageInfo?.hasNextPage;
