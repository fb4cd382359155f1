import type { Texts } from './en';

/** The languages of the page, each with its texts in one file. */
const LANGUAGES = {
  en: { name: 'English', load: () => import('./en') },
  ru: { name: 'Русский', load: () => import('./ru') },
};

export type Language = keyof typeof LANGUAGES;

export const languages = Object.entries(LANGUAGES).map(([code, { name }]) => ({ code: code as Language, name }));

const NAME = 'dossier:language';
const isKnown = (code: string | null): code is Language => code !== null && code in LANGUAGES;

/** The language that the reader chose, else the first of the browser's that the page has. */
export const language: Language =
  [localStorage.getItem(NAME), ...navigator.languages.map((code) => code.slice(0, 2))].find(isKnown) ?? 'en';

/** The browser's own form of the language, for dates and numbers: `en-GB`. */
export const locale = navigator.languages.find((code) => code.startsWith(language)) ?? language;

export function choose(code: Language) {
  localStorage.setItem(NAME, code);
  location.reload();
}

/** All texts of the page. */
export const t: Texts = (await LANGUAGES[language].load()).default;
