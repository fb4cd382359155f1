import type { CitedFragment } from '../api/documents';
import { Link } from '../router';
import { t } from '../texts';
import './citations.css';

interface Props {
  of: CitedFragment[];
  /** Whether the meaning of grades is said, too. */
  isExplained?: boolean;
}

/** The passages that support something: in the margin where there is room, below it elsewhere. */
export function Citations({ of, isExplained = false }: Props) {
  if (of.length === 0) return null;
  const grades = isExplained ? [...new Set(of.map(({ grade }) => grade))] : [];
  return (
    <ul className="citations small" aria-label={t.citations}>
      {bySource(of).map(([first, ...others]) => (
        <li key={first.id}>
          {[first, ...others].map((citation) => (
            <Passage key={citation.id} citation={citation} />
          ))}
          <p className="soft of-source" title={first.source.label}>
            <bdi>{first.source.label}</bdi>
          </p>
        </li>
      ))}
      {grades.map((grade) => (
        <li key={grade} className="soft">
          <Grade grade={grade} /> {t.gradeMeaning(grade)}
        </li>
      ))}
    </ul>
  );
}

/** Citations of the same source, together. */
function bySource(citations: CitedFragment[]) {
  const groups = new Map<string, [CitedFragment, ...CitedFragment[]]>();
  for (const citation of citations) {
    const group = groups.get(citation.source.id);
    if (group) group.push(citation);
    else groups.set(citation.source.id, [citation]);
  }
  return [...groups.values()];
}

function Passage({ citation: { id, locator, grade, quote, source, passage } }: { citation: CitedFragment }) {
  const words = quote ?? passage?.text;
  return (
    <span className={words ? 'passage worded' : 'passage'}>
      <Link to={readerOf(source.slug, id)}>
        <bdi>{locator}</bdi>
      </Link>{' '}
      <Grade grade={grade} />
      {words && (
        <q dir="auto" className={passage?.state === 'ORPHANED' ? 'orphaned' : ''}>
          {words}
        </q>
      )}
      {passage?.state === 'ORPHANED' && <span> {t.orphaned}</span>}
    </span>
  );
}

/** The reader of a source, at a citation. */
export const readerOf = (slug: string, citation?: string) =>
  `sources/${encodeURIComponent(slug)}/read${citation ? `?${new URLSearchParams({ citation })}` : ''}`;

/** The Admiralty code of a passage, with what it means. */
export const Grade = ({ grade }: { grade: string }) => (
  <abbr className="grade" title={t.gradeMeaning(grade)}>
    {grade}
  </abbr>
);
