// Holds the top of a report to pictures of it that a person has looked at, wide and narrow, in both themes.
//
//   npm ci && node picture.mjs REPORT.html NAME            compares with NAME-WIDTH-THEME.png beside this file
//   npm ci && node picture.mjs REPORT.html NAME --accept   takes new pictures; look at them before they are committed
//
// Another version of the browser or of its fonts draws other edges, and the run's id changes with the build, so a few pixels may
// differ; a row more may not.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import pixelmatch from "pixelmatch";
import { PNG } from "pngjs";
import { launch } from "./browser.mjs";

const SIZES = [{ width: 1280, height: 1150 }, { width: 390, height: 1500 }];
const THEMES = ["light", "dark"];
// The share of pixels that may differ by more than anti-aliasing explains.
const MOST = 0.02;

const [report, name, accept] = process.argv.slice(2);
if (!report || !name) {
  console.error("usage: node picture.mjs REPORT.html NAME [--accept]");
  process.exit(2);
}

const faults = [];
const browser = await launch();
for (const { width, height } of SIZES) {
  for (const theme of THEMES) {
    const context = await browser.newContext({ viewport: { width, height }, colorScheme: theme, deviceScaleFactor: 1 });
    const page = await context.newPage();
    await page.goto(pathToFileURL(resolve(report)).href);
    const taken = await page.screenshot({ clip: { x: 0, y: 0, width, height } });
    await context.close();
    compare(join(dirname(fileURLToPath(import.meta.url)), `${name}-${width}-${theme}.png`), taken);
  }
}
await browser.close();
for (const fault of faults) console.error(fault);
console.log(`${SIZES.length * THEMES.length} pictures of ${name}: ${faults.length} faults`);
process.exit(faults.length === 0 ? 0 : 1);

function compare(path, taken) {
  if (accept === "--accept") return writeFileSync(path, taken);
  if (!existsSync(path)) return faults.push(`${path} is missing: take it with --accept, and look at it`);
  const [known, now] = [PNG.sync.read(readFileSync(path)), PNG.sync.read(taken)];
  if (known.width !== now.width || known.height !== now.height) {
    return faults.push(`${path}: now ${now.width} × ${now.height}, was ${known.width} × ${known.height}`);
  }
  const difference = new PNG({ width: now.width, height: now.height });
  const differing = pixelmatch(known.data, now.data, difference.data, now.width, now.height, { threshold: 0.2 });
  const share = differing / (now.width * now.height);
  if (share > MOST) {
    const beside = path.replace(/\.png$/, ".now.png");
    writeFileSync(beside, taken);
    faults.push(`${path}: ${(100 * share).toFixed(1)} % of the pixels differ; what is drawn now is in ${beside}`);
  }
}
