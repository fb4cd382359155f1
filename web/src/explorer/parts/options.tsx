import { setParameters } from '../router';
import './choice.css';

interface Props {
  parameter: string;
  label: string;
  /** The values of the parameter, each with its name. */
  options: Record<string, string>;
  chosen: string;
}

/** Chooses one of a few values of a parameter of the address. */
export const Options = ({ parameter, label, options, chosen }: Props) => (
  <label>
    <span className="label">{label}</span>
    <select value={chosen} onChange={({ target }) => setParameters({ [parameter]: target.value }, { replace: true })}>
      {Object.entries(options).map(([value, name]) => (
        <option key={value} value={value}>
          {name}
        </option>
      ))}
    </select>
  </label>
);
