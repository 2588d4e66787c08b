/** What counts as proof, in this process; test/steps/proveNode.test.ts runs the step itself. */
import assert from "node:assert/strict";
import { mock, test } from "node:test";
import type { NodeProof } from "../../../core/contracts/proveNode.ts";
import { Kubectl } from "../../../steps/cluster/kubectl.ts";
import { liveBy } from "../../../steps/lib/clock.ts";
import { prove } from "../../../steps/node/proof.ts";
import { kernel, live, machine } from "../../core/node/machines.ts";
import { answer } from "../fakeKubectl/kubectl.ts";
import type { Store, Stored } from "../fakeKubectl/store.ts";
import { VirtualClock } from "../virtualClock.ts";
import {
  clusterObjects,
  gate,
  imageOf,
  target,
  type Mode,
  type ModulesConfig,
  type NodeObject,
} from "./phases/objects.ts";

liveBy(new VirtualClock());
const told = mock.method(process.stderr, "write", () => true);
const lines = () => told.mock.calls.map(({ arguments: [text] }) => String(text)).join("");

const access = { kubeconfig: "memory", context: "fake", id: "uid-kube-system" };
const identity = { name: "w1", uid: "uid-w1", machineId: "m", systemUuid: "s", kernel };

/** A node that runs `v1`, and how it is proven. */
class Given {
  readonly objects: Stored[];
  machine = machine({ bootId: "boot-1" });
  /** Called before each of kubectl's calls. */
  called: (args: readonly string[]) => void = () => undefined;
  readonly #calls: (readonly string[])[] = [];

  constructor(mode: Mode = "attended") {
    this.objects = clusterObjects({ mode, runs: "v1" });
  }

  get node(): NodeObject {
    return this.#named("Node") as NodeObject;
  }

  get nmc(): ModulesConfig {
    return this.#named("NodeModulesConfig") as unknown as ModulesConfig;
  }

  /** What kubectl was asked for, without options. */
  get asked(): string[] {
    return this.#calls.map((args) => args.slice(4).join(" "));
  }

  prove(): Promise<NodeProof> {
    const store: Store = { objects: this.objects, faults: [], raw: new Map(), calls: [], held: [] };
    const kubectl = new Kubectl(access, 600, (args, input) => {
      this.called(args);
      this.#calls.push(args);
      const { code, text } = answer(store, args, Buffer.from(input ?? ""));
      return Promise.resolve(code === 0 ? { code, stdout: text, stderr: "" } : { code, stdout: "", stderr: text });
    });
    told.mock.resetCalls();
    return prove(
      { node: identity, module: target },
      { kubectl, machine: { state: () => Promise.resolve(this.machine) } },
    );
  }

  setReady(status: string): void {
    this.node.status.conditions = [{ type: "Ready", status }];
  }

  #named(kind: string): Stored | undefined {
    return this.objects.find((each) => each.kind === kind);
  }
}

test("a node that runs what this stack built is proven, by its Node, KMM's account and the machine's, which are only read", async () => {
  const given = new Given();
  const module = { version: "6.1.0.1009", signers: ["Example Corp"] };
  assert.deepEqual(await given.prove(), {
    node: "w1",
    secureBoot: "enabled",
    key: "enrolled",
    kernel,
    cards: [{ pci: "0000:3b:00.0", part: "X2522", serial: "****1152", firmware: "8.4.0.1003" }],
    state: "proven",
    bootId: "boot-1",
    image: imageOf("v1"),
    version: "v1",
    modules: { onload: module, sfc: module, sfc_char: module, sfc_resource: module },
    interfaces: [{ name: "ens1", driver: "sfc", version: "6.1.0.1009" }],
  });
  assert.ok(given.asked.length >= 3);
  assert.deepEqual(
    given.asked.filter((call) => !call.startsWith("get ")),
    [],
  );
});

test("a module that tells no version, or is unsigned by a kernel that checks nothing, is said to be so", async () => {
  const given = new Given();
  const silent = live({ version: null, signers: [] });
  given.machine = machine({ secureBoot: "disabled", modules: { ...machine().modules, sfc_char: silent } });
  const { modules } = await given.prove();
  assert.deepEqual(modules?.["sfc_char"], { version: null, signers: [] });
});

test("in operator mode a node that doesn't trust the key yet is pending, whatever runs on it", async () => {
  const given = new Given("operator");
  given.machine = machine({ bootId: "boot-1", key: "pending" });
  const { state, key, bootId } = await given.prove();
  assert.deepEqual({ state, key, bootId }, { state: "pending", key: "pending", bootId: undefined });
  assert.match(lines(), /w1: pending, key pending\n$/);
});

test("in any other mode it isn't pending: what runs on it is proof enough, or none", async () => {
  const given = new Given("attended");
  given.machine = machine({ key: "pending", modules: { ...machine().modules, onload: live({ unsigned: true }) } });
  await assert.rejects(given.prove(), { id: "OKMM-PROOF-FAILED", message: /onload is not signed by a trusted key/ });
});

test("in operator mode a node that trusts the key must be proven, too", async () => {
  const given = new Given("operator");
  given.machine = machine({ modules: { ...machine().modules, sfc: live({ outOfTree: false }) } });
  await assert.rejects(given.prove(), {
    message: /^w1: not proven: sfc is the kernel's own, not OpenOnload's;/,
  });
});

const unproven: [what: string, change: (given: Given) => void, reason: RegExp][] = [
  [
    "whose label names another version",
    ({ node }) => (node.metadata.labels = { [gate]: "v0" }),
    /^w1: not proven: the node's version label is v0, not v1; run `pulumi up` again/,
  ],
  [
    "for which KMM reports nothing",
    ({ nmc }) => (nmc.status.modules = []),
    /^w1: not proven: KMM reports no loaded module;/,
  ],
  [
    "that has booted since the modules were loaded",
    ({ node }) => (node.status.nodeInfo["bootID"] = "boot-2"),
    /^w1: not proven: the module was loaded before the node's last boot;/,
  ],
  [
    "on which a module lacks a signature that its kernel trusts",
    (given) => (given.machine = machine({ modules: { ...machine().modules, onload: live({ unsigned: true }) } })),
    /^w1: not proven: onload is not signed by a trusted key;/,
  ],
  [
    "on which a module isn't live, whatever KMM reports",
    (given) => (given.machine = machine({ modules: { ...machine().modules, sfc_char: null } })),
    /^w1: not proven: sfc_char is not live;/,
  ],
  [
    "of which several things are missing",
    (given) => {
      given.nmc.status.modules = [];
      given.machine = machine({ modules: { ...machine().modules, sfc_char: null } });
    },
    /^w1: not proven: KMM reports no loaded module; sfc_char is not live;/,
  ],
  [
    "that runs another kernel than when the run began",
    ({ node }) => (node.status.nodeInfo["kernelVersion"] = "5.14.0-2.el9.x86_64"),
    /^w1 changed since this run began: kernel 5\.14\.0-2\.el9\.x86_64 instead of 5\.14\.0-570\.49\.1\.el9_6\.x86_64;/,
  ],
  [
    "that is another machine under the same name",
    ({ node }) => Object.assign(node.status.nodeInfo, { machineID: "m2", systemUUID: "s2" }),
    /^w1 changed since this run began: machine ID m2 instead of m, system UUID s2 instead of s;/,
  ],
  [
    "whose Node was made anew",
    ({ node }) => (node.metadata.uid = "uid-2"),
    /^w1 changed since this run began: Node object uid-2 instead of uid-w1;/,
  ],
  [
    "that isn't Ready, and doesn't become so",
    (given) => given.setReady("Unknown"),
    /timed out after 60 s waiting for w1, to be proven: the node isn't Ready;/,
  ],
];
for (const [what, change, reason] of unproven) {
  test(`a node ${what}, is not proven`, async () => {
    const given = new Given();
    change(given);
    await assert.rejects(given.prove(), { message: reason });
  });
}

test("a node whose heartbeat is late is waited for", async () => {
  const given = new Given();
  given.setReady("Unknown");
  given.called = () => {
    if (given.asked.filter((call) => call.startsWith("get nodes w1")).length > 2) given.setReady("True");
  };
  assert.equal((await given.prove()).state, "proven");
  assert.match(lines(), /waiting for w1, to be proven: the node isn't Ready\n[^]*w1: proven, version v1\n$/);
});

test("a node that is gone is told as such, and not waited for", async () => {
  const given = new Given();
  // Under its own name there is no Node any more.
  given.node.metadata.name = "w2";
  await assert.rejects(given.prove(), {
    id: "OKMM-NODE-GONE",
    message: "w1: the node is gone; remove it from onload-kmm:nodes, or let it join, and run again",
  });
  assert.equal(given.asked.filter((call) => call.startsWith("get nodes w1")).length, 1);
});
