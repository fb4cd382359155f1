import { type ReactNode, useSyncExternalStore } from 'react';
import { useTitle } from '../frame/title';
import { t } from '../texts';

interface Props {
  title: string;
  /** What the view shows and how it is read. */
  explained: string;
  /** Whether nothing is shown before something is chosen. */
  mustChoose?: boolean;
  /** What the reader chooses it by. */
  children: ReactNode;
}

/** The head of a view that counts or compares: what it is, and what it is about. */
export function Head({ title, explained, mustChoose = false, children }: Props) {
  useTitle(title);
  const isWide = useIsWide();
  const choices = <div className="choices">{children}</div>;
  return (
    <>
      <header>
        <h1>{title}</h1>
        <p className="soft">{explained}</p>
      </header>
      {isWide || mustChoose ? (
        choices
      ) : (
        <details className="small">
          <summary>{t.options}</summary>
          {choices}
        </details>
      )}
    </>
  );
}

/** Where there is little room, what a view shows comes before what it is chosen by. */
const wide = matchMedia('(min-width: 40rem)');

function subscribe(notify: () => void) {
  wide.addEventListener('change', notify);
  return () => wide.removeEventListener('change', notify);
}

const useIsWide = () => useSyncExternalStore(subscribe, () => wide.matches);
