import type { ReactNode } from 'react';
import './matrix.css';

interface Head {
  key: string;
  name: ReactNode;
}

interface Props {
  caption: string;
  columns: Head[];
  rows: Head[];
  cell: (row: string, column: string) => ReactNode;
  /** Whether the last columns come first into sight, as of a table over time. */
  isAtEnd?: boolean;
}

/** A table that scrolls below its heads. */
export const Matrix = ({ caption, columns, rows, cell, isAtEnd = false }: Props) => (
  <div className="matrix" role="region" aria-label={caption} tabIndex={0} ref={isAtEnd ? toEnd : null}>
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

const toEnd = (table: HTMLDivElement | null) => table?.scrollTo({ left: table.scrollWidth });
