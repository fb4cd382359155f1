import { type SubmitEvent, useState } from 'react';
import { Viewer } from '../api/documents';
import { Refusal, request } from '../api/request';
import { t } from '../texts';
import { keep, key } from './key';

/** Takes a key, asks the server whose it is, and keeps it for this tab. Then the page is loaded as its owner sees it. */
export default function SignIn({ next = location.href }: { next?: string }) {
  const [entered, enter] = useState('');
  const [reason, setReason] = useState('');
  const signIn = async (event: SubmitEvent) => {
    event.preventDefault();
    const before = key();
    keep(entered.trim().replace(/^bearer\s+/i, ''));
    try {
      await request(Viewer, {});
      if (next === location.href) location.reload();
      else location.assign(next);
    } catch (error) {
      keep(before);
      setReason(error instanceof Refusal ? error.message : t.fault);
    }
  };
  return (
    <form className="sign-in" onSubmit={(event) => void signIn(event)}>
      <label>
        <span className="label">{t.key}</span>
        <input
          type="password"
          autoComplete="off"
          spellCheck={false}
          value={entered}
          onChange={(event) => enter(event.target.value)}
        />
      </label>{' '}
      <button className="main" disabled={entered.trim() === ''}>
        {t.signIn}
      </button>
      <p role="alert">{reason}</p>
      <p className="small soft">{t.keyKept}</p>
    </form>
  );
}
