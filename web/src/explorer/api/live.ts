import { createClient } from 'graphql-ws';
import { bearer } from '../session/key';
import { setConnection } from './connection';
import { textOf } from './document';
import { Changed, type ChangedSubscription, Latest } from './documents';
import { queries } from './queries';
import { endpoint, request } from './request';

const LONGEST_PAUSE = 30_000;
/** Changes that come together are loaded together. */
const TOGETHER = 300;

/** Follows the changes of all records and loads again what is shown. After an interruption it resumes where it was. */
export async function follow() {
  let since: number | undefined;
  for (let pause = 1000; ; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
    try {
      // What changed before the subscription began is not missed either.
      since ??= (await request(Latest, {})).revisions.nodes[0]?.number ?? 0;
      for await (const revision of changesSince(since)) {
        since = revision;
        pause = 1000;
        reload();
      }
    } catch (error) {
      if (isReplaced(error)) since = undefined;
    }
    setConnection('offline');
    await online(pause);
  }
}

async function* changesSince(since: number): AsyncGenerator<number> {
  const client = createClient({
    url: endpoint.href.replace(/^http/, 'ws'),
    connectionParams: bearer(),
    retryAttempts: 0,
    keepAlive: 20_000,
    on: {
      connected: () => {
        setConnection('live');
        reload();
      },
    },
  });
  // A socket may take minutes to notice that the network has gone; the browser knows at once.
  const stop = () => client.terminate();
  addEventListener('offline', stop);
  try {
    const query = await textOf(Changed);
    for await (const { data, errors } of client.iterate<ChangedSubscription>({ query, variables: { since } })) {
      if (errors) throw errors[0];
      if (data) yield data.changes.revision;
    }
  } finally {
    removeEventListener('offline', stop);
    void client.dispose();
  }
}

/** Whether the base was restored to another history, in which the last revision may not exist. */
const isReplaced = (error: unknown) =>
  JSON.stringify(error)?.includes('HISTORY_REPLACED') || JSON.stringify(error)?.includes('BAD_USER_INPUT');

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
