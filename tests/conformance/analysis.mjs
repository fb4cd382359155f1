// The views of the explorer that count and compare: positions, timeline, network, numbers.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { PHONE } from './browser.mjs';
import { numbersLead } from './numbers.mjs';

/** Uses them; `of` has what explorer.mjs has for readers and views. */
export async function analysis({ address, key, reader, desk, open, shows, heading, view, check }) {
  const enter = async (mutation) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` };
    const body = JSON.stringify({ query: `mutation { ${mutation} }` });
    const answer = await (await fetch(new URL('graphql', address), { method: 'POST', headers, body })).json();
    assert.deepEqual([answer.errors, ...Object.values(answer.data ?? {}).map((one) => one.userErrors)].flat().filter(Boolean), []);
  };

  // Somebody spoke for something and votes against it; the motion's name is as hostile as one can be.
  const citations = 'citations: [{ source: { slug: "musavat-interview-with-yury-bocharov" }, locator: "L29" }]';
  const hostile = '<script>alert(1)</script>';
  await enter(`
    createMotion(input: { slug: "a-motion", name: "${hostile}", topics: [{ slug: "kazakhstan-us-relations" }], ${citations} }) { userErrors { message } }`);
  await enter(`
    createDivision(input: { slug: "a-division", motion: { slug: "a-motion" }, name: "First reading", heldOn: "2026-03", ${citations} }) { userErrors { message } }`);
  await enter(`
    createVote(input: { slug: "a-vote", division: { slug: "a-division" }, actor: { slug: "kassym-jomart-tokayev" }, choice: AGAINST }) { userErrors { message } }`);

  // Positions: a table of actors and topics; a sign leads to its evidence, a topic to itself over time.
  await view('positions', 'positions', async (page) => {
    await heading(page, 'Who stands where');
    await page.getByRole('columnheader', { name: 'Two-state solution' }).waitFor();
    await page.getByRole('rowheader', { name: 'Kazakhstan', exact: true }).waitFor();
    await shows(page, 'Who disagrees most');
  });
  await desk.getByRole('link', { name: 'Kazakhstan supports Two-state solution: supports' }).click();
  await desk.waitForURL(/at=kazakhstan/);
  await shows(desk, 'Stances and their evidence');
  await desk.locator('.at').getByText('according to').waitFor();
  await check(desk, 'positions-evidence');
  await open(desk, 'positions?topic=kazakhstan-us-relations');
  await shows(desk, 'Said for, voted against');
  await desk.locator('.said-and-voted').getByText(hostile).waitFor();
  await desk.getByRole('columnheader', { name: 'date unknown' }).waitFor();
  await check(desk, 'positions-of-a-topic');
  await desk.getByRole('combobox', { name: 'Topics' }).fill('two-st');
  await desk.getByRole('option', { name: 'Two-state solution' }).waitFor();
  await desk.keyboard.press('Enter');
  await desk.waitForURL(/topic=kazakhstan-us-relations&topic=two-state-solution/);
  await desk.getByRole('columnheader', { name: 'Two-state solution' }).waitFor();
  await desk.getByRole('button', { name: 'Leave out Two-state solution' }).click();
  await desk.getByRole('columnheader', { name: 'Two-state solution' }).waitFor({ state: 'detached' });

  // Timeline: dates as long as they are uncertain, unknown ones apart; of one actor, in a period.
  await view('timeline', 'timeline', async (page) => {
    await heading(page, 'Timeline');
    await shows(page, 'Date unknown');
    await shows(page, 'Peace should be approached');
    await page.locator('.track .uncertain').first().waitFor();
  });
  // Only some types, which the address names.
  await desk.getByLabel('commentaries').uncheck();
  await desk.getByLabel('statements').uncheck();
  await desk.waitForURL(/type=MEETING&type=EVENT/);
  await desk.getByText('Peace should be approached').first().waitFor({ state: 'detached' });
  await shows(desk, 'working visit to the United States');
  await open(desk, 'timeline');
  await desk.getByRole('combobox', { name: 'Actor' }).fill('kazakhs');
  await desk.getByRole('option', { name: 'Kazakhstan' }).first().waitFor();
  await desk.keyboard.press('Enter');
  await desk.waitForURL(/actor=kazakhstan/);
  await desk.getByLabel('From').fill('2026-02');
  await desk.keyboard.press('Enter');
  await desk.waitForURL(/from=2026-02/);
  await shows(desk, 'There are none yet.');

  // Network: a picture that a worker lays out, and the same as a table, from which actors expand.
  const isDrawn = (page) => page.locator('canvas[aria-busy=false]').waitFor();
  await view('network', 'network?actor=kazakhstan', async (page) => {
    await heading(page, 'Who is tied to whom');
    await page.getByRole('img', { name: /^\d+ actors and \d+ ties/ }).waitFor();
    await page.getByText(/^(\d+) of \1 actors/).waitFor();
    await isDrawn(page);
  });
  const tones = await desk.locator('canvas').evaluate((canvas) => {
    // A worker draws on it, so only a copy can be looked at.
    const copy = new OffscreenCanvas(canvas.width, canvas.height).getContext('2d');
    copy.drawImage(canvas, 0, 0);
    const { data } = copy.getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
  assert.ok(tones > 20, `the picture has ${tones} tones`);
  await desk.getByRole('button', { name: 'Expand Kassym-Jomart Tokayev' }).first().click();
  await desk.waitForURL(/actor=kazakhstan&actor=kassym-jomart-tokayev/);
  await desk.getByRole('cell', { name: /^Representatives of American business/ }).first().waitFor();
  await desk.getByRole('button', { name: 'Collapse Kassym-Jomart Tokayev' }).first().click();
  await desk.getByRole('cell', { name: /^Representatives of American business/ }).first().waitFor({ state: 'detached' });
  await desk.getByLabel('relation').uncheck();
  await desk.waitForURL(/kind=CO_PARTICIPATION/);
  await desk.getByRole('cell', { name: 'President', exact: true }).first().waitFor({ state: 'detached' });

  // A path, with what shows each step; the picture as files that other programs read.
  await open(desk, 'network?from=donald-trump&to=peace-council');
  await shows(desk, 'The shortest paths');
  await desk.locator('.paths a').filter({ hasText: 'Peace Council' }).first().waitFor();
  await isDrawn(desk);
  for (const [format, begins] of [['SVG', '<svg xmlns='], ['PNG', '\x89PNG'], ['GEXF', '<?xml']]) {
    const [file] = await Promise.all([
      desk.waitForEvent('download'),
      desk.getByRole('button', { name: format, exact: true }).click(),
    ]);
    assert.equal(file.suggestedFilename(), `network.${format.toLowerCase()}`);
    const content = await readFile(await file.path(), 'latin1');
    assert.ok(content.startsWith(begins), `${format}: ${content.slice(0, 20)}`);
  }
  await open(desk, 'network');
  await shows(desk, 'Choose an actor');
  await check(desk, 'network-empty');

  // Numbers: statements by speaker and period; dates known less exactly are possible in each, and a number
  // leads to exactly the records that it counts.
  for (const [slug, saidOn] of [['said-in-a-year', '2026'], ['said-in-a-month', '2026-02']]) {
    await enter(`
      createStatement(input: { slug: "${slug}", summary: "${slug}", saidOn: "${saidOn}", medium: SPEECH, rendering: PARAPHRASE, eventType: STATEMENT, speaker: { slug: "donald-trump" }, ${citations} }) { userErrors { message } }`);
  }
  await view('numbers', 'numbers?step=month', async (page) => {
    await heading(page, 'How much, and when');
    await page.getByRole('rowheader', { name: 'Donald Trump' }).waitFor();
    await page.getByRole('columnheader', { name: 'Dec 2026' }).waitFor();
  });
  const february = desk.getByRole('row', { name: /^Donald Trump/ }).getByRole('link', { name: '2 of which 1 may belong to other periods' });
  await february.click();
  await desk.waitForURL(/statements\?speaker=donald-trump&from=2026-02&until=2026-02/);
  await shows(desk, '2 statements');
  await shows(desk, 'said-in-a-month');
  await check(desk, 'statements-of-a-number');
  for (const path of [
    'numbers',
    'numbers?by=topic&step=quarter',
    'numbers?by=topic&topic=kazakhstan-us-relations',
    'numbers?by=kind&step=month&from=2026-02&until=2026-03',
    'numbers?of=meetings&step=month',
    'numbers?of=meetings&by=topic&actor=kazakhstan',
    'numbers?of=meetings&by=kind',
  ])
    await numbersLead(desk, address, path);
  await open(desk, 'numbers');
  await desk.getByRole('combobox', { name: 'By', exact: true }).selectOption('topic');
  await desk.waitForURL(/by=topic/);
  await desk.getByRole('rowheader', { name: 'Public signals in diplomacy' }).waitFor();
  await desk.getByRole('combobox', { name: 'Count', exact: true }).selectOption('meetings');
  await desk.waitForURL(/of=meetings/);
  await desk.getByRole('rowheader', { name: 'Reconstruction of Gaza' }).waitFor();
  await check(desk, 'numbers-of-meetings');

  // On a phone, what one came for is on the first screen; what it is chosen by folds above it.
  const phone = await reader({ viewport: PHONE });
  for (const [path, what] of [
    ['network?actor=kazakhstan', 'canvas'],
    ['positions', 'table tbody tr'],
    ['timeline', '.feed article'],
    ['numbers', 'table tbody tr'],
    ['actors/peace-council', '.record .facts'],
    ['statements', 'li.entry'],
  ]) {
    await open(phone, path);
    const first = phone.locator(`main ${what}`).first();
    await first.waitFor();
    const { y } = await first.boundingBox();
    assert.ok(y < PHONE.height * 0.75, `${path} on a phone begins ${y} pixels below the top`);
  }
  await open(phone, 'network?actor=kazakhstan');
  await phone.getByText('Choose what is shown').click();
  await phone.getByLabel('relation').uncheck();
  await phone.waitForURL(/kind=CO_PARTICIPATION/);
  await check(phone, 'network-options-phone');
  // Without an actor there is nothing to see: the choices stand open.
  await open(phone, 'network');
  await phone.getByRole('combobox', { name: 'Around' }).waitFor();

  // In Russian, and on a wide screen by night.
  const wide = await reader({ locale: 'ru-RU', colorScheme: 'dark', viewport: { width: 2560, height: 1440 } });
  for (const [path, title] of [
    ['positions', 'Кто за, кто против'],
    ['timeline', 'Хроника'],
    ['network?actor=kazakhstan', 'Кто с кем связан'],
    ['numbers', 'Сколько и когда'],
  ]) {
    await open(wide, path);
    await heading(wide, title);
    await wide.locator('main :is(table, .feed)').first().waitFor();
    await check(wide, `${path.split('?')[0]}-wide-russian`);
  }

  // An actor that is chosen in the picture is told about beside it: without ties it stands alone, in the middle.
  await open(desk, 'network?actor=kazakhstan&kind=EVENT');
  await isDrawn(desk);
  await desk.locator('canvas').click();
  await desk.locator('.chosen').getByRole('link', { name: 'Kazakhstan' }).waitFor();
  await desk.getByLabel('common meeting').check();
  await desk.locator('.chosen').getByRole('link', { name: 'Kassym-Jomart Tokayev' }).waitFor();
  await check(desk, 'network-chosen');
}
