// Lighthouse over the pages that people see first, on a phone and on a desk. Starts the demo and Chromium by itself:
//   node measure.mjs PROGRAM CHROMIUM      (scripts/lighthouse calls it)
// Prints the scores of each page and ends with 1 when one is under 95.
import { spawn } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { once } from "node:events";
import lighthouse, { desktopConfig } from "lighthouse";
import * as launcher from "chrome-launcher";

const LEAST = 95;
const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];
const [program, chromePath, ...only] = process.argv.slice(2);

const folder = join(tmpdir(), `pulseboard-lighthouse-${process.pid}`);
const demo = spawn(program, ["demo", "--json", "--data", folder], {
  env: { ...process.env, PULSEBOARD_LISTEN: "127.0.0.1:0", PULSEBOARD_METRICS_LISTEN: "off" },
  stdio: ["ignore", "pipe", "ignore"],
});
let chrome;
let failed = false;
try {
  const { value } = await createInterface({ input: demo.stdout })[Symbol.asyncIterator]().next();
  const { url, users } = JSON.parse(value);
  const cookies = {};
  for (const role of ["staff", "network_admin"]) {
    cookies[role] = await logIn(url, users.find((user) => user.role === role));
  }
  const home = (await fetch(url, { headers: { cookie: cookies.staff } })).url;
  const pages = [
    ["log-in", `${url}/login`, null],
    ["board", home, cookies.staff],
    ["network", `${url}/network`, cookies.network_admin],
    ["admin", `${url}/admin`, cookies.network_admin],
  ].filter(([name]) => only.length === 0 || only.includes(name));
  chrome = await launcher.launch({ chromePath, chromeFlags: ["--headless", "--no-sandbox", "--disable-dev-shm-usage"] });

  console.log(`| page | device | ${CATEGORIES.join(" | ")} |\n|---|---|${"---|".repeat(CATEGORIES.length)}`);
  for (const [name, address, cookie] of pages) {
    for (const device of ["phone", "desk"]) {
      const flags = {
        port: chrome.port,
        onlyCategories: CATEGORIES,
        logLevel: "error",
        ...(cookie && { extraHeaders: { Cookie: cookie }, disableStorageReset: true }),
      };
      const { lhr } = await lighthouse(address, flags, device === "desk" ? desktopConfig : undefined);
      const scores = CATEGORIES.map((category) => Math.round(lhr.categories[category].score * 100));
      console.log(`| ${name} | ${device} | ${scores.join(" | ")} |`);
      if (scores.some((score) => score < LEAST)) {
        failed = true;
        explain(lhr);
      }
      if (process.env.LIGHTHOUSE_REPORTS) {
        writeFileSync(join(process.env.LIGHTHOUSE_REPORTS, `${name}-${device}.json`), JSON.stringify(lhr));
      }
    }
  }
} finally {
  await chrome?.kill();
  demo.kill("SIGTERM");
  await once(demo, "exit");
  rmSync(folder, { recursive: true, force: true });
}
process.exitCode = failed ? 1 : 0;

/** The cookie of somebody of the demo. */
async function logIn(url, user) {
  const answer = await fetch(`${url}/login`, {
    method: "POST",
    redirect: "manual",
    headers: { "content-type": "application/x-www-form-urlencoded", origin: url, "sec-fetch-site": "same-origin" },
    body: new URLSearchParams({ email: user.email, password: user.password, next: "" }),
  });
  const cookie = answer.headers.getSetCookie().map((one) => one.split(";")[0]).join("; ");
  if (!cookie) throw new Error(`${user.email} could not log in: ${answer.status}`);
  return cookie;
}

/** What took points from a page. */
function explain(lhr) {
  for (const category of CATEGORIES) {
    for (const { id, weight } of lhr.categories[category].auditRefs) {
      const { score, title, displayValue = "", details } = lhr.audits[id];
      if (weight > 0 && score !== null && score < 0.95) {
        const where = (details?.items ?? []).slice(0, 4).map((item) => item.node?.snippet ?? item.description ?? item.url ?? "");
        console.log(`  ${category}: ${title} ${displayValue} ${where.join(" ")}`);
      }
    }
  }
}
