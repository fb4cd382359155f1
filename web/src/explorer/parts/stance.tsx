import type { Stance as Value } from '../api/documents';
import { t } from '../texts';
import './stance.css';

/** What stands for a stance besides its colour. */
export const SIGNS: Record<Value, string> = {
  STRONGLY_OPPOSES: '−−',
  OPPOSES: '−',
  NEUTRAL: '○',
  SUPPORTS: '+',
  STRONGLY_SUPPORTS: '++',
};

/** A stance by sign, colour and word. */
export const Stance = ({ stance }: { stance: Value }) => (
  <span className="stance" data-stance={stance}>
    <span className="sign" aria-hidden="true">
      {SIGNS[stance]}
    </span>{' '}
    {t.word(stance)}
  </span>
);
