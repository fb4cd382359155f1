// Uses the explorer in a real browser, node explorer.mjs ADDRESS CLOSED-ADDRESS KEY SCREENSHOTS
// CLOSED-ADDRESS is a server that requires a key for reading. SCREENSHOTS is a folder for pictures of each view.
import assert from 'node:assert/strict';
import { createServer, request } from 'node:http';
import { analysis } from './analysis.mjs';
import { PHONE, start } from './browser.mjs';

const [address, closed, key, screenshots] = process.argv.slice(2);
const { browser, faults, hosts, reader, check } = await start({ addresses: [address, closed], screenshots });

/** Asks the server itself, as an editor. */
async function send(query, variables) {
  const response = await fetch(new URL('graphql', address), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

/** Enters a topic, as somebody else would. */
const addTopic = (slug, name) =>
  send(`mutation ($slug: String!, $name: String!) {
    createTopic(input: { slug: $slug, name: $name }) { userErrors { message } }
  }`, { slug, name });

const open = async (page, view, base = address) => {
  await page.goto(new URL(view, base).href);
  return page;
};
const shows = (page, text) => page.getByText(text).first().waitFor();
const heading = (page, text) => page.locator('h1').getByText(text).waitFor();

const desk = await reader();
const dark = await reader({ colorScheme: 'dark' });
const phone = await reader({ viewport: PHONE });
const all = { desk, dark, phone };

/** Opens a view for each reader, waits for what it shows and checks it. */
async function view(name, path, isShown) {
  for (const [who, page] of Object.entries(all)) {
    await open(page, path);
    await isShown(page);
    await check(page, `${name}-${who}`);
  }
}

await view('start', '', async (page) => {
  await heading(page, 'Who met whom');
  await shows(page, '18 actors');
  await shows(page, 'Questions to begin with');
  await shows(page, 'by migration');
});

await view('actor', 'actors/kassym-jomart-tokayev', async (page) => {
  await heading(page, 'Kassym-Jomart Tokayev');
  await shows(page, 'He put the weight on investments');
  await shows(page, 'What analysts make of it');
  await shows(page, 'L29');
});
await view('meeting', 'meetings/inaugural-peace-council-meeting', async (page) => {
  await heading(page, 'Inaugural meeting');
  await shows(page, 'Participants');
  await shows(page, 'date unknown');
});
await view('position', 'positions/tokayev-on-relations-with-the-united-states', async (page) => {
  await shows(page, 'Evidence for it');
  await shows(page, '1 independent source');
});
await view('topic', 'topics/two-state-solution', (page) => shows(page, 'neutral'));
await view('search', 'search?q=peace%20councl', async (page) => {
  await shows(page, '5 records for “peace councl”');
  await page.getByRole('checkbox', { name: 'meetings 1' }).waitFor();
});
await view('statements', 'statements', (page) => shows(page, 'The Peace Council should have an award'));
for (const [path, text] of [
  ['topics/reconstruction-of-gaza', 'multilateral · Donald Trump Institute'],
  ['actors/peace-council', 'Organization'],
  ['commentaries', 'Yury Bocharov'],
  ['relations', 'President'],
  ['sources/musavat-interview-with-yury-bocharov', 'Read the source'],
  ['events', 'There are none yet.'],
  ['votes', 'There are none yet.'],
]) {
  await open(desk, path);
  await desk.locator('main').getByText(text).first().waitFor();
}

// A list is narrowed down by what its records share.
await open(desk, 'statements');
await shows(desk, '7 statements');
await desk.locator('.facets').getByRole('button', { name: 'Donald Trump' }).click();
await shows(desk, '2 statements');
await desk.waitForURL(/speaker=donald-trump/);
await desk.getByText('He put the weight on investments').waitFor({ state: 'detached' });
await check(desk, 'statements-narrowed');
await desk.locator('.facets').getByRole('button', { name: 'Donald Trump' }).click();
await shows(desk, '7 statements');

// A record's changes are readable, and each leads to the base as it stood after it.
await open(desk, 'topics/two-state-solution');
await desk.getByText('Every change').click();
await desk.locator('.history').getByText('Two-state solution').first().waitFor();
await open(desk, 'positions/tokayev-on-relations-with-the-united-states');
await desk.getByText('Every change').click();
// References are named, and values of enums are words.
await desk.locator('.diff').getByRole('link', { name: 'Kassym-Jomart Tokayev' }).first().waitFor();
await desk.locator('.diff').getByText('supports', { exact: true }).first().waitFor();
await desk.locator('.history').getByRole('button', { name: /^revision/ }).last().click();
await shows(desk, 'You see the base as it stood: revision');
await open(desk, 'actors/nobody-of-this-name');
await heading(desk, 'No such record');
await desk.getByRole('link', { name: 'Search for “nobody of this name”' }).click();
await desk.waitForURL(/search\?q=nobody\+of\+this\+name/);

// A long record leads to its sections, and does not link to itself.
await open(desk, 'actors/kassym-jomart-tokayev');
await desk.getByRole('navigation', { name: 'On this page' }).getByRole('button', { name: 'Meetings' }).click();
assert.equal(await desk.evaluate(() => document.activeElement.textContent), 'Meetings');
assert.equal(await desk.locator('.section').filter({ hasText: 'Meetings' }).getByRole('link', { name: 'Kassym-Jomart Tokayev', exact: true }).count(), 0);

// What changed since a day; a change of many records shows all of them.
await open(desk, 'changes');
await desk.locator('li.entry').last().getByRole('button', { name: /^and \d+ more$/ }).click();
await desk.locator('li.entry').last().locator('.change').nth(4).waitFor();
await desk.getByLabel('Since').fill(new Date().toISOString().slice(0, 10));
await desk.waitForURL(/since=/);
await shows(desk, 'by migration');

// A search follows the typing, by keyboard alone and misspelt, and narrows by type.
await open(desk, 'search');
const field = desk.getByRole('combobox', { name: 'Search' });
await field.fill('tokaev');
await desk.waitForURL(/q=tokaev/);
await desk.locator('.results').getByText('Kassym-Jomart Tokayev').first().waitFor();
await field.press('ArrowDown');
await desk.keyboard.press('Enter');
await desk.waitForURL(/kassym-jomart-tokayev$/);
await open(desk, 'search?q=gaza');
await desk.getByRole('checkbox', { name: /^topics/ }).check();
await desk.waitForURL(/type=TOPIC/);
await desk.locator('.results p').getByText('actor, ').first().waitFor({ state: 'detached' });
// What is found says whose words it is, and marks the word that was searched for.
await open(desk, 'search?q=award');
await desk.locator('.results li').filter({ hasText: 'The Peace Council should have an award' }).getByRole('link', { name: 'Kassym-Jomart Tokayev' }).waitFor();
await desk.locator('.results a mark').filter({ hasText: 'award' }).first().waitFor();

// The first view is small, whatever the others need.
const first = await reader();
await open(first, '');
await shows(first, '18 actors');
await first.waitForLoadState('networkidle');
const files = await first.evaluate(() =>
  performance
    .getEntriesByType('resource')
    .concat(performance.getEntriesByType('navigation'))
    .filter(({ name }) => !name.includes('graphql'))
    .map(({ name, encodedBodySize }) => [name, encodedBodySize]),
);
const bytes = files.reduce((sum, [, size]) => sum + size, 0);
assert.ok(bytes < 250 * 1024, `the first view loads ${bytes} bytes:\n${files.join('\n')}`);

// What is shown is asked for once: it is loaded again only when something has changed.
const thrifty = await reader();
const requested = [];
thrifty.on('request', (request) => {
  if (request.url().includes('documentId')) requested.push(request.url());
});
const [socket] = await Promise.all([thrifty.waitForEvent('websocket'), open(thrifty, 'actors/kazakhstan')]);
await socket.waitForEvent('framereceived');
await thrifty.waitForTimeout(700);
const twice = requested.filter((url, at) => requested.indexOf(url) !== at && !url.includes('%7B%7D'));
assert.deepEqual(twice, [], 'nothing is asked for twice');
await thrifty.close();

// Suggestions follow the typing, and the keyboard opens them.
await open(desk, '');
await heading(desk, 'Who met whom');
await desk.keyboard.press('/');
await desk.keyboard.type('kazakhs');
await desk.getByRole('option', { name: 'Kazakhstan' }).first().waitFor();
// Tab leaves them as they are; the arrow keys choose, and screen readers are told what is chosen.
await desk.keyboard.press('Tab');
await desk.getByRole('option').first().waitFor({ state: 'detached' });
assert.equal(await desk.evaluate(() => document.activeElement.closest('.combobox')), null);
await desk.keyboard.press('/');
await desk.keyboard.type('t');
await desk.getByRole('option', { name: 'Kazakhstan' }).first().waitFor();
await desk.keyboard.press('ArrowDown');
const told = await desk.evaluate(() => document.getElementById(document.activeElement.getAttribute('aria-activedescendant'))?.textContent);
assert.match(told, /^Kazakhstan/);
await desk.keyboard.press('Enter');
await desk.waitForURL(/\/actors\/kazakhstan$/);

// The past is shown as it was, and says so.
await open(desk, '?asOf=1');
await shows(desk, 'You see the base as it stood: revision 1.');
await open(dark, '?asOf=1');
await shows(dark, 'You see the base as it stood: revision 1.');
await heading(dark, 'Who met whom');
await shows(dark, 'In this base');
await check(dark, 'past-dark');
// What chooses the moment closes by keyboard, or when the reader goes on.
const [moment, choices] = ['.moment > summary', '.moment-choice'].map((name) => desk.locator(name));
await moment.press('Enter');
await choices.waitFor();
await desk.keyboard.press('Tab');
await desk.keyboard.press('Escape');
await choices.waitFor({ state: 'detached' });
assert.ok(await moment.evaluate((summary) => document.activeElement === summary), 'the focus is back');
await moment.press('Enter');
await choices.waitFor();
await desk.keyboard.press('Shift+Tab');
await choices.waitFor({ state: 'detached' });
await desk.getByRole('button', { name: 'Back to now' }).click();
await shows(desk, '18 actors');

await open(desk, `?asOf=${new Date().toISOString().slice(0, 10)}`);
await shows(desk, '18 actors');
await open(desk, '?asOf=2001-02-03');
await shows(desk, 'Nothing was entered yet.');
await open(desk, '');

// Behind a proxy that serves it below a path, every address finds its files and the API.
const proxy = createServer((incoming, outgoing) => {
  const { method, headers, url } = incoming;
  const there = new URL(url.replace(/^\/below\/a\/path\//, ''), address);
  incoming.pipe(
    request(there, { method, headers: { ...headers, host: there.host } }, (answer) => {
      outgoing.writeHead(answer.statusCode, answer.headers);
      answer.pipe(outgoing);
    }),
  );
});
proxy.on('upgrade', (incoming, socket) => socket.destroy());
await new Promise((done) => proxy.listen(0, '127.0.0.1', done));
hosts.add(`127.0.0.1:${proxy.address().port}`);
const below = `http://127.0.0.1:${proxy.address().port}/below/a/path/`;
const proxied = await reader();
await open(proxied, 'actors/kazakhstan', below);
await heading(proxied, 'Kazakhstan');
await proxied.getByRole('link', { name: 'Dossier' }).click();
await shows(proxied, '18 actors');
assert.equal(proxied.url(), below);
// It lets no WebSocket through, so changes are noticed more slowly, and nobody is told that the server has gone.
await open(proxied, 'changes', below);
await shows(proxied, 'Connecting…');
await addTopic('slowly', 'Noticed slowly');
await shows(proxied, 'Noticed slowly');
await proxied.getByText('The server can’t be reached').waitFor({ state: 'detached' });
await proxied.close();
proxy.close();

// The query of a view opens in GraphiQL.
await desk.getByText('The GraphQL of this view').click();
await desk.getByRole('link', { name: 'Glance' }).click();
await desk.waitForURL(/graphiql#query=/);

// A page that does not exist says so.
await open(desk, 'actors/kazakhstan/nothing/here');
await heading(desk, 'There is no such page');

// What others change appears on a page that is open, and nothing is missed while it was offline.
await view('changes', 'changes', async (page) => {
  await shows(page, 'migration');
  await page.locator('[data-connection=live]').waitFor();
});
await open(desk, 'changes');
await desk.locator('[data-connection=live]').waitFor();
await addTopic('water', 'Water security');
await shows(desk, 'Water security');

// A name is text, whatever it looks like, and a name in another direction stays in its place.
await addTopic('markup', '<script>document.title = "broken"</script><img src=x onerror="document.title=1">');
await addTopic('arabic', 'أمن المياه');
await shows(desk, '<script>document.title');
await open(desk, 'topics/markup');
await heading(desk, '<script>document.title');
assert.equal(await desk.title(), '<script>document.title = "broken"</script><img src=x onerror="document.title=1"> – Dossier');
await check(desk, 'markup');
await open(desk, 'search?q=المياه');
await desk.locator('.results').getByText('أمن المياه').first().waitFor();

// A source without a text lists its citations by locator.
const INTERVIEW = 'sources/musavat-interview-with-yury-bocharov/read';
await view('reader-without-text', INTERVIEW, async (page) => {
  await shows(page, 'its citations are listed by locator');
  await page.locator('.row.bare').getByText('L29').waitFor();
});

// With a text, and the right to read it, its passages and what cites them point at each other.
const lines = Array.from({ length: 32 }, (_, at) => `Line ${at + 1} of a text that stands in for the interview. 𝒰`);
lines[28] += ' Nobody cites these words.';
await send(`mutation ($content: String!) {
  attachSourceText(input: { source: { slug: "musavat-interview-with-yury-bocharov" }, content: $content, language: "en" }) {
    userErrors { message }
  }
}`, { content: `${lines.join('\n')}\n` });
await open(desk, INTERVIEW);
await shows(desk, 'The whole text needs a key');
await shows(desk, 'Line 29 of a text');
await desk.getByText('Line 3 of').waitFor();
await check(desk, 'reader-of-passages');
const editor = await reader({ withKey: key });
await open(editor, INTERVIEW);
await shows(editor, 'Line 31 of a text');
const painted = (page, name) => page.evaluate((name) => CSS.highlights.get(name)?.size ?? 0, name);
await editor.waitForFunction(() => CSS.highlights.get('cited')?.size > 0);
assert.equal(await painted(editor, 'active'), 0);
await editor.locator('.claims a').first().hover();
await editor.waitForFunction(() => CSS.highlights.get('active')?.size > 0);
const painting = await editor.evaluate(() => {
  const [range] = CSS.highlights.get('active');
  return range.startContainer.textContent.slice(range.startOffset, range.endOffset);
});
assert.match(painting, /^Line \d+ of a text that stands in for the interview\. 𝒰$/);
await editor.getByText('Line 10 of a text').click();
await editor.waitForURL(/citation=/);
await check(editor, 'reader');

// Words that are marked begin a citation, with their place in the text: here they stand in many lines.
const mark = async (from, to) => {
  await open(editor, INTERVIEW);
  await shows(editor, 'Line 31 of a text');
  await editor.evaluate(([[first, begin], [last, end]]) => {
    const text = (number) => [...document.querySelectorAll('[data-start]')].find((line) => line.textContent.startsWith(`Line ${number} `)).firstChild;
    getSelection().setBaseAndExtent(text(first), begin, text(last), end);
  }, [from, to]);
  await editor.getByRole('link', { name: 'Cite in a new statement' }).click();
  await heading(editor, 'New statement');
};
await mark([13, 'Line 13 '.length], [13, 'Line 13 of a text '.length]);
await editor.locator('.items q').getByText('of a text', { exact: true }).waitFor();
await editor.getByText('Words and position').click();
// Each line before has a character of two UTF-16 units at its end, and counts one more for its line feed.
const before = lines.slice(0, 12).reduce((sum, line) => sum + Array.from(line).length + 1, 0);
const entered = (name) => editor.getByLabel(name, { exact: true }).inputValue();
assert.equal(await entered('begins after characters'), String(before + 'Line 13 '.length));
assert.equal(await entered('ends after characters'), String(before + 'Line 13 of a text'.length));
assert.match(await entered('words before'), /interview\. 𝒰\s*Line 13 $/u);
await mark([31, 0], [32, 'Line 32 of a text'.length]);
await editor.locator('.items q').getByText('Line 31 of a text').waitFor();
assert.equal(await editor.getByRole('textbox', { name: 'locator' }).inputValue(), 'L31-L32');
await mark([31, 'Line 31 of a text'.length], [31, 0]);
await editor.locator('.items q').getByText('Line 31 of a text', { exact: true }).waitFor();
await check(editor, 'new-statement');

/** A field by its whole name, as there may be others that it is a part of. */
const named = (name) => editor.getByLabel(new RegExp(`^${name}( \\(required\\))?$`, 'i'));

// A form says at its fields what is wrong, and what was entered can be undone.
const pick = async (label, text) => {
  const field = editor.getByRole('combobox', { name: label });
  await field.fill(text);
  await editor.locator('[role=option]').first().waitFor();
  await field.press('Enter');
};
const cite = async () => {
  await pick('Citations', 'first peace');
  await editor.getByRole('textbox', { name: 'locator' }).fill('L1');
};
await pick('Speaker', 'tokay');
await named('Summary').fill('He hopes that the dialogue goes on.');
await editor.getByLabel('Rendering').selectOption('VERBATIM');
await editor.getByLabel('Event type').selectOption('CONSULT');
await editor.getByLabel('Medium').selectOption('SPEECH');
await editor.getByRole('button', { name: 'Save' }).click();
await editor.locator('.field.wrong').getByText('A quote is there exactly where the rendering is VERBATIM.').waitFor();
await check(editor, 'refused-at-its-field');
await editor.getByLabel('Rendering').selectOption('PARAPHRASE');
await editor.getByRole('button', { name: 'Save' }).click();
await editor.waitForURL(/statements\/he-hopes-that-the-dialogue-goes-on\?saved=/);
await editor.getByText('Saved as revision').waitFor();
await shows(editor, 'Line 31 of a text');
// What was marked is what the reader of the source paints.
await editor.locator('.citations').getByRole('link', { name: 'L31' }).click();
await editor.waitForFunction(() => {
  const [range] = CSS.highlights.get('active') ?? [];
  return range?.startContainer.textContent.slice(range.startOffset, range.endOffset) === 'Line 31 of a text';
});
await editor.goBack();
await editor.getByRole('button', { name: 'Undo' }).first().click();
await heading(editor, 'No such record');

// Who changes what another has just changed sees both, side by side, and decides.
await open(editor, 'meetings/inaugural-peace-council-meeting');
await editor.getByRole('link', { name: 'Edit' }).click();
await heading(editor, 'Edit this meeting');
await named('Name').fill('Inaugural session');
await send(`mutation {
  updateMeeting(input: { meeting: { slug: "inaugural-peace-council-meeting" }, name: "First session", status: SCHEDULED }) {
    userErrors { message }
  }
}`);
await editor.getByRole('button', { name: 'Save' }).click();
await editor.getByText('Someone else changed this record').waitFor();
await editor.locator('.conflict').getByText('First session').waitFor();
await check(editor, 'conflict');
assert.equal(await editor.getByLabel('Status').inputValue(), 'SCHEDULED', 'what only the other changed is taken over');
await editor.getByRole('button', { name: 'Use' }).click();
await named('Summary').fill('It began the work of the council.');
await editor.getByRole('button', { name: 'Save' }).click();
await editor.getByText('Saved as revision').waitFor();
await heading(editor, 'First session');
await shows(editor, 'It began the work of the council.');

// Translations, the languages of names, origins and coordinates are entered in rows; what is wrong is said at its place.
await open(editor, 'actors/peace-council/edit');
await editor.getByRole('button', { name: 'Add: names' }).click();
const names = editor.locator('.field', { hasText: 'Names' }).locator('li').last();
await names.getByLabel('name', { exact: true }).fill('Бейбітшілік кеңесі');
await names.getByLabel('language', { exact: true }).fill('kk');
await names.getByLabel('script', { exact: true }).fill('Cyrl');
await editor.getByText('Languages, translations, origins and address').click();
await editor.getByLabel('Summary language').fill('en');
await editor.getByLabel('Latitude').fill('38.9');
await editor.getByLabel('Longitude').fill('-77.03');
const translation = editor.locator('.field', { hasText: 'Translations' });
await editor.getByRole('button', { name: 'Add: translations' }).click();
await translation.getByLabel('language', { exact: true }).fill('kk-kk-kk');
await translation.getByLabel('value', { exact: true }).fill('Газаны қалпына келтіретін кеңес.');
await translation.getByLabel('kind', { exact: true }).selectOption('HUMAN');
const origin = editor.locator('.field', { hasText: 'Origins' });
await editor.getByRole('button', { name: 'Add: origins' }).click();
await origin.getByLabel('dataset', { exact: true }).fill('a-dataset');
await origin.getByLabel('key', { exact: true }).fill('council-1');
await check(editor, 'translations');
await editor.getByRole('button', { name: 'Save' }).click();
await translation.locator('[aria-invalid=true]').waitFor();
await check(editor, 'refused-in-a-row');
await translation.locator('[aria-invalid=true]').fill('kk');
await editor.getByRole('button', { name: 'Save' }).click();
await editor.getByText('Saved as revision').waitFor();
await shows(editor, 'Бейбітшілік кеңесі');
const { actor: council } = await send(`{ actor(by: { slug: "peace-council" }) {
  summaryLanguage latitude longitude names { name language script } translations { field language value kind } origins { dataset key }
} }`);
assert.deepEqual(council.names.at(-1), { name: 'Бейбітшілік кеңесі', language: 'kk', script: 'Cyrl' });
assert.deepEqual(council.translations, [{ field: 'SUMMARY', language: 'kk', value: 'Газаны қалпына келтіретін кеңес.', kind: 'HUMAN' }]);
assert.deepEqual(council.origins, [{ dataset: 'a-dataset', key: 'council-1' }]);
assert.deepEqual([council.summaryLanguage, council.latitude, council.longitude], ['en', 38.9, -77.03]);
// What a form edits, the page of the record shows.
await editor.locator('.names li').filter({ hasText: /Бейбітшілік кеңесі .*Kazakh · Cyrillic/ }).waitFor();
await editor.locator('.translations div').filter({ hasText: /Kazakh · human translation.*Газаны қалпына/i }).waitFor();
const factOf = (page, name) => page.locator('.facts > div').filter({ has: page.getByText(name, { exact: true }) }).locator('dd');
for (const [name, value] of [
  ['latitude, longitude', '38.9, -77.03'],
  ['summary language', 'English'],
  ['a-dataset', 'council-1'],
])
  assert.equal(await factOf(editor, name).textContent(), value);
await check(editor, 'actor-further');
await send(`mutation { updateTopic(input: {
  topic: { slug: "humanitarian-assistance" }, nameLanguage: "en", origins: [{ dataset: "a-dataset", key: "topic-1" }],
  names: [{ name: "Гуманитарная помощь", kind: ALIAS, language: "ru" }], identifiers: [{ scheme: "wikidata", value: "Q1234" }]
}) { userErrors { message } } }`);
await open(editor, 'topics/humanitarian-assistance');
await editor.locator('.names li').filter({ hasText: /Гуманитарная помощь .*Russian/ }).waitFor();
for (const [name, value] of [
  ['wikidata', 'Q1234'],
  ['name language', 'English'],
  ['a-dataset', 'topic-1'],
])
  assert.equal(await factOf(editor, name).textContent(), value);

// A position rests on a statement: the form begins on its page. What is deleted says what goes with it, and comes back.
await open(editor, 'new');
await heading(editor, 'Enter a record');
for (const type of ['position', 'relation', 'event', 'motion', 'division', 'vote', 'source', 'topic']) {
  await editor.locator('main').getByRole('link', { name: type }).waitFor();
}
await open(editor, 'statements/tokayev-proposes-peace-council-award');
await editor.getByRole('link', { name: 'New position' }).click();
await heading(editor, 'New position');
await editor.locator('.items').getByText('The Peace Council should have an award').waitFor();
await pick('Holder', 'donald tr');
// By keyboard, the focus stays in the field.
await editor.keyboard.press('Enter');
await pick('Holder', 'donald tr');
assert.equal(await editor.evaluate(() => document.activeElement.ariaLabel), 'Remove Donald Trump');
await editor.getByLabel('Stance').selectOption('NEUTRAL');
await pick('Topic', 'humanitarian as');
await cite();
await check(editor, 'new-position');
await editor.getByRole('button', { name: 'Save' }).click();
await editor.waitForURL(/positions\/donald-trump-neutral-humanitarian-assistance\?saved=/);
await shows(editor, 'Evidence for it');
await editor.getByRole('link', { name: 'Edit', exact: true }).click();
await heading(editor, 'Edit this position');
await pick('Evidence', 'gratitude');
await editor.locator('.items').getByText('He expressed gratitude').waitFor();
await editor.getByRole('button', { name: 'Delete this position…' }).press('Enter');
await editor.getByRole('dialog').getByText('What it lists goes with it: evidence (1), citations (1).').waitFor();
await check(editor, 'delete');
// The focus stays in the dialog, and goes back to where it came from.
for (let step = 0; step < 4; step++) {
  await editor.keyboard.press('Tab');
  const isWithin = await editor.evaluate(() => document.activeElement === document.body || document.activeElement.closest('dialog') !== null);
  assert.ok(isWithin, `after ${step + 1} steps`);
}
await editor.keyboard.press('Escape');
assert.equal(await editor.evaluate(() => document.activeElement.textContent), 'Delete this position…');
await editor.getByRole('button', { name: 'Delete this position…' }).press('Enter');
await editor.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
await editor.getByText('It was deleted, as revision').waitFor();
await editor.getByRole('button', { name: 'Undo' }).click();
await heading(editor, 'Donald Trump is neutral');

// What others refer to stays, and the dialog says what refers to it.
await open(editor, 'actors/donald-trump/edit');
await editor.getByRole('button', { name: 'Delete this actor…' }).click();
await editor.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
await editor.getByRole('dialog').getByText(/records of type Statement refer to it as `speaker`/).waitFor();
await editor.getByRole('button', { name: 'Keep it' }).click();

// A motion, its division and a vote in it are entered one from the other.
const saveNew = async (title) => {
  await editor.getByRole('button', { name: 'Save' }).click();
  await editor.getByText('Saved as revision').waitFor();
  await heading(editor, title);
};
await open(editor, 'new/motion');
await named('Name').fill('A motion to begin');
await cite();
await saveNew('A motion to begin');
await editor.getByRole('link', { name: 'New division' }).click();
await editor.locator('.picked').getByText('A motion to begin').waitFor();
await named('Name').fill('The first reading');
await cite();
await saveNew('The first reading');
await editor.getByRole('link', { name: 'New vote' }).click();
await editor.locator('.picked').getByText('The first reading').waitFor();
await pick('Actor', 'israel');
await editor.getByLabel('Choice').selectOption('ABSTAIN');
await editor.getByRole('button', { name: 'Save' }).click();
await editor.getByText('Saved as revision').waitFor();
await shows(editor, 'abstained');
const phoneEditor = await reader({ viewport: PHONE, withKey: key });
await open(phoneEditor, 'actors/kassym-jomart-tokayev/edit');
await heading(phoneEditor, 'Edit this actor');
const cut = await phoneEditor.locator('nav a').evaluateAll((links) => {
  const isCut = ({ left, right }) => left < 0 || right > innerWidth;
  return links.filter((link) => isCut(link.getBoundingClientRect())).map((link) => link.textContent);
});
assert.deepEqual(cut, [], 'all of the navigation is in sight');
await check(phoneEditor, 'edit-phone');
await open(desk, 'new/actor');
await shows(desk, 'Changes need the key of an editor.');

// The page speaks Russian.
const russian = await reader({ locale: 'ru-RU' });
await open(russian, '');
await shows(russian, '18 участников');
await check(russian, 'start-russian');

// Where reading needs a key, the page asks for one, refuses a wrong one and keeps a right one for the tab.
const asked = await reader();
await open(asked, '', closed);
await asked.getByRole('alert').getByText('This needs a key.').first().waitFor();
await check(asked, 'refused');
const entry = asked.getByLabel('Key').first();
await entry.fill('wrong');
await asked.getByRole('button', { name: 'Sign in' }).first().click();
await asked.getByText(/key is not valid|Invalid/i).first().waitFor();
await entry.fill(key);
await asked.getByRole('button', { name: 'Sign in' }).first().click();
await shows(asked, '18 actors');
await shows(asked, ', editor');
await asked.getByRole('button', { name: 'Sign out' }).click();
await asked.getByText('This needs a key.').first().waitFor();
await open(asked, 'sign-in', closed);
await heading(asked, 'Sign in');
await check(asked, 'sign-in');
await asked.getByLabel('Key').first().fill(key);
await asked.locator('main').getByRole('button', { name: 'Sign in' }).click();
await asked.waitForURL(closed);
await shows(asked, '18 actors');
assert.equal(await asked.evaluate(() => JSON.stringify(localStorage).includes(sessionStorage['dossier:key'])), false);

// Without a connection the page says so, and comes back by itself.
const offline = await reader();
await open(offline, '');
await shows(offline, '18 actors');
await open(offline, 'changes');
await offline.locator('[data-connection=live]').waitFor();
await offline.context().setOffline(true);
await offline.getByText('The server can’t be reached. What you see').waitFor();
await addTopic('missed', 'Entered meanwhile');
await check(offline, 'offline');
await offline.context().setOffline(false);
await shows(offline, 'Entered meanwhile');
await offline.getByText('The server can’t be reached. What you see').waitFor({ state: 'detached' });

await analysis({ address, key, reader, desk, open, shows, heading, view, check });

assert.deepEqual(faults, []);
await browser.close();
console.log('the explorer works');
