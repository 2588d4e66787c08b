/** A node of the sandbox whose firmware tries a boot server first, which starts the node's kernel past shim. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { controlNode } from "../../nodes/control.ts";
import { certificate, machine, Machines, PASSWORD_HASH } from "./support.ts";

const NODE = "worker-1";

describe("the network first in the boot order", { concurrency: false }, () => {
  const key = certificate("Onload");
  let machines: Machines;
  before(async () => {
    machines = await Machines.start(machine(NODE));
    await controlNode(machines.stateDir, NODE, "bootOrder", { first: "network" });
    const asked = { certificate: key.der, "password-hash": PASSWORD_HASH };
    assert.equal((await machines.tool(NODE, "import", asked)).code, 0);
  });
  after(() => machines.stop());

  const state = async () =>
    JSON.parse((await machines.tool(NODE, "state", { certificate: key.der })).stdout) as Record<string, unknown>;
  const boot = async () => (await state())["boot"] as Record<string, unknown>;

  test("state tells it", async () => {
    const { path, ...entries } = await boot();
    assert.deepEqual(entries, { tool: true, current: "0001", first: "0003" });
    assert.match(String(path), /\\shimx64\.efi\)$/);
  });

  test("efibootmgr changes nothing but BootNext, for root, and only to an entry that there is", async () => {
    const said = async (command: string) => {
      const { code, stderr } = await machines.ssh(NODE, command);
      return [code, stderr.trim()];
    };
    assert.deepEqual(await said("efibootmgr -n 0001"), [13, "Could not set BootNext: Permission denied"]);
    assert.deepEqual(await said("sudo -n efibootmgr -n 0099"), [12, "Boot entry 99 does not exist"]);
    assert.match(String((await said("sudo -n efibootmgr -o 0001,0003"))[1]), /the sandbox knows only/);
    assert.equal(machines.get(NODE).boot.next, null);
  });

  test("the reboot into MokManager gets there all the same, by BootNext", async () => {
    const open = machines.shows(NODE, /Perform MOK management/);
    const asked = await machines.tool(NODE, "reboot", { delay: "1", timeout: "-1" });
    assert.equal((JSON.parse(asked.stdout) as Record<string, unknown>)["bootNext"], "0001");
    await open;
    assert.equal(machines.get(NODE).power, "mok-manager");
  });

  test("one that doesn't choose misses MokManager, and the request stays", async () => {
    const firmware = machines.get(NODE).firmware;
    Object.assign(firmware, { mokNew: [key], mokAuth: PASSWORD_HASH });
    const ready = machines.reports(`${NODE} ready`);
    await controlNode(machines.stateDir, NODE, "reset");
    await ready;
    assert.equal((await state())["key"], "pending");
    assert.equal((await boot())["current"], "0003");
  });
});
