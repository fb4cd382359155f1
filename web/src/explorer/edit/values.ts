import type { Field } from './forms';
import { read, written } from './kinds';

export type Values = Record<string, unknown>;
export type Given = Record<string, unknown>;

/** The values of a form's fields, from what was loaded. */
export const valuesOf = (fields: Field[], given: Given): Values =>
  Object.fromEntries(fields.map((field) => [field.name, read(field, given[field.name])]));

export const isSame = (field: Field, one: unknown, other: unknown) =>
  JSON.stringify(written(field, one)) === JSON.stringify(written(field, other));

/** A list of which only a part was loaded can't be edited here: saving it would lose the rest. */
export const isWhole = (given: Given) => (field: Field) =>
  !(given[field.name] as { pageInfo?: { hasNextPage: boolean } } | null)?.pageInfo?.hasNextPage;
