import { Latest } from './documents';
import { request } from './request';

/** The newest revision. */
export const latest = async () => (await request(Latest, {})).revisions.nodes[0]?.number ?? 0;
