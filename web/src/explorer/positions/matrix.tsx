import type { ReactNode } from 'react';
import type { Stance } from '../api/documents';
import * as format from '../format';
import { SIGNS } from '../parts/stance';
import { Link } from '../router';
import { t } from '../texts';

interface Head {
  key: string;
  name: ReactNode;
}

interface Props {
  caption: string;
  columns: Head[];
  rows: Head[];
  cell: (row: string, column: string) => ReactNode;
}

/** A table that scrolls below its heads. */
export const Matrix = ({ caption, columns, rows, cell }: Props) => (
  <div className="matrix" role="region" aria-label={caption} tabIndex={0}>
    <table>
      <caption className="hidden">{caption}</caption>
      <thead>
        <tr>
          <td />
          {columns.map(({ key, name }) => (
            <th key={key} scope="col">
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.key}>
            <th scope="row">{row.name}</th>
            {columns.map(({ key }) => (
              <td key={key}>{cell(row.key, key)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  </div>
);

interface MarkProps {
  stance: Stance;
  /** What it says in words. */
  name: string;
  date?: string | null;
  isChosen?: boolean;
  to: string;
}

/** A stance as its sign, with what it says for those who don't see it. */
export const Mark = ({ stance, name, date, isChosen = false, to }: MarkProps) => (
  <Link to={to} className="mark-of-stance" data-stance={stance} aria-current={isChosen || undefined} title={name}>
    <span className="sign" aria-hidden="true">
      {SIGNS[stance]}
    </span>
    <span className="hidden">
      {name}: {t.word(stance)}
    </span>
    {date && <span className="small figures">{format.shortDate(date)}</span>}
  </Link>
);
