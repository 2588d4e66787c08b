/** `npm run sandbox -- up`, then `npm run pulumi -- …`, as the README has it, with a sandbox in a directory of the user's. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import { onTerminal } from "./onTerminal.ts";
import { everyLine, recorded } from "./recordings.ts";

describe("the sandbox's command line and the CLI after it", { concurrency: false }, () => {
  let parent: string;
  let dir: string;

  before(async () => {
    parent = await mkdtemp(join(tmpdir(), "onload-kmm-cli-"));
    dir = join(parent, "mine");
    await run("cli", "up", "--nodes", "1");
  });
  after(async () => {
    await run("cli", "down", "--purge");
    await rm(parent, { recursive: true });
  });

  /** What npm runs, from a shell that knows of no other stack. */
  async function run(script: "cli" | "pulumi" | "demo" | "operate", ...args: string[]): Promise<string> {
    const ran = await execa(process.execPath, [`sandbox/${script}.ts`, ...args], {
      env: environment(),
      extendEnv: false,
      stdin: "ignore",
      all: true,
    });
    return ran.all;
  }

  function environment(): NodeJS.ProcessEnv {
    const kept = Object.entries(process.env).filter(([name]) => !name.startsWith("PULUMI"));
    return { ...Object.fromEntries(kept), ONLOAD_KMM_SANDBOX: dir };
  }

  /** The demo on a terminal that is so wide, from a stack without resources and past; its recording is in the docs. */
  async function demoOn(columns: number): Promise<string> {
    // Else its estimate is what this machine measured.
    await rm(join(dir, "reports"), { recursive: true, force: true });
    const command = `'${process.execPath}' sandbox/demo.ts`;
    const { exitCode, frames, transcript } = await onTerminal(command, { columns, rows: 50 }, environment());
    assert.equal(exitCode, 0, transcript);
    for (const line of transcript.split("\n")) assert.ok(line.length <= 80, line);
    assert.ok(
      frames.some((frame) => /^… worker-1: .* \d\d:\d\d$/m.test(frame)),
      "what goes on is shown meanwhile",
    );
    const choice = ["--stack", "dev", "--config-file", join(dir, "Pulumi.dev.yaml")];
    const password = (await run("operate", "scripts/mokPassword.ts", ...choice)).trim();
    assert.notEqual(password, "");
    recorded(
      `demo-${columns}`,
      transcript,
      { dir, secrets: [{ name: "MOK password", value: password }], columns },
      everyLine,
    );
    return transcript;
  }

  const configOf = async (key: string): Promise<string> => run("pulumi", "config", "get", "--path", key);

  test("preview needs no word more: the stack is there, selected, and configured for this very sandbox", async () => {
    assert.equal((await run("pulumi", "stack", "--show-name")).trim(), "dev");
    assert.equal((await configOf("onload-kmm:cluster.kubeconfig")).trim(), join(dir, "kubeconfig"));
    const output = await run("pulumi", "preview", "--non-interactive");
    assert.match(output, /worker-1-roll/);
    assert.doesNotMatch(output, /worker-2/);
  });

  test("what is configured goes into the sandbox's own file, and stays at the next up", async () => {
    const inCheckout = await readFile("Pulumi.dev.yaml", "utf8");
    await run("pulumi", "config", "set", "onload-kmm:rebuild", "7");
    const file = await readFile(join(dir, "Pulumi.dev.yaml"), "utf8");
    assert.match(file, /onload-kmm:rebuild: "7"/);
    await run("cli", "up");
    assert.equal(await readFile(join(dir, "Pulumi.dev.yaml"), "utf8"), file);
    assert.equal(await readFile("Pulumi.dev.yaml", "utf8"), inCheckout);
  });

  test("a stack that the user has selected stays selected", async (t) => {
    const other = `other-${randomUUID()}`;
    // Its configuration is in the checkout, as that of every stack but the sandbox's own.
    t.after(() => rm(`Pulumi.${other}.yaml`, { force: true }));
    await run("pulumi", "stack", "init", other);
    await run("cli", "up");
    assert.equal((await run("pulumi", "stack", "--show-name")).trim(), other);
  });

  test("the demo tells its story, ends with the nodes and with what to type next, and fits 80 columns", async () => {
    const told = await demoOn(80);
    assert.match(told, /^✔ Build: KMM compiles and signs.* \d\d:\d\d\n✔ worker-1: drained, /m);
    assert.match(told, /^ {2}1 node is drained/m);
    assert.match(told, /^ {2}worker-1 +yes +in service +trusted \(enrolled\) +[0-9a-f]{12} +sfc \S+$/m);
    assert.match(told, /^1 of 1 on OpenOnload 0\.9\.0\.1$/m);
    assert.match(told, /\nAnd now\n {2}npm run pulumi -- up /);
    const log = await readFile(join(dir, "logs", "demo.log"), "utf8");
    assert.match(log, /worker-1-roll creating .*worker-1: cordoned/);
  });

  test("the demo's cycle ends with the time of each command", async () => {
    const told = await run("demo", "--cycle");
    const times = told.slice(told.lastIndexOf("\nTime\n")).match(/^ {2}\d\d:\d\d {2}.+$/gm) ?? [];
    const commands = times.map((line) => line.replace(/^ {2}\S+ {2}/, ""));
    assert.deepEqual(commands, ["pulumi preview", ...Array<string>(3).fill("pulumi up"), "pulumi destroy", "in all"]);
    assertPlain(told);
  });

  test("on a wider terminal the demo tells the same", async () => {
    const told = await demoOn(120);
    assert.match(told, /^1 of 1 on OpenOnload 0\.9\.0\.1$/m);
  });

  test("the demo takes the sandbox away", async () => {
    await run("demo", "--clean");
    await assert.rejects(stat(dir), { code: "ENOENT" });
  });
});

/** No escape code, and no line that a terminal of 80 columns would wrap. */
function assertPlain(told: string): void {
  assert.equal(stripVTControlCharacters(told), told);
  for (const line of told.split("\n")) assert.ok(line.length <= 80, line);
}
