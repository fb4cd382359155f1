import * as format from '../format';
import { Link } from '../router';
import { t } from '../texts';

interface Props {
  certain: number;
  possible: number;
  /** The number that is drawn as high as bars get. */
  most: number;
  /** Where what it counts is read. */
  to: string;
}

/** A number and its bar: the lighter part may belong to other periods, as its dates are known less exactly. */
export function Bar({ certain, possible, most, to }: Props) {
  const total = certain + possible;
  const share = (value: number) => `${(100 * value) / most}%`;
  const title = possible > 0 ? t.numbers.ofThem(possible) : undefined;
  return (
    <Link to={to} className="number" title={title}>
      <span className="bar" aria-hidden="true">
        <span className="possible" style={{ height: share(possible) }} />
        <span className="certain" style={{ height: share(certain) }} />
      </span>
      {format.number(total)}
      {possible > 0 && <span className="hidden"> {t.numbers.ofThem(possible)}</span>}
    </Link>
  );
}
