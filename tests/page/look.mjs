// SPDX-License-Identifier: ISC
// Looks at pages as a person with a browser does: Debian's chromium, driven by playwright-core, and axe-core's rules of
// accessibility. Reads {"base", "pages": {name: path}, "folder"} and prints what it saw of each page, in light and dark.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const asked = JSON.parse(readFileSync(0, "utf8"));
const browser = await chromium.launch({
  executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu", "--proxy-server=direct://"], timeout: 60000 });
const seen = {};

async function look(name, path, colorScheme, width) {
  const context = await browser.newContext({ colorScheme, ignoreHTTPSErrors: true, viewport: { width, height: 800 } });
  const page = await context.newPage();
  const said = [];
  page.on("console", (m) => said.push(m.text()));
  page.on("pageerror", (e) => said.push(String(e)));
  page.on("dialog", (d) => { said.push("dialog: " + d.message()); d.dismiss(); });
  const asks = [];
  page.on("request", (r) => asks.push(r.url()));
  await page.goto(asked.base + path, { timeout: 60000 });
  await page.evaluate(axe);
  const found = await page.evaluate(async () => (await window.axe.run()).violations.map((v) => ({
    id: v.id, help: v.help, nodes: v.nodes.map((n) => n.html.slice(0, 200)) })));
  const size = await page.evaluate(() => ({ wide: document.documentElement.scrollWidth, window: window.innerWidth }));
  const cookies = await context.cookies();
  await page.screenshot({ path: `${asked.folder}/${name}-${colorScheme}-${width}.png`, fullPage: true });
  await context.close();
  return { said, asks, found, size, cookies: cookies.length };
}

for (const [name, path] of Object.entries(asked.pages))
  for (const [scheme, width] of [["light", 1000], ["light", 320], ["dark", 320]])
    seen[`${name}-${scheme}-${width}`] = await look(name, path, scheme, width);
await browser.close();
console.log(JSON.stringify(seen));
