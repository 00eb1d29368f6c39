// Opens each page at three widths in both themes and fails on accessibility violations (axe-core, WCAG 2.2 A and AA),
// requests to anything but the page itself, console errors, and sideways scrolling; without scripts, too, for the last two.
//
//   npm ci && node axe.mjs report.html http://127.0.0.1:8642/metrics …
//
// A page is a file, or an address of `estimand serve`; the latter may ask for more of the same server.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "./browser.mjs";

const WIDTHS = [320, 768, 1280];
const THEMES = ["light", "dark"];
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: node axe.mjs REPORT.html|ADDRESS …");
  process.exit(2);
}

const faults = [];
const browser = await launch();
for (const file of files) {
  const url = /^http:/.test(file) ? file : pathToFileURL(resolve(file)).href;
  for (const width of WIDTHS) {
    for (const theme of THEMES) {
      await visit({ file, url, width, theme, scripts: true });
    }
    await visit({ file, url, width, theme: "light", scripts: false });
  }
}
await browser.close();

for (const fault of faults) console.error(fault);
console.log(`${files.length} pages, ${WIDTHS.length} widths, ${THEMES.length} themes: ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);

async function visit({ file, url, width, theme, scripts }) {
  const where = `${file} at ${width} px, ${theme}${scripts ? "" : ", no scripts"}`;
  // Without motion a scroll ends at once; a page still on its way back to the top would hide its controls behind the bar.
  const context = await browser.newContext({
    viewport: { width, height: 900 }, colorScheme: theme, javaScriptEnabled: scripts, reducedMotion: "reduce",
  });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const own = (asked) => asked === url || (url.startsWith("http:") && new URL(asked).origin === new URL(url).origin);
  page.on("request", (request) => {
    if (!/^(data|blob):/.test(request.url()) && !own(request.url())) faults.push(`${where}: asks for ${request.url()}`);
  });
  page.on("console", (message) => {
    // A page that says what is not there has the status of it, which browsers count as an error.
    const status = message.location().url === url && message.text().startsWith("Failed to load resource");
    if (message.type() === "error" && !status) faults.push(`${where}: console says: ${message.text().slice(0, 200)}`);
  });
  page.on("pageerror", (error) => faults.push(`${where}: throws ${error.message}`));
  await page.goto(url);
  // Scroll past every figure, so that each is drawn; without scripts no timer would ever fire.
  if (scripts) await page.evaluate(async () => {
    for (let y = 0; y < document.body.scrollHeight; y += 600) {
      scrollTo(0, y);
      await new Promise((done) => setTimeout(done, 30));
    }
    scrollTo(0, 0);
  });
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  if (wide > width) faults.push(`${where}: scrolls sideways to ${wide} px`);
  if (scripts) {
    await check(page, where);
    if (await page.locator(".more").count()) {
      await keyboard(page, where);
      await check(page, `${where}, row open`);
    }
  }
  await context.close();
}

// Through the debugger, since the page's own policy rightly keeps a foreign script out.
async function check(page, where) {
  const client = await page.context().newCDPSession(page);
  const evaluate = (expression) => client.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true });
  await evaluate(axe);
  const run = `axe.run(document, { runOnly: { type: "tag", values: ${JSON.stringify(RULES)} } })
    .then(({ violations }) => violations.map(({ id, help, nodes }) => ({ id, help, nodes: nodes.map((node) => node.target.join(" ") + " " + (node.any[0]?.message ?? "")) })))`;
  const { result, exceptionDetails } = await evaluate(run);
  if (exceptionDetails) faults.push(`${where}: axe did not run: ${exceptionDetails.text}`);
  for (const { id, help, nodes } of result.value ?? []) {
    faults.push(`${where}: ${id}: ${help} (${nodes.length}×)\n    ${nodes.slice(0, 3).join("\n    ")}`);
  }
}

// A walk without a mouse: down two rows and up one, open it, switch the scale, ask for the keys.
async function keyboard(page, where) {
  const fail = (what) => faults.push(`${where}: keyboard: ${what}`);
  await page.keyboard.press("j");
  await page.keyboard.press("j");
  await page.keyboard.press("k");
  const rows = page.locator("tbody.current");
  if ((await rows.count()) !== 1) return fail("j and k select no row");
  const more = rows.locator(".more");
  if (!(await more.evaluate((button) => button === document.activeElement))) fail("the selected row has no focus");
  await page.keyboard.press("Enter");
  if ((await more.getAttribute("aria-expanded")) !== "true") fail("Enter does not open the row");
  await page.keyboard.press("s");
  if (!page.url().includes("scale=abs")) fail("s does not switch the scale");
  await page.keyboard.press("?");
  if (!(await page.locator("#keys").evaluate((dialog) => dialog.open))) fail("? does not show the keys");
  await page.keyboard.press("Escape");
  await page.keyboard.press("s");
}
