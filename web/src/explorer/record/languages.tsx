import type { TranslationFactsFragment } from '../api/documents';
import * as format from '../format';
import { t } from '../texts';

interface Name {
  name: string;
  kind: string;
  language: string | null;
  script: string | null;
  validFrom?: string | null;
  validUntil?: string | null;
}

/** Further names of a record: of what kind each is, in which language and script, and since when until when. */
export function Names({ of }: { of: Name[] }) {
  if (of.length === 0) return null;
  return (
    <ul className="names soft" aria-label={t.otherNames}>
      {of.map(({ name, kind, language, script, validFrom, validUntil }) => {
        const about = [
          t.word(kind),
          language && format.languageName(language),
          script && format.scriptName(script),
          format.period(validFrom, validUntil),
        ];
        return (
          <li key={`${name} ${language} ${kind}`}>
            <bdi lang={language ?? undefined}>{name}</bdi>{' '}
            <span className="label">{about.filter(Boolean).join(' · ')}</span>
          </li>
        );
      })}
    </ul>
  );
}

/** The texts of a record in other languages than their own. */
export function Translations({ of }: { of: TranslationFactsFragment[] }) {
  if (of.length === 0) return null;
  return (
    <dl className="translations" aria-label={t.field('translations')}>
      {of.map(({ field, language, value, translator, kind }) => (
        <div key={`${field} ${language}`}>
          <dt className="label">
            {[t.word(field), format.languageName(language), kind && t.word(kind), translator]
              .filter(Boolean)
              .join(' · ')}
          </dt>
          <dd lang={language} dir="auto">
            {value}
          </dd>
        </div>
      ))}
    </dl>
  );
}
