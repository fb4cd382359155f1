import { once } from './once';
import { locale } from './texts';

const numbers = once(() => new Intl.NumberFormat(locale));
const years = once(() => new Intl.DateTimeFormat(locale, { year: 'numeric', timeZone: 'UTC' }));
const months = once(() => new Intl.DateTimeFormat(locale, { year: 'numeric', month: 'long', timeZone: 'UTC' }));
const days = once(() => new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' }));
const shortMonths = once(() => new Intl.DateTimeFormat(locale, { year: 'numeric', month: 'short', timeZone: 'UTC' }));
const shortDays = once(() => new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeZone: 'UTC' }));
const moments = once(() => new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }));

export const number = (value: number) => numbers().format(value);

/** A partial date, no more exact than it is known. */
export const date = (partial: string) => inForm(partial, [years, months, days]);

/** The same where there is little room. */
export const shortDate = (partial: string) => inForm(partial, [years, shortMonths, shortDays]);

function inForm(partial: string, forms: (() => Intl.DateTimeFormat)[]): string {
  const day = new Date(partial);
  return Number.isNaN(day.getTime()) ? partial : forms[partial.split('-').length - 1]!().format(day);
}

export const moment = (time: string) => moments().format(new Date(time));

/** A period, open where an end is not known. */
export function period(from?: string | null, until?: string | null): string {
  if (from && from === until) return date(from);
  if (from && until) return `${date(from)} – ${date(until)}`;
  if (from) return `${date(from)} –`;
  return until ? `– ${date(until)}` : '';
}

/** The names of codes in the reader's language; a code without a name is shown as it is. */
function namesOf(type: 'language' | 'script') {
  const names = once(() => new Intl.DisplayNames(locale, { type, fallback: 'code' }));
  return (code: string) => {
    try {
      return names().of(code) ?? code;
    } catch {
      return code;
    }
  };
}

export const languageName = namesOf('language');
export const scriptName = namesOf('script');
