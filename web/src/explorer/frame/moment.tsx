import { type FocusEvent, type KeyboardEvent, useRef, useState } from 'react';
import { Latest } from '../api/documents';
import { useQuery } from '../api/queries';
import * as format from '../format';
import { setParameters, useAddress } from '../router';
import { t } from '../texts';

/** Chooses the moment that the base is shown as of. */
export function Moment() {
  const { parameters } = useAddress();
  const [isOpen, open] = useState(false);
  const summary = useRef<HTMLElement>(null);
  const press = ({ key }: KeyboardEvent) => {
    if (key !== 'Escape') return;
    open(false);
    summary.current?.focus();
  };
  const leave = ({ currentTarget, relatedTarget }: FocusEvent) => {
    if (relatedTarget && !currentTarget.contains(relatedTarget)) open(false);
  };
  const moment = parameters.get('asOf') ?? '';
  return (
    // Keys and focus of what is in it.
    // eslint-disable-next-line jsx-a11y/no-noninteractive-element-interactions
    <details
      className="moment"
      open={isOpen}
      onToggle={(event) => open(event.currentTarget.open)}
      onKeyDown={press}
      onBlur={leave}
    >
      <summary ref={summary}>{moment ? t.asOf.shown(shown(moment)) : t.asOf.now}</summary>
      {isOpen && <Choice moment={moment} />}
    </details>
  );
}

function Choice({ moment }: { moment: string }) {
  const { data } = useQuery(Latest, {});
  const newest = data?.revisions.nodes[0]?.number ?? 0;
  const isRevision = /^\d+$/.test(moment);
  const set = (asOf: string | null) => setParameters({ asOf }, { replace: true });
  return (
    <div className="moment-choice">
      <label>
        <span className="label">{t.asOf.day}</span>
        <input
          type="date"
          value={isRevision ? '' : moment.slice(0, 10)}
          max={new Date().toISOString().slice(0, 10)}
          onChange={(event) => set(event.target.value)}
        />
      </label>
      <label>
        <span className="label">{t.asOf.revision(isRevision ? Number(moment) : newest)}</span>
        <input
          type="range"
          min={1}
          max={newest}
          value={isRevision ? moment : newest}
          onChange={(event) => set(event.target.value === String(newest) ? null : event.target.value)}
        />
      </label>
      <p className="small soft">{t.asOf.explained}</p>
    </div>
  );
}

/** Reminds that what is shown is the past. */
export function AsOfNote() {
  const { parameters } = useAddress();
  const moment = parameters.get('asOf');
  if (!moment) return null;
  return (
    <p className="as-of-note" role="status">
      {t.asOf.note(shown(moment))}{' '}
      <button type="button" className="plain" onClick={() => setParameters({ asOf: null })}>
        {t.asOf.back}
      </button>
    </p>
  );
}

const shown = (moment: string) => (/^\d+$/.test(moment) ? t.asOf.atRevision(Number(moment)) : format.date(moment));
