import { type RefObject, useEffect, useState } from 'react';
import { t } from '../texts';

const LEAST = 4;
const HEADINGS = '.section > h2';

const headingsOf = (article: HTMLElement | null) => [...(article?.querySelectorAll<HTMLElement>(HEADINGS) ?? [])];

/** The sections of a long record, which come as they are loaded; each leads to its heading. */
export function Contents({ of }: { of: RefObject<HTMLElement | null> }) {
  const [titles, setTitles] = useState<string[]>([]);
  useEffect(() => {
    const look = () => {
      const found = headingsOf(of.current).map(({ textContent }) => textContent);
      setTitles((known) => (known.join('\n') === found.join('\n') ? known : found));
    };
    look();
    const observer = new MutationObserver(look);
    observer.observe(of.current!, { childList: true, subtree: true });
    return () => observer.disconnect();
  }, [of]);
  if (titles.length < LEAST) return null;
  const go = (at: number) => {
    const heading = headingsOf(of.current)[at];
    if (!heading) return;
    heading.tabIndex = -1;
    heading.focus({ preventScroll: true });
    heading.scrollIntoView();
  };
  return (
    <nav className="contents small" aria-label={t.contents}>
      <span className="soft">{t.contents}</span>
      {titles.map((title, at) => (
        <button key={title} type="button" className="plain" onClick={() => go(at)}>
          {title}
        </button>
      ))}
    </nav>
  );
}
