import type { Stance } from '../api/documents';
import * as format from '../format';
import { SIGNS } from '../parts/stance';
import { Link } from '../router';
import { t } from '../texts';

interface Props {
  stance: Stance;
  /** What it says in words. */
  name: string;
  date?: string | null;
  isChosen?: boolean;
  to: string;
}

/** A stance as its sign, with what it says for those who don't see it. */
export const Mark = ({ stance, name, date, isChosen = false, to }: Props) => (
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
