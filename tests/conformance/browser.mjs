// Readers in a real browser, for the scripts that use the explorer.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { chromium } from 'playwright-core';

export const DESK = { width: 1280, height: 800 };
export const PHONE = { width: 390, height: 844 };
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** Lines of 60 to 75 characters are easy to read; narrow letters make more of them fit, most of all in a single line. */
const LONGEST_LINE = 82;
const LONGEST_SINGLE_LINE = 100;

/** Paragraphs whose lines have more characters than can be read easily. */
const longLines = `[...document.querySelectorAll('main p')].filter((paragraph) => {
  const range = document.createRange();
  range.selectNodeContents(paragraph);
  const { height } = range.getBoundingClientRect();
  const lines = Math.max(1, Math.round(height / parseFloat(getComputedStyle(paragraph).lineHeight)));
  return height > 0 && paragraph.textContent.length / lines > (lines > 1 ? ${LONGEST_LINE} : ${LONGEST_SINGLE_LINE});
}).map((paragraph) => paragraph.textContent)`;

export const launch = () =>
  chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  });

/**
 * Starts a browser for servers at these addresses. `screenshots` is a folder for pictures of views. Faults are requests to
 * other hosts, exceptions, what the policy of the page forbids and, if it `isStrict`, all errors in the console.
 */
export async function start({ addresses, screenshots, isStrict = false }) {
  mkdirSync(screenshots, { recursive: true });
  const browser = await launch();
  const faults = [];
  const hosts = new Set(addresses.map((one) => new URL(one).host));

  // Where a check fails, a picture shows what every reader saw.
  const pages = [];
  process.on('uncaughtException', async (error) => {
    console.error(error, faults);
    const pictures = pages.map((page, at) => page.screenshot({ path: `${screenshots}/failed-${at}.png` }));
    await Promise.allSettled(pictures);
    process.exit(1);
  });

  /** A reader with a browser of their own. */
  async function reader({ viewport = DESK, colorScheme = 'light', locale = 'en-GB', withKey } = {}) {
    const context = await browser.newContext({ viewport, colorScheme, locale, reducedMotion: 'reduce' });
    context.setDefaultTimeout(Number(process.env.PATIENCE ?? 30_000));
    if (withKey) await context.addInitScript((key) => sessionStorage.setItem('dossier:key', key), withKey);
    const page = await context.newPage();
    pages.push(page);
    page.on('request', (request) => {
      const { protocol, host } = new URL(request.url());
      if (!['data:', 'blob:'].includes(protocol) && !hosts.has(host)) faults.push(`a request to ${request.url()}`);
    });
    page.on('pageerror', (error) => faults.push(`${page.url()}: ${error.stack ?? error}`));
    page.on('console', (message) => {
      const isFault = /Content.Security.Policy/i.test(message.text()) || (isStrict && message.type() === 'error');
      if (isFault) faults.push(`${page.url()}: ${message.text()}`);
    });
    return page;
  }

  /** Checks a view that is shown: that everybody can use it, that it fits the screen; and keeps a picture of it. */
  async function check(page, name) {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }));
    const found = violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join('\n  ')}`);
    assert.equal(found.join('\n'), '', `${name} for everybody`);
    const beyond = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
    assert.ok(beyond <= 0, `${name} is ${beyond} pixels wider than the screen`);
    const lines = await page.evaluate(longLines);
    assert.deepEqual(lines, [], `${name} has lines of at most ${LONGEST_LINE} characters`);
    await page.screenshot({ path: `${screenshots}/${name}.png` });
  }

  return { browser, faults, hosts, reader, check };
}
