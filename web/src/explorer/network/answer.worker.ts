// Reads the answer to a large network, so that the page itself stays free for the reader.
import type { NetworkQuery } from '../api/documents';
import type { Answer } from '../api/request';
import { type Packed, handed, pack } from './packed';

/** What the worker tells: an answer whose network is packed; nothing if it can't be read. */
export type Read = Answer<Packed> | undefined;

const tell = (read: Read, lists: ArrayBuffer[] = []) => postMessage(read, { transfer: lists });

// Each question gets one answer, so that answers keep the order of their questions.
onmessage = ({ data: bytes }: MessageEvent<ArrayBuffer>) => {
  try {
    const answer = JSON.parse(new TextDecoder().decode(bytes)) as Answer<NetworkQuery>;
    if (answer.errors) {
      tell({ data: null, errors: answer.errors });
    } else {
      const packed = pack(answer.data!.network);
      tell({ data: packed }, handed(packed));
    }
  } catch {
    tell(undefined);
  }
};
