import { useState } from 'react';
import { setParameters, useAddress } from '../router';
import { t } from '../texts';

/** A partial date of the address: a year, a month or a day. */
export function DateField({ parameter, label }: { parameter: string; label: string }) {
  const value = useAddress().parameters.get(parameter) ?? '';
  // What is being typed, until it is a part of the address.
  const [draft, type] = useState<string | null>(null);
  const typed = draft ?? value;
  const isDate = /^(\d{4}(-\d\d(-\d\d)?)?)?$/.test(typed);
  const set = () => {
    if (!isDate) return;
    if (typed !== value) setParameters({ [parameter]: typed || null });
    type(null);
  };
  return (
    <label>
      <span className="label">{label}</span>
      <input
        size={11}
        inputMode="numeric"
        placeholder={t.partialDate}
        aria-invalid={!isDate}
        value={typed}
        onChange={(event) => type(event.target.value.trim())}
        onBlur={set}
        onKeyDown={({ key }) => {
          if (key === 'Enter') set();
        }}
      />
    </label>
  );
}
