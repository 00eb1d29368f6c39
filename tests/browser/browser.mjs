// The browser that the checks of pages drive. CHROMIUM names it; without it, the usual places are tried.
import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

export async function launch() {
  const executablePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"]
    .find((path) => path && existsSync(path));
  if (!executablePath) {
    console.error("no Chromium found: install it, or name it in CHROMIUM");
    process.exit(2);
  }
  return chromium.launch({ executablePath, args: FLAGS });
}
