import type { ReactNode } from 'react';
import type { CitedFragment } from '../api/documents';
import { Citations } from './citations';
import './entry.css';

/** An entry of a list, with its citations beside it. */
export const Entry = ({ children, citations }: { children: ReactNode; citations?: { nodes: CitedFragment[] } }) => (
  <li className="entry">
    <div className="entry-text">{children}</div>
    {citations && <Citations of={citations.nodes} />}
  </li>
);

type Fact = [name: string, value: ReactNode];

/** What is known of a record, by name; what is not known is left out. */
export function Facts({ of }: { of: Fact[] }) {
  const known = of.filter(([, value]) => value !== null && value !== undefined && value !== '' && value !== false);
  if (known.length === 0) return null;
  return (
    <dl className="facts">
      {known.map(([name, value], at) => (
        // Several facts may have one name.
        <div key={`${name} ${at}`}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
