import { useEffect } from 'react';
import { useConnection } from '../api/connection';
import { latest } from '../api/latest';
import { t } from '../texts';

let isFollowing = false;

/** Follows changes once the first view is shown. */
export function useLive() {
  useEffect(() => {
    if (isFollowing) return;
    isFollowing = true;
    const first = latest().catch(() => undefined);
    setTimeout(() => void import('../api/live').then(({ follow }) => follow(first)), 1000);
  }, []);
}

/** Tells who is offline that what is shown may be out of date. */
export function ConnectionNote() {
  if (useConnection() !== 'offline') return null;
  return (
    <p className="connection-note" role="status">
      {t.offline}
    </p>
  );
}
