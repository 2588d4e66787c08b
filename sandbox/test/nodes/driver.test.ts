/** The kernel's own driver on a node of the sandbox: modprobe, and the on-node tool that loads it again. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { controlNode } from "../../nodes/control.ts";
import { machine, Machines } from "./support.ts";

const NODE = "worker-1";
let machines: Machines;
before(async () => {
  machines = await Machines.start(machine(NODE));
});
after(() => machines.stop());

const state = async (): Promise<Record<string, unknown>> =>
  JSON.parse((await machines.tool(NODE, "state", {})).stdout) as Record<string, unknown>;

describe("the kernel's own driver", () => {
  const interfaces = async (): Promise<string[]> =>
    ((await state())["interfaces"] as { name: string; version: string }[]).map(
      ({ name, version }) => `${name} ${version}`,
    );
  const driver = () => machines.tool(NODE, "driver", {});

  test("goes with modprobe -r, its interfaces with it, and comes back with them by the on-node tool", async () => {
    const before = await interfaces();
    assert.deepEqual(
      before,
      ["ens1f0np0", "ens1f1np1"].map((name) => `${name} ${machines.get(NODE).kernel}`),
    );
    assert.equal((await machines.ssh(NODE, "sudo -n modprobe -r sfc")).code, 0);
    assert.deepEqual(await interfaces(), []);
    assert.deepEqual(
      ((await state())["ports"] as { driver: string | null }[]).map(({ driver }) => driver),
      [null, null],
    );
    assert.deepEqual(JSON.parse((await driver()).stdout), { before: "none", after: "in-tree" });
    assert.deepEqual(await interfaces(), before);
  });

  test("is kept by a process that has its card's flash open, which the on-node tool names", async () => {
    const users = async () => (JSON.parse((await machines.tool(NODE, "users")).stdout) as { users: unknown[] }).users;
    const start = (file: string) =>
      controlNode(machines.stateDir, NODE, "start", { name: "sfupdate", file, pod: "a1b2c3d4-e5" });
    await assert.rejects(start("/dev/onload"), /No such device/);
    await start("/dev/mtd0");
    assert.deepEqual(await users(), [{ name: "sfupdate (1001)", holds: "/dev/mtd0", pod: "a1b2c3d4-e5" }]);
    const { code, stderr } = await machines.ssh(NODE, "sudo -n modprobe -r sfc");
    assert.deepEqual([code, stderr], [1, "modprobe: FATAL: Module sfc is in use.\n"]);
    machines.store.endPod("a1b2c3d4-e5");
    assert.deepEqual(await users(), []);
    await start("/dev/mtd0");
    await controlNode(machines.stateDir, NODE, "end", { name: "sfupdate" });
    assert.equal((await machines.ssh(NODE, "sudo -n modprobe -r sfc")).code, 0);
    assert.equal((await driver()).code, 0);
  });

  test("only root may, only what the host's tree holds is found, and a switch refuses what is new", async () => {
    const said = async (command: string) => {
      const { code, stderr } = await machines.ssh(NODE, command);
      return [code, stderr.trim()];
    };
    const denied = "modprobe: ERROR: could not remove 'sfc': Operation not permitted";
    assert.deepEqual(await said("modprobe -r sfc"), [1, denied]);
    assert.deepEqual(await said("sudo -n modprobe -r onload"), [1, "modprobe: FATAL: Module onload not found."]);
    assert.match(String((await said("sudo -n modprobe onload"))[1]), /FATAL: Module onload not found in directory/);
    assert.match(String((await said("sudo -n modprobe -D sfc"))[1]), /the sandbox knows only/);
    machines.setSwitch("node.driver-fails", NODE);
    assert.deepEqual(await said("sudo -n modprobe sfc"), [0, ""]);
    await machines.ssh(NODE, "sudo -n modprobe -r sfc");
    assert.match((await driver()).stderr, /^driver: modprobe sfc: .*could not insert 'sfc': Cannot allocate memory/);
    machines.setSwitch("node.driver-fails", undefined);
    assert.equal((await driver()).code, 0);
  });
});
