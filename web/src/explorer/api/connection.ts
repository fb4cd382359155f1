import { useSyncExternalStore } from 'react';

/** Whether changes arrive as they are made. */
export type Connection = 'connecting' | 'live' | 'offline';

let connection: Connection = 'connecting';
const listeners = new Set<() => void>();

export function setConnection(now: Connection) {
  connection = now;
  listeners.forEach((listener) => listener());
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

export const useConnection = () => useSyncExternalStore(subscribe, () => connection);
