/** A node that repeats its answers to looks, and when it must not. */
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { machine, Machines, nodeScript } from "./support.ts";

const node = "worker-1";
const look = nodeScript("state");
let machines: Machines;

before(async () => {
  machines = await Machines.start(machine(node));
});
after(() => machines.stop());

/** What a look tells of a file that nobody but this test changes. */
async function enforced(): Promise<boolean> {
  const { code, stdout } = await machines.ssh(node, look);
  assert.equal(code, 0);
  return (JSON.parse(stdout) as { signaturesEnforced: boolean }).signaturesEnforced;
}

const change = (value: string) =>
  writeFileSync(join(machines.store.rootOf(machines.get(node)), "sys/module/module/parameters/sig_enforce"), value);

test("without the switch each look is a new one", async () => {
  assert.equal(await enforced(), true);
  change("N\n");
  writeFileSync(join(machines.store.rootOf(machines.get(node)), "sys/kernel/security/lockdown"), "[none]\n");
  assert.equal(await enforced(), false);
});

test("with it an answer is repeated until the machine's state changes; other commands run", async () => {
  machines.setSwitch("node.repeats-looks", ".");
  assert.equal(await enforced(), false);
  change("Y\n");
  assert.equal(await enforced(), false);
  assert.equal((await machines.ssh(node, "cat", "heard")).stdout, "heard");
  const target = machines.get(node);
  target.arguments.push("quiet");
  assert.equal(await enforced(), true);
  change("N\n");
  machines.setSwitch("node.repeats-looks", undefined);
  assert.equal(await enforced(), false);
});

test("a look with other input is another one, and one that fails isn't kept", async () => {
  machines.setSwitch("node.repeats-looks", ".");
  for (let time = 0; time < 2; time += 1) {
    const { code, stderr } = await machines.ssh(node, look, "nonsense=1\n");
    assert.equal(code, 2);
    assert.match(stderr, /unknown input/);
  }
});
