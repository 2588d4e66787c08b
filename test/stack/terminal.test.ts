/** What a person in front of a terminal sees of an attended enrolment and of a node that fails, and where else it is told. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { attend } from "@onload-kmm/sandbox/nodes/person";
import { assertStateSecrets } from "../secrets/document.ts";
import { secretsOfRun } from "../secrets/ofRun.ts";
import { secretsInState } from "../secrets/state.ts";
import { onTerminal, type Seen } from "./onTerminal.ts";
import { engineScreen, everyLine, recorded, type Masks } from "./recordings.ts";
import { runScript } from "./scripts.ts";
import { startStack, type Stack } from "./stack.ts";

const node = "worker-1";
const rows = 50;

describe("an attended enrolment and a failing node, on terminals of both widths", { concurrency: false }, () => {
  let stack: Stack;
  let masks: Omit<Masks, "columns">;

  before(async () => {
    stack = await startStack({
      nodes: 1,
      secureBoot: true,
      configure: ({ config }) => (config["onload-kmm:enrolment"] = { mode: "attended", timeoutMinutes: 30 }),
    });
  });
  after(async () => {
    await stack.end();
  });

  test("120 columns: MokManager's wait is painted as long as it lasts, told by status, and kept in the node's log", async () => {
    const { seen, told, password, picture } = await attended(120);
    assert.match(
      told,
      /^TO DO worker-1: MokManager waits on worker-1's console \(tcp:.*\): any key, "Enroll MOK".* min left$/m,
    );
    const waiting = seen.frames.filter((frame) => /worker-1-roll .*MokManager waits/.test(frame));
    assert.ok(
      waiting.length >= 5,
      `${waiting.length} of ${seen.frames.length} pictures:\n${seen.frames.join("\n----\n")}`,
    );
    const log = await readFile(join(stack.sandbox.dir, "logs/dev", `${node}.log`), "utf8");
    assert.match(log, /^\d{4}-\S+Z rollNode MokManager waits on worker-1's console .*; 30 min left$/m);
    assert.match(log, /^\d{4}-\S+Z rollNode .*worker-1: is back, key enrolled$/m);
    assert.ok(!log.includes(password));
    const shown = await stack.pulumi("stack", "export", "--show-secrets", "--stack", "dev");
    assertStateSecrets(secretsInState(shown.output), ["always", "MOK password generated"]);
    recorded("attended-120", picture, { ...masks, columns: 120 }, engineScreen);
  });

  test("80 columns: another key; Pulumi says nothing of the wait there, and status does", async () => {
    await configure("onload-kmm:signing", { subject: "another key" });
    const { seen, picture, status } = await attended(80);
    for (const frame of seen.frames) assert.doesNotMatch(frame, /worker-1-roll .*MokManager/);
    recorded("attended-80", picture, { ...masks, columns: 80 }, engineScreen);
    recorded("status-80", status, { ...masks, columns: 80 }, everyLine);
  });

  for (const columns of [120, 80]) {
    test(`${columns} columns: a node whose modules are in use fails, and the end says why and what to do`, async () => {
      await configure("onload-kmm:rollout", { loadTimeoutMinutes: 0.2 });
      await configure("onload-kmm:rebuild", 1);
      await stack.set({ "node.in-use": node });
      // The second time the same again: the node is still out, and fails as before.
      const { exitCode, transcript } = await up(columns);
      assert.equal(exitCode, 1, transcript);
      assert.match(transcript, /Module \w+ is in use/);
      recorded(`failing-${columns}`, transcript, { ...masks, columns }, engineScreen);
    });
  }

  const up = (columns: number, frames: string[] = []): Promise<Seen> => {
    const command = `pulumi up --yes --skip-preview --suppress-outputs --stack dev --config-file '${stack.configFile}'`;
    return onTerminal(command, { columns, rows }, stack.sandbox.env, frames);
  };

  /** Rolls the node; the person comes only when the screens have stood for a while. */
  async function attended(columns: number) {
    const person = new AbortController();
    const frames: string[] = [];
    const running = up(columns, frames);
    const told = await todo();
    // As long as a person may take to come: the line must still be there.
    await sleep(5_000);
    const picture = frames.at(-1) ?? assert.fail("nothing was painted");
    const password = (await runScript(stack, "mokPassword")).stdout.trim();
    assert.notEqual(password, "");
    masks = { dir: stack.sandbox.dir, secrets: await secretsOfRun(stack.sandbox, { "MOK password": password }) };
    const { stdout: status } = await runScript(stack, "status", "--columns", String(columns));
    const attending = attend({ port: await consolePort(), password: () => password, signal: person.signal });
    const seen = await running;
    person.abort();
    await attending;
    assert.equal(seen.exitCode, 0, seen.transcript);
    assert.ok(!seen.frames.some((frame) => frame.includes(password)));
    return { seen, told, password, picture, status };
  }

  async function configure(key: string, value: unknown): Promise<void> {
    const config = await stack.config();
    config.config[key] = value;
    await stack.configure(config);
  }

  /** What `npm run status` says is to be done, as soon as there is something. */
  async function todo(): Promise<string> {
    for (;;) {
      const { stdout } = await runScript(stack, "status");
      if (stdout.includes("TO DO")) return stdout;
      await sleep(1_000);
    }
  }

  async function consolePort(): Promise<number> {
    const text = await readFile(join(stack.sandbox.dir, "nodes.json"), "utf8");
    const nodes = JSON.parse(text) as { name: string; consolePort: number }[];
    return nodes.find(({ name }) => name === node)?.consolePort ?? assert.fail(text);
  }
});
