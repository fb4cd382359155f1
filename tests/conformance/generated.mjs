// Looks at every view of the explorer on a large base, as anybody, as an editor and on a phone:
// node generated.mjs ADDRESS KEY SCREENSHOTS
import assert from 'node:assert/strict';
import { PHONE, start } from './browser.mjs';
import { numbersLead } from './numbers.mjs';

const [address, key, screenshots] = process.argv.slice(2);
const { browser, faults, reader, check } = await start({ addresses: [address], screenshots, isStrict: true });

async function ask(query) {
  const body = JSON.stringify({ query });
  const answer = await fetch(new URL('graphql', address), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { data, errors } = await answer.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

const LISTS = ['actors', 'commentaries', 'divisions', 'events', 'meetings', 'motions', 'positions', 'relations', 'sources', 'statements', 'topics', 'votes'];

// The records with most to show: who said most, on what, and the newest of every type.
const { statements, ...newest } = await ask(`{
  statements { facets { speaker(first: 3) { value { slug } } topic(first: 2) { value { slug } } } }
  ${LISTS.map((list) => `${list}Newest: ${list}(last: 1) { nodes { slug } }`).join('\n')}
}`);
const [speakers, topics] = ['speaker', 'topic'].map((name) => statements.facets[name].flatMap(({ value }) => value?.slug ?? []));
const [most, next] = speakers;
const records = Object.entries(newest).map(([name, { nodes }]) => `${name.replace('Newest', '')}/${nodes[0].slug}`);

const reading = [
  '',
  'search?q=generated',
  `actors/${most}`,
  `topics/${topics[0]}`,
  ...records,
  ...LISTS.filter((list) => list !== 'positions'),
  `statements?speaker=${most}`,
  'positions',
  `positions?topic=${topics[0]}`,
  'timeline',
  `timeline?actor=${most}&type=MEETING&type=EVENT`,
  'network',
  `network?actor=${most}`,
  `network?actor=${most}&actor=${next}&depth=2&most=500`,
  `network?from=${most}&to=${next}`,
  'numbers',
  'numbers?by=topic&step=quarter',
  'changes',
  `${records.find((record) => record.startsWith('sources/'))}/read`,
];
const editing = [
  '',
  `actors/${most}`,
  ...records.map((record) => `${record}/edit`),
  'new',
  'new/statement',
  `network?actor=${most}`,
  'timeline',
];

/** Whether everything that a view asked for has come and is drawn. */
const isShown = () =>
  document.querySelector('main h1') !== null &&
  document.querySelector('main :is(.loading, [aria-busy=true])') === null;

async function look(who, page, views) {
  for (const path of views) {
    const name = `generated-${who}-${path.replace(/[^a-z0-9]+/gi, '-') || 'start'}`;
    await page.goto(new URL(path, address).href);
    try {
      await page.waitForLoadState('networkidle').catch(() => {});
      await page.waitForFunction(isShown);
      assert.equal(await page.locator('main .refused').count(), 0, await page.locator('main').innerText());
      await check(page, name);
    } catch (error) {
      throw new Error(`${who} at ${path}`, { cause: error });
    }
  }
  return views.length;
}

const seen = [
  await look('desk', await reader(), reading),
  await look('phone', await reader({ viewport: PHONE }), reading),
  await look('editor', await reader({ withKey: key }), editing),
];
const counting = await reader();
for (const path of ['numbers?step=month', 'numbers?by=topic&step=quarter', 'numbers?of=events&by=kind', `numbers?of=events&actor=${most}`])
  await numbersLead(counting, address, path, 4);

assert.deepEqual(faults, []);
await browser.close();
console.log(`${seen.join(' + ')} views of the generated base work`);
