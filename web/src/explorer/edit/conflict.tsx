import { t } from '../texts';
import { focus } from './focus';
import type { Field } from './forms';
import { shown } from './kinds';
import { type Values, isSame } from './values';

interface Props {
  fields: Field[];
  mine: Values;
  theirs: Values;
  take: (name: string) => void;
}

/** What two editors made of the same record, side by side. */
export function Conflict({ fields, mine, theirs, take }: Props) {
  const differing = fields.filter((field) => !isSame(field, mine[field.name], theirs[field.name]));
  return (
    <section ref={focus} tabIndex={-1} className="conflict" role="alert">
      <p>
        <strong>{t.edited.conflict}</strong> {t.edited.conflictAdvice}
      </p>
      <table>
        <thead>
          <tr>
            <td />
            <th scope="col">{t.edited.yours}</th>
            <th scope="col">{t.edited.theirs}</th>
          </tr>
        </thead>
        <tbody>
          {differing.map((field) => (
            <tr key={field.name}>
              <th scope="row">{t.field(field.name)}</th>
              <td dir="auto">{shown(field, mine[field.name])}</td>
              <td dir="auto">
                {shown(field, theirs[field.name])}{' '}
                <button type="button" className="plain" onClick={() => take(field.name)}>
                  {t.edited.use}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
