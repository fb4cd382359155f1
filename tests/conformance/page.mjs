// Uses GraphiQL in a real browser, node page.mjs ADDRESS CLOSED-ADDRESS KEY
// CLOSED-ADDRESS is a server that requires a key for reading.
import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';

const [address, closed, key] = process.argv.slice(2);
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});
const open = async (url, size = { width: 1280, height: 800 }) => {
  const context = await browser.newContext({ viewport: size });
  context.setDefaultTimeout(120_000);
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForSelector('.graphiql-execute-button');
  // Before the editor has its query, a click does nothing.
  await page.locator('.graphiql-query-editor .view-line span').first().waitFor({ state: 'attached' });
  return page;
};
const response = (page) => page.locator('.graphiql-response');
const shows = (page, text) => response(page).getByText(text).first().waitFor();
const enterKey = async (page) => {
  await page.fill('#key input', key);
  await page.press('#key input', 'Enter');
  await page.locator('#key output').getByText('editor').waitFor();
};

// Executes the operation, again if the page was not ready for a click.
const executes = async (page, text) => {
  for (let attempt = 1; ; attempt += 1) {
    await page.click('.graphiql-execute-button');
    try {
      return await response(page).getByText(text).first().waitFor({ timeout: 20_000 });
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
};

// A reload keeps the tabs as they were left, and nothing stored holds the key.
const page = await open(address);
await enterKey(page);
const tabs = page.locator('.graphiql-tab');
const count = await tabs.count();
await page.getByRole('button', { name: 'New tab' }).click();
await tabs.nth(count).waitFor();
const isStored = (tabs) => JSON.parse(localStorage.getItem('graphiql:tabState')).tabs.length === tabs;
await page.waitForFunction(isStored, count + 1);
await page.reload();
await tabs.nth(count).waitFor();
assert.equal(await tabs.count(), count + 1, 'tabs after a reload');
const stored = await page.evaluate(() => JSON.stringify(localStorage));
assert.ok(stored.includes('FollowChanges') && !stored.includes(key), 'tabs are stored without the key');

// The key is sent over WebSocket and HTTP, from every tab, and a change is shown where it is followed.
await tabs.getByText('FollowChanges').click();
await page.click('.graphiql-execute-button');
// Nothing on the page says when the subscription has begun, so changes are made until one is shown.
let isShown = false;
const shown = shows(page, /"borders-\d+"/).finally(() => (isShown = true));
for (let attempt = 1; !isShown; attempt += 1) {
  const input = `{slug: "borders-${attempt}", name: "Borders", parent: {slug: "two-state-solution"}}`;
  await fetch(new URL('graphql', address), {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${key}` },
    body: JSON.stringify({ query: `mutation { createTopic(input: ${input}) { revision } }` }),
  });
  await Promise.race([shown, page.waitForTimeout(1000)]);
}
await shown;
await tabs.getByText('EnterAStatement').click();
await executes(page, '"userErrors"');

// A link with a query and its variables opens them in a tab of their own.
const linked = await open(`${address}#${new URLSearchParams({
  query: 'query Linked($slug: String!){actor(by:{slug:$slug}){name}}',
  variables: '{"slug": "israel"}',
})}`);
await linked.locator('.graphiql-tab').getByText('Linked').waitFor();
await executes(linked, '"Israel"');

// A phone shows the response as wide as the query.
const phone = await open(address, { width: 390, height: 844 });
await executes(phone, '"data"');
const { width } = await response(phone).boundingBox();
assert.ok(width > 260, `the response is ${width} pixels wide`);

// Where reading needs a key, the documentation comes with it.
const reader = await open(closed);
await reader.getByRole('button', { name: 'Show Documentation Explorer' }).click();
await enterKey(reader);
await reader.getByText('Root Types').waitFor();
await browser.close();
console.log('the page works');
