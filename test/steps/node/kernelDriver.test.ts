import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import type { MachineState } from "../../../core/node/machineState.ts";
import { connect } from "../../../steps/cluster/kubectl.ts";
import { bringKernelDriverBack } from "../../../steps/node/kernelDriver.ts";
import { NodeOutage } from "../../../steps/node/nodeOutage.ts";
import { Unreachable } from "../../../steps/node/ssh.ts";
import { StepError } from "../../../steps/lib/step.ts";
import { machine, pci } from "../../core/node/machines.ts";
import { FakeCluster } from "../fakeCluster.ts";

const nodeInfo = { bootID: "boot-1", machineID: "m", systemUUID: "s", kernelVersion: "5.14" };
const settings = { stack: "prod", node: "w1", maxParallel: 1, drain: true, drainTimeoutMinutes: 5 };

/** A machine with two ports, whose interfaces come and go with the kernel's own driver. */
class Machine {
  live: boolean;
  readonly calls: string[] = [];
  readonly #fails: { state?: Error; load?: Error };

  constructor(live: boolean, fails: { state?: Error; load?: Error } = {}) {
    this.live = live;
    this.#fails = fails;
  }

  state(): Promise<MachineState> {
    this.calls.push("state");
    if (this.#fails.state !== undefined) return Promise.reject(this.#fails.state);
    const interfaces = ["ens1", "ens2"].map((name) => ({ name, driver: "sfc", version: "5.14", firmware: null }));
    const ports = [1, 2].map(() => pci({ driver: this.live ? "sfc" : null }));
    return Promise.resolve(machine({ modules: {}, ports, interfaces: this.live ? interfaces : [] }));
  }

  loadKernelDriver(): Promise<void> {
    this.calls.push("load");
    if (this.#fails.load !== undefined) return Promise.reject(this.#fails.load);
    this.live = true;
    return Promise.resolve();
  }
}

interface Scene {
  readonly machine: Machine;
  /** The boot in which it was unloaded; absent on a node that nobody took out of service. */
  readonly unloadedIn?: string;
  readonly ready?: boolean;
}

async function bring(t: TestContext, { machine, unloadedIn, ready = true }: Scene) {
  const cluster = new FakeCluster(t);
  const conditions = [{ type: "Ready", status: ready ? "True" : "Unknown" }];
  const roll = JSON.stringify({ phase: "leave", stack: "prod", bootId: unloadedIn, since: "" });
  const annotations = unloadedIn === undefined ? {} : { "onload-kmm.io/roll": roll };
  cluster.put({ kind: "Node", metadata: { name: "w1", annotations }, status: { nodeInfo, conditions } });
  const outage = new NodeOutage(await connect(cluster.access), settings);
  // Two seconds: what isn't there at once doesn't come here.
  const context = { name: "w1", outage, machine, loadTimeoutMinutes: 2 / 60 };
  const cordoned = () =>
    (cluster.find("Node", "w1")?.["spec"] as { unschedulable?: boolean } | undefined)?.unschedulable;
  return { fit: bringKernelDriverBack(context), cordoned };
}

test("after the unload the driver is loaded, and seen", async (t) => {
  const machine = new Machine(false);
  assert.equal(await (await bring(t, { machine, unloadedIn: "boot-1" })).fit, true);
  assert.deepEqual(machine.calls, ["state", "load", "state"]);
});

test("a node in service whose driver is there isn't touched, and one that lacks it gets it without a cordon", async (t) => {
  for (const live of [true, false]) {
    const machine = new Machine(live);
    const { fit, cordoned } = await bring(t, { machine });
    assert.equal(await fit, true);
    assert.equal(cordoned(), undefined);
    assert.equal(machine.calls.includes("load"), !live);
  }
});

test("a driver that doesn't come keeps the node cordoned, with the reason and the way out", async (t) => {
  for (const unloadedIn of [undefined, "boot-1"]) {
    const machine = new Machine(false, { load: new StepError("w1: driver.sh failed on the node: no memory") });
    const { fit, cordoned } = await bring(t, { machine, ...(unloadedIn !== undefined && { unloadedIn }) });
    await assert.rejects(fit, (error: Error) => {
      assert.match(
        error.message,
        /w1 to run the kernel's own driver: not after 2 s: 2 of 2 Solarflare ports have no driver/,
      );
      assert.match(error.message, /no memory; the node stays cordoned: reboot it.*then run the same command again/);
      return error instanceof StepError;
    });
    if (unloadedIn === undefined) assert.equal(cordoned(), true);
  }
});

test("a Ready node that can't be reached isn't believed to have it, until it has booted", async (t) => {
  const away = () => new Machine(false, { state: new Unreachable("w1: no SSH connection") });
  const { fit } = await bring(t, { machine: away(), unloadedIn: "boot-1" });
  await assert.rejects(fit, /no SSH connection; the node stays cordoned: reboot it/);
  assert.equal(await (await bring(t, { machine: away(), unloadedIn: "boot-0" })).fit, false);
});

test("a port that has no driver after a boot keeps nobody: the node is let go, unfit for service", async (t) => {
  const machine = new Machine(false, { load: new StepError("nothing to load") });
  assert.equal(await (await bring(t, { machine, unloadedIn: "boot-0" })).fit, false);
});

test("a dead node leaves without a login: its boot loads the driver", async (t) => {
  const machine = new Machine(false);
  assert.equal(await (await bring(t, { machine, unloadedIn: "boot-1", ready: false })).fit, true);
  assert.deepEqual(machine.calls, []);
});

test("an error that isn't one of ours is passed on", async (t) => {
  const machine = new Machine(false, { state: new TypeError("a mistake") });
  await assert.rejects((await bring(t, { machine, unloadedIn: "boot-1" })).fit, TypeError);
});
