import type { ReactNode } from 'react';
import { setParameters, useAddress } from '../router';
import './switches.css';

interface Props<Value extends string> {
  /** The parameter of the address that has what is switched on; without it, everything is. */
  parameter: string;
  legend: string;
  values: readonly Value[];
  name: (value: Value) => ReactNode;
}

/** Which of the values an address has switched on. */
export function switchedOn<Value extends string>(
  parameters: URLSearchParams,
  parameter: string,
  values: readonly Value[],
): readonly Value[] {
  const named = values.filter((value) => parameters.getAll(parameter).includes(value));
  return named.length > 0 ? named : values;
}

/** Switches values on and off. */
export function Switches<Value extends string>({ parameter, legend, values, name }: Props<Value>) {
  const on = switchedOn(useAddress().parameters, parameter, values);
  const toggle = (value: Value) => {
    const chosen = on.includes(value) ? on.filter((one) => one !== value) : [...on, value];
    setParameters({ [parameter]: chosen.length === values.length ? null : chosen }, { replace: true });
  };
  return (
    <fieldset className="switches">
      <legend className="label">{legend}</legend>
      {values.map((value) => (
        <label key={value}>
          <input type="checkbox" checked={on.includes(value)} onChange={() => toggle(value)} />
          {name(value)}
        </label>
      ))}
    </fieldset>
  );
}
