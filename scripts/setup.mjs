// First half of every npm script: makes a fresh clone ready, and costs a fraction of a second when it already is.
// Plain JavaScript on the built-in modules alone, because it runs before there is a node_modules, on whatever Node the
// machine has. Everything after it runs on the Node of node_modules/.bin (the npm package `node`, a dependency), which
// npm's scripts name by its path: a shell that has run one `node` doesn't look for another on PATH.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const oldestNode = 20;
const oldestGo = [1, 26];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockFile = join(root, "package-lock.json");
const stampFile = join(root, "node_modules", ".cache", "onload-kmm-lockfile.sha256");
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

/** SHA-256 of the lockfile: what node_modules has to agree with. */
function lockfileDigest() {
  return createHash("sha256").update(readFileSync(lockFile)).digest("hex");
}

function isInstalled(digest) {
  return existsSync(installedNode) && existsSync(stampFile) && readFileSync(stampFile, "utf8").trim() === digest;
}

function install(digest) {
  warnWithoutGo();
  process.stderr.write("setup: npm ci (about a minute)\n");
  const ran = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: root, stdio: ["ignore", 2, 2] });
  if (ran.status !== 0) fail("`npm ci` failed, see above; run the same command again once the cause is mended");
  mkdirSync(dirname(stampFile), { recursive: true });
  writeFileSync(stampFile, `${digest}\n`);
}

checkNode();
const digest = lockfileDigest();
if (!isInstalled(digest)) {
  checkNpm();
  install(digest);
}
