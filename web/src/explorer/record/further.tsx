import type { OriginFactsFragment } from '../api/documents';
import * as format from '../format';
import { Facts } from '../parts/entry';
import { t } from '../texts';

/** The fields that say which language a text of a record is in. */
const LANGUAGES = ['nameLanguage', 'titleLanguage', 'questionLanguage', 'summaryLanguage', 'quoteLanguage'] as const;

/** What types of records have of it. */
export type Further = Partial<Record<(typeof LANGUAGES)[number], string | null>> & { origins: OriginFactsFragment[] };

/** The languages of a record's own texts, and the data sets that it came from. */
export function FurtherFacts({ of }: { of: Further }) {
  const languages = LANGUAGES.flatMap((field): [string, string][] => {
    const language = of[field];
    return language ? [[t.field(field), format.languageName(language)]] : [];
  });
  const origins = of.origins.map(({ dataset, key }): [string, string] => [dataset, key]);
  if (languages.length + origins.length === 0) return null;
  return (
    <section className="section">
      <h2>{t.further}</h2>
      <Facts of={[...languages, ...origins]} />
    </section>
  );
}
