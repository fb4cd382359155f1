import { useEffect } from 'react';
import { useConnection } from '../api/connection';
import { t } from '../texts';

let isFollowing = false;

/** Follows changes once the first view is shown. */
export function useLive() {
  useEffect(() => {
    if (isFollowing) return;
    isFollowing = true;
    setTimeout(() => void import('../api/live').then(({ follow }) => follow()), 1000);
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
