// The numbers of a table, beside the lists that they lead to.
import assert from 'node:assert/strict';

/** Asserts that numbers of a table lead to as many records as they say: so many of them, from all over the table. */
export async function numbersLead(page, address, path, most = 8) {
  await page.goto(new URL(path, address).href);
  await page.locator('a.number').first().waitFor();
  const cells = await page.locator('a.number').evaluateAll((links) => {
    const digits = (text) => Number(text.replace(/\D/g, ''));
    return links.map((link) => [link.href, digits([...link.childNodes].find(({ nodeType }) => nodeType === 3).data)]);
  });
  const apart = Math.max(1, Math.floor(cells.length / most));
  const chosen = cells.filter((_, at) => at % apart === 0 || at === cells.length - 1);
  for (const [href, number] of chosen) {
    await page.goto(href);
    const said = page.locator('.browse .section > h2').filter({ hasText: /\d/ });
    assert.equal(Number((await said.innerText()).replace(/\D/g, '')), number, `${path} leads to ${href}`);
  }
  return chosen.length;
}
