// The status page in Chromium, with thirty files in every state: contrast and names by axe-core, the keyboard, narrow
// windows, a page without JavaScript, and forms of others.

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, mkdirSync, existsSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';

const { PHP, WX_TOKEN_SO, WECHAT_EMULATOR, CHROMIUM, WX_PAGE } = process.env;
const require = createRequire(path.join(WX_PAGE, 'package.json'));
const puppeteer = require('puppeteer-core');
const axe = require('axe-core');

const ROOT = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '../..');
const PATIENCE = 30_000;
const PHONE = 390;
const DESK = 1280;
const isShort = process.argv.includes('--short');

const children = [];
const cleanups = [];
let passed = 0;
let failed = 0;

/** Runs a step; what it throws is why it failed. */
async function step(name, body) {
  try {
    await body();
    passed += 1;
    console.log(`ok: ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED: ${name}: ${error.stack ?? error}`);
  }
}

function assert(holds, message) {
  if (!holds) {
    throw new Error(message);
  }
}

function assertEqual(found, expected, what) {
  assert(JSON.stringify(found) === JSON.stringify(expected), `${what}: ${JSON.stringify(found)}, not ${JSON.stringify(expected)}`);
}

async function until(condition, what) {
  for (const deadline = Date.now() + PATIENCE; ;) {
    const value = await condition();
    if (value) {
      return value;
    }
    assert(Date.now() < deadline, `waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts a program that ends with the test; returns it with what it has written so far. */
function start(command, args, options = {}) {
  const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'pipe'], ...options });
  child.text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => { child.text += data; });
  }
  child.on('error', (error) => { child.text += error; });
  children.push(child);
  return child;
}

/** PHP with the extension and the emulator's account. */
function php(settings) {
  const args = ['-n', '-d', `extension=${WX_TOKEN_SO}`, '-d', 'error_log=/dev/null', '-d', 'date.timezone=UTC'];
  for (const [name, value] of Object.entries(settings)) {
    args.push('-d', `${name}=${value}`);
  }
  return args;
}

/** The site: files, log, emulator, a process that holds a lock, one that refreshes, and the web server. */
async function openSite(directory, startServer = start) {
  const built = spawnSync(PHP, ['-n', path.join(ROOT, 'php-tests/page/fixtures.inc'), directory], { encoding: 'utf8' });
  assert(built.status === 0 && built.stdout === '30 files\n', `cannot build the files: ${built.stdout}${built.stderr}`);

  const emulator = start(WECHAT_EMULATOR, ['--exit-with-stdin']);
  const [, url] = await until(() => /listening on (http:\S+)/.exec(emulator.text), 'the emulator');
  const settings = {
    'wx_token.log': `${directory}/files/log`,
    'wx_token.api_base': url,
    'wx_token.appid': 'wx0123456789abcdef',
    'wx_token.secret': '0123456789abcdef0123456789abcdef',
  };
  const server = startServer(PHP, [...php(settings), '-S', '127.0.0.1:0', '-t', `${directory}/web`]);
  const [, place] = await until(() => /\(http:\/\/(\S+)\) started/.exec(server.text), 'the web server');

  const site = {
    place,
    page: (query = '', name = 'status.php') => `http://${place}/${name}${query}`,
    control: async (call, body) => (await fetch(`${url}/emulator/${call}`, body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) })).json(),
    fetches: async () => Object.values((await site.control('stats')).fetches).reduce((sum, count) => sum + count, 0),
    status: async (name) => {
      const all = await (await fetch(site.page('?format=json'))).json();
      return all.files.find((file) => file.file.endsWith(`/${name}`));
    },
  };

  const holding = '$f = fopen($argv[1], "r"); flock($f, LOCK_EX); fgets(STDIN);';
  start(PHP, ['-n', '-r', holding, `${directory}/files/locked.json`]);
  await until(async () => (await site.status('locked.json')).locked, 'the lock');
  await site.control('script', [{ on: 'stable_token', delay_ms: 600_000 }]);
  start(PHP, [...php({ ...settings, 'wx_token.timeout': 600, 'wx_token.log': '' }), '-r', 'wx_get_token($argv[1]);', `${directory}/files/refreshing.json`]);
  await until(async () => (await site.status('refreshing.json')).refreshing && await site.fetches() === 1, 'the refresh');
  return site;
}

async function openBrowser() {
  const browser = await puppeteer.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--force-color-profile=srgb'],
  });
  cleanups.push(() => browser.close());
  return browser;
}

/** A new page that fails the step at the next look if it runs a script, complains or loads anything from elsewhere. */
async function openPage(browser, site, { lang = 'en', scheme = 'light', width = DESK, name = 'status.php', script = true } = {}) {
  const page = await browser.newPage();
  page.complaints = [];
  page.on('dialog', (dialog) => { page.complaints.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on('pageerror', (error) => page.complaints.push(`error: ${error}`));
  page.on('console', (message) => page.complaints.push(`console: ${message.text()}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(`http://${site.place}/`) && !request.url().startsWith('data:')) {
      page.complaints.push(`request: ${request.url()}`);
    }
  });
  await page.setJavaScriptEnabled(script);
  await page.setViewport({ width, height: width === PHONE ? 844 : 900 });
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }]);
  if (name !== null) {
    await page.goto(site.page(`?lang=${lang}`, name));
  }
  return page;
}

const openDetails = (page) => page.$$eval('details', (all) => all.forEach((details) => { details.open = true; }));

/** The page as a person sees it who has this language, these colours and this width. */
async function look(browser, site, lang, scheme, width) {
  const page = await openPage(browser, site, { lang, scheme, width });
  const name = `${lang}-${scheme}-${width}`;
  await page.screenshot({ path: path.join(WX_PAGE, `${name}.png`), fullPage: true });
  assertEqual(await page.$$eval('article', (all) => all.length), 30, 'files');
  const states = new Set(await page.$$eval('.state .pill', (all) => all.map((pill) => pill.textContent)));
  assertEqual(states.size, 6, `states (${[...states]})`);
  assert((lang === 'zh') === /[\u4e00-\u9fff]/.test(await page.$eval('.headline', (it) => it.textContent)), 'the language');
  const [, dark] = await page.evaluate(() => /rgb\((\d+)/.exec(getComputedStyle(document.body).backgroundColor));
  assert((scheme === 'dark') === (Number(dark) < 128), `the ground has ${dark} of red`);

  // axe looks at each word: all details of all files take it a quarter of a minute.
  await page.$$eval('details', (all, step) => all.forEach((it, index) => { it.open = index % step === 0; }), isShort ? 6 : 1);
  await page.screenshot({ path: path.join(WX_PAGE, `${name}-details.png`), fullPage: !isShort });
  for (const each of [width, 320]) {
    await page.setViewport({ width: each, height: 844 });
    const overflow = await page.evaluate(() => {
      const wide = [...document.querySelectorAll('body *')].filter((it) => it.getBoundingClientRect().right > innerWidth + 1 && !it.closest('svg'));
      return document.scrollingElement.scrollWidth > innerWidth ? wide.map((it) => it.outerHTML.slice(0, 120)).slice(0, 3) : null;
    });
    assertEqual(overflow, null, `wider than ${each}`);
  }
  await page.setViewport({ width, height: 844 });

  await page.evaluate(axe.source);
  const { violations, passes } = await page.evaluate(() => window.axe.run({ resultTypes: ['violations'] }));
  assertEqual(violations.map((it) => `${it.id}: ${it.help}: ${it.nodes.slice(0, 3).map((node) => node.html).join(' ')}`), [], 'axe');
  assert(passes.some((it) => it.id === 'color-contrast'), 'axe did not look at contrast');
  assertEqual(page.complaints, [], 'complaints');
  await page.close();
}

/** Everything that can be clicked is reached by Tab, in the order of the page, and shows that it is. */
async function keyboard(browser, site, scheme) {
  const page = await openPage(browser, site, { scheme });
  const wanted = await page.evaluate(() => {
    window.reachable = [...document.querySelectorAll('a[href], button, summary')].filter((it) => it.checkVisibility());
    return window.reachable.length;
  });
  assert(wanted > 40, `only ${wanted} things to reach`);
  for (let index = 0; index < wanted; index += 1) {
    await page.keyboard.press('Tab');
    const focus = await page.evaluate(() => {
      const it = document.activeElement;
      const style = getComputedStyle(it);
      const box = it.getBoundingClientRect();
      return {
        index: window.reachable.indexOf(it),
        outline: style.outlineStyle === 'solid' ? parseFloat(style.outlineWidth) : 0,
        isInSight: box.width > 0 && box.top >= 0 && box.bottom <= innerHeight && box.left >= 0 && box.right <= innerWidth,
        name: it.textContent,
      };
    });
    assertEqual([focus.index, focus.outline >= 2, focus.isInSight, focus.name.trim() !== ''], [index, true, true, true], `Tab ${index + 1} (${focus.name})`);
  }
  const summary = await page.$('summary');
  await summary.focus();
  await page.keyboard.press('Enter');
  assert(await page.$eval('details', (it) => it.open), 'Enter opens no details');
  await page.close();
}

/** With the same answer of the server, the page looks the same where no script may run. */
async function withoutScript(browser, site) {
  const answer = await fetch(site.page());
  const [body, policy] = [await answer.text(), answer.headers.get('content-security-policy')];
  const shots = [];
  for (const script of [true, false]) {
    const page = await openPage(browser, site, { script, name: null });
    await page.setRequestInterception(true);
    page.on('request', (request) => (request.url().startsWith('data:') ? request.continue()
      : request.respond({ status: 200, contentType: 'text/html; charset=utf-8', headers: { 'Content-Security-Policy': policy }, body })));
    await page.goto(site.page());
    shots.push(Buffer.from(await page.screenshot({ fullPage: true })).toString('base64'));
    assertEqual(page.complaints, [], 'complaints');
    await page.close();
  }
  assert(shots[0].length > 100_000 && shots[0] === shots[1], 'it looks different');
}

async function hostile(browser, site) {
  const page = await openPage(browser, site);
  await openDetails(page);
  assertEqual(await page.$$eval('img, script, iframe, object, [onload], [onerror], [onfocus], [autofocus]', (all) => all.length), 0, 'elements of others');
  const names = await page.$$eval('h2', (all) => all.map((it) => it.textContent));
  for (const name of ['<img src=x onerror=alert(1)>.json', '" autofocus onfocus=alert(6) x=".json', 'new\\nline \\u{202e}gpj.json']) {
    assert(names.includes(name), `${name} is not a heading: ${names}`);
  }
  const text = await page.$eval('body', (it) => it.textContent);
  for (const each of ['</p><script>alert(2)</script>', '</td><script>alert(3)</script>', '"><svg onload=alert(4)>', "/srv/'><script>alert(5)</script>.php"]) {
    assert(text.includes(each), `${each} is not text`);
  }
  assert(!(await page.content()).includes('TOKENxTOKEN'), 'a token is shown');
  assertEqual(page.complaints, [], 'complaints');
  await page.close();
}

const form = (page, name) => page.evaluateHandle((wanted) => [...document.querySelectorAll('article')]
  .find((it) => it.querySelector('h2').textContent === wanted).querySelector('form'), name);

/** The button, by keyboard, where no script may run. */
async function refreshes(browser, site) {
  const page = await openPage(browser, site, { script: false });
  const before = await site.fetches();
  assertEqual((await site.status('idle.json')).state, 'expired', 'before');
  await (await (await form(page, 'idle.json')).$('button')).focus();
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  assert(/Refreshed: a new token/.test(await page.$eval('[role=status]', (it) => it.textContent)), 'the page does not say so');
  assertEqual([(await site.status('idle.json')).state, await site.fetches() - before], ['fresh', 1], 'state and fetches');
  assertEqual((await site.status('idle.json')).last_refresh.sapi, 'cli-server', 'the log');
  await page.reload();
  assertEqual([await page.$('[role=status]'), await site.fetches() - before], [null, 1], 'a reload');
  assertEqual(page.complaints, [], 'complaints');
  await page.close();
}

async function refusesForged(browser, site) {
  const before = await site.fetches();
  const page = await openPage(browser, site);
  const forged = await form(page, 'half.json');
  await forged.$eval('[name=token]', (it) => { it.value = it.value.replace(/^./, (digit) => (digit === 'a' ? 'b' : 'a')); });
  const [answer] = await Promise.all([page.waitForNavigation(), (await forged.$('button')).click()]);
  assertEqual([answer.status(), (await site.status('half.json')).state, await site.fetches() - before], [403, 'damaged', 0], 'a forged token');
  assert(/Nothing was refreshed/.test(await page.$eval('[role=status]', (it) => it.textContent)), 'the page does not say so');
  await page.close();
}

/** A form of another site, even with a true token, and the page in a frame of it. */
async function refusesOthers(browser, site) {
  const before = await site.fetches();
  const page = await openPage(browser, site);
  const [file, token] = await (await form(page, 'half.json')).$$eval('input', (all) => all.map((it) => it.value));
  const other = createServer((request, response) => {
    response.setHeader('Content-Type', 'text/html');
    response.end(`<form method="post" action="${site.page()}"><input name="file" value="${file}"><input name="token" value="${token}"><button>win</button></form>
      <iframe src="${site.page()}"></iframe>`);
  });
  await new Promise((resolve) => other.listen(0, 'localhost', resolve));
  cleanups.push(() => other.close());
  page.complaints = [];
  await page.goto(`http://localhost:${other.address().port}/`);
  const frame = page.frames().find((it) => it !== page.mainFrame());
  assert(!(await frame.content()).includes('<article'), 'the page is in a frame');
  const [answer] = await Promise.all([page.waitForNavigation(), page.click('button')]);
  assertEqual([answer.url(), answer.status(), await site.fetches() - before], [site.page(), 403, 0], 'a form of another site');
  await page.close();
}

async function readOnly(browser, site) {
  const page = await openPage(browser, site, { name: 'read-only.php' });
  assertEqual([await page.$$eval('article', (all) => all.length), await page.$$eval('form, button', (all) => all.length)], [30, 0], 'files, forms');
  assertEqual((await fetch(site.page('', 'read-only.php'))).headers.get('set-cookie'), null, 'cookie');
  await page.close();
}

async function test(directory) {
  const site = await openSite(directory);
  const browser = await openBrowser();
  const all = ['en', 'zh'].flatMap((lang) => ['light', 'dark'].flatMap((scheme) => [PHONE, DESK].map((width) => [lang, scheme, width])));
  for (const [lang, scheme, width] of isShort ? [['en', 'light', DESK], ['zh', 'dark', PHONE]] : all) {
    await step(`a look: ${lang}, ${scheme}, ${width} px`, () => look(browser, site, lang, scheme, width));
  }
  for (const scheme of isShort ? ['light'] : ['light', 'dark']) {
    await step(`the keyboard, ${scheme}`, () => keyboard(browser, site, scheme));
  }
  await step('without JavaScript it looks the same', () => withoutScript(browser, site));
  await step('hostile names, messages and log lines are text', () => hostile(browser, site));
  await step('the button refreshes, once', () => refreshes(browser, site));
  await step('a forged token is refused', () => refusesForged(browser, site));
  await step('another site can neither send the form nor frame the page', () => refusesOthers(browser, site));
  await step('no button by default', () => readOnly(browser, site));
}

/** The pictures of docs/status-page.md, with the names of a server that there might be. */
async function images(directory) {
  const named = (command, args) => start('unshare', ['--uts', 'sh', '-c', 'hostname web1 && exec "$@"', 'sh', command, ...args]);
  const site = await openSite(directory, named);
  const browser = await openBrowser();
  const folder = path.join(ROOT, 'docs/images');
  mkdirSync(folder, { recursive: true });
  for (const [lang, scheme, width, height] of [['en', 'light', DESK, 640], ['zh', 'dark', DESK, 560], ['en', 'dark', PHONE, 844], ['zh', 'light', PHONE, 844]]) {
    const page = await openPage(browser, site, { lang, scheme, width, name: 'sample.php' });
    await page.setViewport({ width, height });
    await page.screenshot({ path: path.join(folder, `status-page-${lang}-${width === PHONE ? 'phone' : 'desk'}.png`) });
    await page.close();
    passed += 1;
  }
}

const isImages = process.argv.includes('--images');
const base = isImages ? '/srv/wechat' : mkdtempSync(path.join(tmpdir(), 'wx_token-browser-'));
if (isImages && existsSync(base)) {
  console.log(`${base} exists: move it away`);
  process.exit(1);
}
try {
  mkdirSync(base, { recursive: true });
  await (isImages ? images(base) : test(base));
} catch (error) {
  failed += 1;
  console.log(`FAILED: ${error.stack}`);
} finally {
  for (const cleanup of cleanups.reverse()) {
    await cleanup();
  }
  children.forEach((child) => child.kill('SIGKILL'));
  rmSync(base, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed, 0 skipped`);
process.exit(failed === 0 ? 0 : 1);
