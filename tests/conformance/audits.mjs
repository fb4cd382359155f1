// Runs the audits of graphql-http against a server: node audits.mjs URL
import { auditServer } from 'graphql-http';

const results = await auditServer({ url: process.argv[2] });
const failed = results.filter(({ status }) => status !== 'ok');
for (const { id, name, reason } of failed) console.log(`${id} ${name}: ${reason}`);
console.log(`${results.length - failed.length} of ${results.length} audits pass`);
// The number is checked too, so that an update of the package cannot audit less unnoticed.
process.exit(failed.length === 0 && results.length === 61 ? 0 : 1);
