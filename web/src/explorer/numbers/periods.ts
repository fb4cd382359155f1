import * as format from '../format';
import { t } from '../texts';

/** Years, quarters or months: how many months they have. */
export const STEPS = { year: 12, quarter: 3, month: 1 };

export type Step = keyof typeof STEPS;

/** A period by its name in groups: `2026`, `2026-Q1`, `2026-02`; unknown dates have none. */
export type Period = string | null;

/** Months since the year 0. */
function startOf(period: string): number {
  const [year, part = '1'] = period.split('-');
  return Number(year) * 12 + (part.startsWith('Q') ? (Number(part.slice(1)) - 1) * 3 : Number(part) - 1);
}

function at(month: number, step: Step): string {
  const [year, part] = [String(Math.floor(month / 12)).padStart(4, '0'), month % 12];
  if (step === 'year') return year;
  return step === 'quarter' ? `${year}-Q${part / 3 + 1}` : monthAt(month);
}

const monthAt = (month: number) =>
  `${String(Math.floor(month / 12)).padStart(4, '0')}-${String((month % 12) + 1).padStart(2, '0')}`;

/** All periods from the first to the last, those without any record too; unknown dates last. */
export function allBetween(known: Period[], step: Step): Period[] {
  const months = known.flatMap((period) => (period === null ? [] : [startOf(period)]));
  const unknown = known.includes(null) ? [null] : [];
  if (months.length === 0) return unknown;
  const [first, length] = [Math.min(...months), STEPS[step]];
  const count = (Math.max(...months) - first) / length + 1;
  return [...Array.from({ length: count }, (_, number) => at(first + number * length, step)), ...unknown];
}

/** From a partial date to another; open where there is none. */
export interface Span {
  from: string | null;
  until: string | null;
}

/** The first and the last partial date of a period. */
function spanOf(period: string, step: Step): Span {
  if (step !== 'quarter') return { from: period, until: period };
  const month = startOf(period);
  return { from: monthAt(month), until: monthAt(month + 2) };
}

const FIRST = '0000-01-01';
const LAST = '9999-12-31';
const firstDay = (date: string | null) => (date ?? FIRST) + FIRST.slice((date ?? FIRST).length);
const lastDay = (date: string | null) => (date ?? LAST) + LAST.slice((date ?? LAST).length);

/** The part of a period within a span; undefined if they have no day in common. */
export function within(period: string, step: Step, { from, until }: Span): Span | undefined {
  const own = spanOf(period, step);
  const part = {
    from: firstDay(own.from) > firstDay(from) ? own.from : from,
    until: lastDay(own.until) < lastDay(until) ? own.until : until,
  };
  return firstDay(part.from) <= lastDay(part.until) ? part : undefined;
}

export function nameOf(period: Period): string {
  if (period === null) return t.unknownDate;
  return period.includes('Q') ? period.replace('-', ' ') : format.shortDate(period);
}
