import { bearer } from '../session/key';
import { root } from '../router';
import { type Document, textOf } from './document';

/** Why the server, or the way to it, gave no answer. */
export class Refusal extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly requestId?: string,
    readonly retryAfter?: number,
    /** The input that is wrong, from its variable on: `$input.saidOn`. */
    readonly field?: string,
  ) {
    super(message);
  }
}

interface GraphQLError {
  message: string;
  extensions?: { code?: string; requestId?: string; retryAfter?: number; field?: string };
}

export interface Answer<Data> {
  data: Data | null;
  errors?: GraphQLError[];
}

/** How the body of a response is read: large ones elsewhere than in the page. */
export type Read<Data> = (response: Response) => Promise<Answer<Data>>;

export const endpoint = new URL('graphql', root);
const ACCEPT = 'application/graphql-response+json, application/json;q=0.9';
/** Longer addresses are refused by many proxies. */
const LONGEST_ADDRESS = 6000;

/** Queries go by GET, so that unchanged answers cost a 304; mutations and long variables go by POST. */
export async function request<Data, Variables>(
  document: Document<Data, Variables>,
  variables: Variables,
  signal?: AbortSignal,
  read: Read<Data> = (response) => response.json() as Promise<Answer<Data>>,
): Promise<Data> {
  const { hash } = document;
  const address = new URL(endpoint);
  address.searchParams.set('documentId', hash);
  address.searchParams.set('variables', JSON.stringify(variables));
  const isShort = document.operation === 'query' && address.href.length < LONGEST_ADDRESS;
  const post = (query?: string) => send(read, endpoint, { documentId: hash, query, variables }, signal);
  try {
    return await (isShort ? send(read, address, undefined, signal) : post());
  } catch (error) {
    // A server of another version has other documents: this one is sent with its text.
    if (error instanceof Refusal && error.code === 'PERSISTED_QUERY_NOT_FOUND') return post(await textOf(document));
    throw error;
  }
}

async function send<Data>(read: Read<Data>, url: URL, body: unknown, signal: AbortSignal | undefined): Promise<Data> {
  const headers: Record<string, string> = { accept: ACCEPT, ...bearer() };
  const init: RequestInit = { headers, ...(signal && { signal }) };
  if (body !== undefined) {
    Object.assign(init, { method: 'POST', body: JSON.stringify(body) });
    headers['content-type'] = 'application/json';
  }
  const response = await fetch(url, init).catch((error: unknown) => {
    if (signal?.aborted) throw error;
    throw new Refusal('OFFLINE', 'The server can’t be reached.');
  });
  const answer = await read(response).catch(() => {
    throw new Refusal('UNAVAILABLE', `The server answered with status ${response.status}.`);
  });
  const [error] = answer.errors ?? [];
  if (error) {
    const { code = 'INTERNAL', requestId, retryAfter, field } = error.extensions ?? {};
    throw new Refusal(code, error.message, requestId, retryAfter, field);
  }
  return answer.data!;
}
