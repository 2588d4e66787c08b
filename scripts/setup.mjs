// First half of every npm script: makes a fresh clone ready, and costs a fraction of a second when it already is.
// Plain JavaScript on the built-in modules alone, because it runs before there is a node_modules, on whatever Node the
// machine has. Everything after it runs on the Node of node_modules/.bin (the npm package `node`, a dependency), which
// npm's scripts name by its path: a shell that has run one `node` doesn't look for another on PATH.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const oldestNode = 20;
const oldestGo = [1, 26];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFile = join(root, "package-lock.json");
const installedFile = join(root, "node_modules", ".package-lock.json");
const installedNode = join(root, "node_modules", ".bin", "node");

/** Prints one message for the user and ends with exit code 1. */
function fail(message) {
  process.stderr.write(`setup: ${message}\n`);
  process.exit(1);
}

function checkNode() {
  const major = Number(process.versions.node.split(".")[0]);
  if (major < oldestNode) {
    fail(`Node ${process.versions.node} is too old; install Node ${oldestNode} or later (https://nodejs.org)`);
  }
}

function checkNpm() {
  const found = spawnSync("npm", ["--version"], { encoding: "utf8" });
  if (found.status !== 0) fail("npm isn't on PATH; install it (it comes with Node)");
}

// Only a warning: with all tools of the sandbox on PATH or in the cache there is nothing to build. The toolchain
// itself refuses to build without Go. Told now, because `npm ci` and the download of Go are best waited for at once.
function warnWithoutGo() {
  const found = spawnSync("go", ["env", "GOVERSION"], { encoding: "utf8" });
  const version = /^go(\d+)\.(\d+)/.exec(found.stdout ?? "");
  const [major, minor] = [Number(version?.[1] ?? 0), Number(version?.[2] ?? 0)];
  if (major > oldestGo[0] || (major === oldestGo[0] && minor >= oldestGo[1])) return;
  const what = version ? `go ${major}.${minor} is older than ${oldestGo.join(".")}` : "go isn't on PATH";
  process.stderr.write(
    `setup: warning: ${what}; the sandbox builds its tools with Go ${oldestGo.join(".")} or later\n`,
  );
}

/** The packages of a lockfile, by their place in the tree. */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, "utf8")).packages;
}

/**
 * Whether node_modules holds what the lockfile says. npm keeps its own record of what it has installed, and writes it
 * last: after an interrupted installation it is missing or old.
 */
function isInstalled() {
  if (!existsSync(installedNode) || !existsSync(installedFile)) return false;
  const installed = packagesOf(installedFile);
  return Object.entries(packagesOf(lockFile)).every(([place, wanted]) => {
    if (place === "") return true;
    const found = installed[place];
    // Packages for other platforms.
    if (found === undefined) return wanted.optional === true || wanted.devOptional === true;
    return found.version === wanted.version && found.integrity === wanted.integrity;
  });
}

function install() {
  warnWithoutGo();
  process.stderr.write("setup: npm ci (about a minute)\n");
  // npm passes its own settings on: without --loglevel an `npm run -s` would silence this one's errors.
  const args = ["ci", "--no-audit", "--no-fund", "--loglevel=error"];
  const ran = spawnSync("npm", args, { cwd: root, stdio: ["ignore", 2, 2] });
  if (ran.status !== 0) fail("`npm ci` failed, see above; fix the cause and run the same command again");
}

checkNode();
if (!isInstalled()) {
  checkNpm();
  install();
}
