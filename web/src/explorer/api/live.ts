import { createClient } from 'graphql-ws';
import { bearer } from '../session/key';
import { setConnection } from './connection';
import { Changed, type ChangedSubscription } from './documents';
import { latest } from './latest';
import { PASSING, queries } from './queries';
import { Refusal, endpoint } from './request';

const LONGEST_PAUSE = 30_000;
/** Changes that come together are loaded together. */
const TOGETHER = 300;

/**
 * Follows the changes of all records and loads again what is shown. Each time it begins it asks for the newest revision,
 * so nothing is missed in between, and where no WebSocket gets through it still notices changes. `first` is the newest
 * revision from before anything was loaded.
 */
export async function follow(first: Promise<number | undefined>) {
  let since = await first;
  for (let pause = 1000; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      const newest = await latest();
      if (since !== newest) reload();
      since = newest;
      for await (const revision of changesSince(since)) {
        since = revision;
        pause = 1000;
        reload();
      }
      setConnection('connecting');
    } catch (error) {
      // Who may not read has nothing to follow.
      if (error instanceof Refusal && !PASSING.has(error.code)) return;
      setConnection(error instanceof Refusal ? 'offline' : 'connecting');
    }
    await online(pause);
  }
}

async function* changesSince(since: number): AsyncGenerator<number> {
  const client = createClient({
    url: endpoint.href.replace(/^http/, 'ws'),
    connectionParams: bearer(),
    retryAttempts: 0,
    keepAlive: 20_000,
    connectionAckWaitTimeout: 10_000,
    on: {
      connected: () => setConnection('live'),
    },
  });
  // A socket may take minutes to notice that the network has gone; the browser knows at once.
  const stop = () => client.terminate();
  addEventListener('offline', stop);
  try {
    const asked = { query: Changed.text!, variables: { since } };
    for await (const { data, errors } of client.iterate<ChangedSubscription>(asked)) {
      if (errors) throw new Error(errors[0]?.message);
      if (data) yield data.changes.revision;
    }
  } finally {
    removeEventListener('offline', stop);
    void client.dispose();
  }
}

let timer: ReturnType<typeof setTimeout> | undefined;

function reload() {
  timer ??= setTimeout(() => {
    timer = undefined;
    void queries.invalidateQueries();
  }, TOGETHER);
}

/** Waits, but not longer than until the browser is online again. */
function online(pause: number): Promise<void> {
  return new Promise((resume) => {
    const timer = setTimeout(resume, pause);
    const again = () => {
      clearTimeout(timer);
      resume();
    };
    addEventListener('online', again, { once: true });
  });
}
