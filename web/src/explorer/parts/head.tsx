import type { ReactNode } from 'react';
import { useTitle } from '../frame/title';

interface Props {
  title: string;
  /** What the view shows and how it is read. */
  explained: string;
  /** What the reader chooses it by. */
  children: ReactNode;
}

/** The head of a view that counts or compares: what it is, and what it is about. */
export function Head({ title, explained, children }: Props) {
  useTitle(title);
  return (
    <>
      <header>
        <h1>{title}</h1>
        <p className="soft">{explained}</p>
      </header>
      <div className="choices">{children}</div>
    </>
  );
}
