// The views of the explorer that count and compare: positions.
import assert from 'node:assert/strict';

/** Uses them; `of` has what explorer.mjs has for readers and views. */
export async function analysis({ address, key, desk, phone, open, shows, heading, view, check }) {
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
  await desk.keyboard.press('ArrowDown');
  await desk.keyboard.press('Enter');
  await desk.waitForURL(/topic=kazakhstan-us-relations&topic=two-state-solution/);
  await desk.getByRole('columnheader', { name: 'Two-state solution' }).waitFor();
  await desk.getByRole('button', { name: 'Leave out Two-state solution' }).click();
  await desk.getByRole('columnheader', { name: 'Two-state solution' }).waitFor({ state: 'detached' });
}
