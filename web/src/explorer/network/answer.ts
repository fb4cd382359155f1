import type { NetworkQuery } from '../api/documents';
import type { Answer } from '../api/request';
import type { Read } from './answer.worker';
import { unpack } from './packed';

const worker = new Worker(new URL('./answer.worker.ts', import.meta.url), { type: 'module' });
/** Who waits for an answer, in the order of the questions. */
const waiting: ((read: Read) => void)[] = [];
worker.onmessage = ({ data }: MessageEvent<Read>) => waiting.shift()!(data);

/** Reads the answer to a network in a worker. */
export async function readNetwork(response: Response): Promise<Answer<NetworkQuery>> {
  const bytes = await response.arrayBuffer();
  const read = await new Promise<Read>((resolve) => {
    waiting.push(resolve);
    worker.postMessage(bytes, [bytes]);
  });
  if (!read) throw new Error('The answer is no JSON.');
  return { ...read, data: read.data && { network: unpack(read.data) } };
}
