// Measures the explorer in Chromium, as its budgets say: node page.mjs ADDRESS
import { chromium } from 'playwright-core';

const [address] = process.argv.slice(2);
const ROUNDS = 3;
const KIB = 1024;
const [FIRST_VIEW, SETTLED, LONG] = [250 * KIB, 3000, 50];
const ENTRIES = 10_000;

const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
});

/** A page of a reader who was never here. */
async function reader() {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: 'en-GB' });
  context.setDefaultTimeout(120_000);
  await context.addInitScript(() => {
    window.tasks = [];
    const note = (list) => list.getEntries().forEach(({ startTime, duration }) => window.tasks.push([startTime, duration]));
    new PerformanceObserver(note).observe({ type: 'longtask', buffered: true });
  });
  return context.newPage();
}

const median = (values) => values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)];
const ms = (value) => `${Math.round(value).toLocaleString('en')} ms`;
const kib = (bytes) => `${(bytes / KIB).toFixed(1)} KiB`;
const judged = (text, isGood) => (isGood ? text : `${text}, over its budget`);

/** The tasks that kept the page busy for 50 ms or more, as a text. */
async function longTasks(page, since = 0) {
  const tasks = (await page.evaluate(() => window.tasks)).filter(([start]) => start >= since).map(([, duration]) => duration);
  return { longest: Math.max(0, ...tasks), text: tasks.length === 0 ? 'none' : `${tasks.length}, longest ${ms(Math.max(...tasks))}` };
}

/**
 * Does something and says which task of the page took most of the processor meanwhile. Unlike the time on the clock, this
 * is the same whatever else runs on the machine.
 */
async function longestByProcessor(page, act) {
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline'] });
  await act();
  const { traceEvents } = JSON.parse((await browser.stopTracing()).toString());
  const main = new Set(
    traceEvents.filter(({ name, args }) => name === 'thread_name' && args.name === 'CrRendererMain').map(({ pid, tid }) => `${pid} ${tid}`),
  );
  const tasks = traceEvents.filter(({ name, pid, tid }) => name.endsWith('RunTask') && main.has(`${pid} ${tid}`));
  return Math.max(...tasks.map(({ tdur = 0 }) => tdur)) / 1000;
}

const tableOf = (head, rows) => [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');

async function ask(query) {
  const body = JSON.stringify({ query });
  const answer = await fetch(new URL('graphql', address), { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  return (await answer.json()).data;
}

const { statements } = await ask('{ statements { facets { speaker(first: 3) { value { slug } } topic(first: 2) { value { slug } } } } }');
const [most, topic] = ['speaker', 'topic'].map((name) => statements.facets[name].find(({ value }) => value).value.slug);

// What each view loads, and how soon something is seen of it.
const views = ['', 'search?q=generated', `actors/${most}`, `topics/${topic}`, 'statements', 'positions', 'timeline', `network?actor=${most}`, 'numbers', 'changes', 'new/statement'];
const chunks = new Map();
const rows = [];
for (const path of views) {
  const rounds = [];
  for (let round = 0; round < ROUNDS; round++) {
    const page = await reader();
    await page.goto(new URL(path, address).href);
    await page.locator('main h1').first().waitFor();
    await page.waitForLoadState('networkidle');
    const files = await page.evaluate(() =>
      ['navigation', 'resource']
        .flatMap((type) => performance.getEntriesByType(type))
        .filter(({ name }) => !name.includes('graphql'))
        .map(({ name, encodedBodySize }) => [new URL(name).pathname, encodedBodySize]),
    );
    const painted = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0].startTime);
    for (const [name, size] of files) if (name.includes('/assets/')) chunks.set(name.replace('/assets/', ''), size);
    const bytes = files.reduce((sum, [, size]) => sum + size, 0);
    rounds.push({ painted, bytes, ...(await longTasks(page)) });
    await page.context().close();
  }
  const bytes = rounds[0].bytes;
  const { text } = rounds.toSorted((one, other) => one.longest - other.longest)[Math.floor(ROUNDS / 2)];
  const size = path === '' ? judged(kib(bytes), bytes < FIRST_VIEW) : kib(bytes);
  rows.push([path || '(start)', ms(median(rounds.map(({ painted }) => painted))), size, text]);
}
console.log(tableOf(['view', 'first contentful paint', 'files, gzip', 'tasks over 50 ms'], rows));
const largest = [...chunks].toSorted(([, one], [, other]) => other - one);
console.log(`\n${tableOf(['file', 'gzip'], largest.filter(([, size]) => size >= KIB).map(([name, size]) => [name, kib(size)]))}`);

// 2,000 actors: from the address to the picture at rest, and from the moment that they have come.
const settled = [];
for (let round = 0; round < ROUNDS; round++) {
  const page = await reader();
  let times;
  const busiest = await longestByProcessor(page, async () => {
    await page.goto(new URL(`network?actor=${most}&depth=2&most=2000`, address).href);
    await page.locator('canvas[aria-busy=false]').waitFor();
    times = await page.evaluate(() => {
      const answers = performance.getEntriesByType('resource').filter(({ name }) => name.includes('limit%22%3A2000'));
      return { came: answers[0].responseEnd, rests: performance.now() };
    });
    // The table of ties and the rest of the page are part of it.
    await page.waitForTimeout(1000);
  });
  const label = await page.locator('canvas').getAttribute('aria-label');
  settled.push({ ...times, busiest, label, ...(await longTasks(page)) });
  await page.context().close();
}
const took = settled.toSorted((one, other) => one.rests - other.rests)[Math.floor(ROUNDS / 2)];
const worst = settled.toSorted((one, other) => other.longest - one.longest)[0];
console.log(`\nnetwork: ${took.label.split('.')[0]}
answered after ${ms(took.came)}, at rest after ${judged(ms(took.rests), took.rests < SETTLED)}: ${ms(took.rests - took.came)} from the answer on
tasks over 50 ms, worst of ${ROUNDS} rounds: ${judged(worst.text, worst.longest < LONG)}; longest by processor time ${ms(median(settled.map(({ busiest }) => busiest)))}`);

// A timeline, scrolled by wheel as fast as its entries come.
const page = await reader();
await page.goto(new URL('timeline', address).href);
await page.locator('.feed article').first().waitFor();
await page.waitForLoadState('networkidle');
await page.mouse.move(600, 500);
const [since, begun] = [await page.evaluate(() => performance.now()), Date.now()];
const busiest = await longestByProcessor(page, async () => {
  for (let last = 0; last < ENTRIES; ) {
    await page.mouse.wheel(0, 2000);
    await page.waitForTimeout(16);
    const shown = await page.locator('.feed article').evaluateAll((entries) => entries.map(({ dataset }) => Number(dataset.index)));
    last = Math.max(...shown);
  }
});
const scrolled = await longTasks(page, since);
console.log(`\ntimeline: ${ENTRIES.toLocaleString('en')} entries scrolled in ${ms(Date.now() - begun)}
tasks over 50 ms: ${judged(scrolled.text, scrolled.longest < LONG)}; longest by processor time ${ms(busiest)}`);
await browser.close();
