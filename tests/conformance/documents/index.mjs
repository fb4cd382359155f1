import { syntax } from './syntax.mjs';
import { rules, stricter } from './rules.mjs';

export const documents = [...syntax, ...rules];
export { stricter };
