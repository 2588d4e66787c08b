/** What a person in front of a terminal sees of an attended enrolment, and where else it is told. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { attend } from "@onload-kmm/sandbox/nodes/person";
import { onTerminal } from "./onTerminal.ts";
import { runScript } from "./scripts.ts";
import { startStack, type Stack } from "./stack.ts";

const node = "worker-1";

describe("attended enrolment on a terminal of 120 columns", { concurrency: false }, () => {
  let stack: Stack;

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

  test("MokManager's wait is painted as long as it lasts, told by status, and kept in the node's log", async () => {
    const person = new AbortController();
    const command = `pulumi up --yes --skip-preview --stack dev --config-file '${stack.configFile}'`;
    const running = onTerminal(command, { columns: 120, rows: 50 }, stack.sandbox.env);
    const told = await todo();
    // As long as a person may take to come: the line must still be there.
    await sleep(5_000);
    const password = (await runScript(stack, "mokPassword")).stdout.trim();
    const attending = attend({ port: await consolePort(), password: () => password, signal: person.signal });
    const { exitCode, frames, transcript } = await running;
    person.abort();
    await attending;

    assert.equal(exitCode, 0, transcript);
    assert.match(
      told,
      /^TO DO worker-1: MokManager waits on worker-1's console \(tcp:.*\): any key, "Enroll MOK".* min left$/m,
    );
    const waiting = frames.filter((frame) => /worker-1-roll .*MokManager waits/.test(frame));
    assert.ok(waiting.length >= 5, `${waiting.length} of ${frames.length} pictures:\n${frames.join("\n----\n")}`);
    const log = await readFile(join(stack.sandbox.dir, "logs/dev", `${node}.log`), "utf8");
    assert.match(log, /^\d{4}-\S+Z rollNode MokManager waits on worker-1's console .*; 30 min left$/m);
    assert.match(log, /^\d{4}-\S+Z rollNode .*worker-1: is back, key enrolled$/m);
    assert.ok(!log.includes(password));
  });

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
