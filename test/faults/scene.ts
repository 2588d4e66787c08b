/** A stack of the real program on a sandbox, with the failure switches at hand and one definition of "all is well". */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { normalizeKernel } from "../../core/build/imageTag.ts";
import { annotations, kernelModules, kmm, labels } from "../../core/names.ts";
import { controlNode } from "@onload-kmm/sandbox/nodes/control";
import type { Machine } from "@onload-kmm/sandbox/nodes/machine";
import { liveInterfaces } from "@onload-kmm/sandbox/nodes/tools/inspect";
import { Registry } from "@onload-kmm/sandbox/openshift/registry";
import type { SwitchName } from "@onload-kmm/sandbox/switches";
import { machineOf } from "../stack/cluster.ts";
import { startStack, type Proof, type Stack, type StackOptions } from "../stack/stack.ts";
import { bury, patience, start, type Victim } from "./running.ts";

export const namespace = "onload-kmm";

/** The next release's kernel, and the OS version by which KMM finds its Driver Toolkit. */
export const nextRelease = {
  kernel: "5.14.0-570.62.1.el9_6.x86_64",
  osImage: "Red Hat Enterprise Linux CoreOS 9.6.20251103-0 (Plow)",
};

/** Its Driver Toolkit (sandbox/openshift/fixtures/driverToolkit.yaml). */
export const driverToolkit =
  "quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:d7c0000000000000000000000000000000000000000000000000000000570621";

/** A Kubernetes object, loosely: tests look at few fields of many kinds. */
export interface Thing {
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Record<string, string>;
    readonly annotations?: Record<string, string>;
    readonly deletionTimestamp?: string;
  };
  readonly spec?: Record<string, unknown>;
  readonly status?: Record<string, unknown>;
}

export interface NodeInfo {
  readonly bootID: string;
  readonly kernelVersion: string;
  readonly osImage: string;
}

/** Labels and annotations of ours, and of KMM for us, that a node bears. */
export const marksOn = ({ metadata }: Thing): string[] =>
  Object.keys({ ...metadata.labels, ...metadata.annotations }).filter(
    (key) => key.startsWith("onload-kmm.io/") || key.includes(`${namespace}.onload`),
  );

export class Scene {
  readonly stack: Stack;
  readonly #orphans: number[] = [];

  private constructor(stack: Stack) {
    this.stack = stack;
  }

  static async start(options: StackOptions = { nodes: 1 }): Promise<Scene> {
    return new Scene(await startStack(options));
  }

  async end(): Promise<void> {
    bury(this.#orphans);
    await this.stack.end();
  }

  /** Sets failure switches; null takes one off. The stand-ins see them live. */
  async set(switches: Partial<Record<SwitchName, string | null>>): Promise<void> {
    await this.stack.set(switches);
  }

  kubectl(...args: string[]): Promise<string> {
    return this.stack.sandbox.kubectl(args);
  }

  async list(...args: string[]): Promise<Thing[]> {
    return (JSON.parse(await this.kubectl("get", ...args, "-o", "json")) as { items: Thing[] }).items;
  }

  async get(...args: string[]): Promise<Thing | undefined> {
    const json = await this.kubectl("get", ...args, "-o", "json", "--ignore-not-found");
    return json === "" ? undefined : (JSON.parse(json) as Thing);
  }

  /** Starts a command, waits until it prints `when`, and kills `victim`. Answers what it had printed. */
  async cut(verb: "up" | "destroy", when: RegExp, victim: Victim, ...args: string[]): Promise<string> {
    const running = start(this.stack, verb, ...args);
    const reached = await running.says(when);
    assert.ok(reached, `${verb} ended before ${String(when)}:\n${running.output}`);
    this.#orphans.push(...running.kill(victim));
    return (await running.end()).output;
  }

  /** As {@link cut}; false when the command ended before. */
  async tryCut(verb: "up" | "destroy", when: RegExp, victim: Victim, ...args: string[]): Promise<boolean> {
    const running = start(this.stack, verb, ...args);
    const reached = await running.says(when);
    if (reached) this.#orphans.push(...running.kill(victim));
    await running.end();
    return reached;
  }

  /** The same command again, after `pulumi cancel` if the CLI asks for it. */
  async again(verb: "up" | "destroy", ...args: string[]): Promise<string> {
    await this.unlock(verb);
    const { exitCode, output } = await this.stack[verb](...args);
    assert.equal(exitCode, 0, output);
    return output;
  }

  /** Removes a killed command's lock from the backend, as the CLI itself suggests. */
  async unlock(verb: "up" | "destroy"): Promise<void> {
    const asked = await this.stack.pulumi("cancel", "--yes", "--stack", "dev");
    assert.equal(asked.exitCode, 0, `${verb}: ${asked.output}`);
  }

  /** Repeats `ask` until its result is neither undefined nor false. */
  async until<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
    const deadline = Date.now() + patience * 1000;
    for (;;) {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
      if (Date.now() > deadline) throw new Error(`timed out: ${what}`);
      await sleep(200);
    }
  }

  /** What the last `up` proved, node by node. */
  async proofs(): Promise<Proof[]> {
    return this.stack.proofs();
  }

  async nodeInfo(node: string): Promise<NodeInfo> {
    const { nodeInfo } = ((await this.get("node", node))?.status ?? {}) as { nodeInfo?: NodeInfo };
    return nodeInfo ?? assert.fail(`${node} is gone`);
  }

  /** Somebody else boots the node, into another kernel if one is given; resolves when it is Ready again. */
  async reboot(node: string, next?: { readonly kernel: string; readonly osImage?: string }): Promise<void> {
    const dir = this.stack.sandbox.dir;
    const old = await this.nodeInfo(node);
    if (next !== undefined) await controlNode(dir, node, "upgrade", next);
    await controlNode(dir, node, "reset");
    await this.until(`${node} to boot`, async () => (await this.nodeInfo(node)).bootID !== old.bootID);
    await this.untilReady(node, "True");
  }

  /** The node's power fails, and stays away until {@link revive}. */
  async kill(node: string): Promise<void> {
    await this.set({ "node.never-returns": node });
    await controlNode(this.stack.sandbox.dir, node, "reset");
    await this.untilReady(node, "Unknown");
  }

  /** The node comes back, in a boot of its own. */
  async revive(node: string): Promise<void> {
    await this.set({ "node.never-returns": null });
    await this.untilReady(node, "True");
  }

  /** The Node object is deleted for good. */
  async loseNode(node: string): Promise<void> {
    await this.kubectl("delete", "node", node, "--wait=false");
    await this.until(`${node} to be gone`, async () => (await this.get("node", node)) === undefined);
  }

  machine(node: string): Promise<Machine> {
    return machineOf(this.stack.sandbox, node);
  }

  /** That the node has all its interfaces by the kernel's own drivers, and nothing of OpenOnload's is live. */
  async assertOwnDriver(node: string): Promise<void> {
    const machine = await this.machine(node);
    assert.deepEqual(
      machine.modules.filter(({ outOfTree }) => outOfTree),
      [],
      node,
    );
    assert.deepEqual(liveInterfaces(machine), machine.interfaces, node);
  }

  async untilReady(node: string, ready: "True" | "Unknown"): Promise<void> {
    await this.kubectl("wait", `node/${node}`, `--for=condition=Ready=${ready}`, `--timeout=${patience}s`);
  }

  /** That the node runs this kernel, and that its image is the one for it. */
  async assertRuns(node: string, kernel: string): Promise<void> {
    assert.equal((await this.nodeInfo(node)).kernelVersion, kernel);
    const proof = (await this.proofs()).find((each) => each.node === node);
    assert.ok(proof?.image.endsWith(`-${normalizeKernel(kernel)}`), proof?.image);
  }

  /** KMM's Builds that still exist, of one kind. */
  builds(type: "BuildImage" | "SignImage"): Promise<Thing[]> {
    return this.list("builds.build.openshift.io", "-n", namespace, "-l", `${kmm.buildTypeLabel}=${type}`);
  }

  /** How many Builds KMM has ever made. */
  async buildsMade(): Promise<number> {
    const log = await this.stack.sandbox.auditLog();
    return log.filter(
      ({ verb, resource, subresource, user, code, namespace: where }) =>
        verb === "create" &&
        resource === "builds" &&
        subresource === "" &&
        where === namespace &&
        user.includes("kmm") &&
        code < 300,
    ).length;
  }

  /** That nothing was done to the nodes: no cordon, no phase, no version. */
  async assertNodesUntouched(): Promise<void> {
    for (const { metadata, spec } of await this.list("nodes")) {
      const marks = Object.keys({ ...metadata.labels, ...metadata.annotations }).filter(
        (key) =>
          key === annotations.roll || key === annotations.cordonedBy || key === kmm.versionLabel(namespace, "onload"),
      );
      assert.deepEqual(marks, [], metadata.name);
      assert.equal(spec?.["unschedulable"], undefined, metadata.name);
    }
  }

  /** The full state: each node of the stack runs, signed, what the outputs name, and nothing is left half done. */
  async assertFull(): Promise<void> {
    const outputs = await this.stack.outputs();
    const proofs = await this.proofs();
    const nodes = await this.list("nodes", "-l", labels.stack);
    assert.deepEqual(proofs.map(({ node }) => node).sort(), nodes.map(({ metadata }) => metadata.name).sort());
    const registry = Registry.open(this.stack.sandbox.dir);
    const lines = outputs["proofs"] as Record<string, string>;
    for (const { node, state, version, image } of proofs) {
      assert.equal(state, "proven", node);
      assert.match(lines[node] ?? "", new RegExp(`^proven, OpenOnload \\S+, version ${version}, kernel `), node);
      assert.equal(version, outputs["moduleVersion"], node);
      const files = Object.values(registry.resolve(image)?.files ?? {}).filter(({ kind }) => kind === "kmod");
      const signed = files.filter(({ signer }) => signer !== undefined).map(({ module }) => module);
      assert.deepEqual(signed.sort(), [...kernelModules], `${image} is in the registry, and signed`);
      await this.#assertLoaded(node, version, image);
    }
    this.#assertNothingHalfDone(nodes);
  }

  async #assertLoaded(node: string, version: string, image: string): Promise<void> {
    const [object, nmc] = await Promise.all([
      this.get("node", node),
      this.get("nodemodulesconfigs.kmm.sigs.x-k8s.io", node),
    ]);
    const modules = nmc?.status?.["modules"] as { bootId: string; config: { containerImage: string } }[] | undefined;
    assert.equal(modules?.[0]?.config.containerImage, image, node);
    assert.equal(modules[0].bootId, (object?.status?.["nodeInfo"] as { bootID: string }).bootID, node);
    assert.equal(object?.metadata.labels?.[kmm.versionLabel(namespace, "onload")], version, node);
  }

  #assertNothingHalfDone(nodes: readonly Thing[]): void {
    for (const { metadata, spec } of nodes) {
      assert.equal(spec?.["unschedulable"], undefined, metadata.name);
      assert.equal(metadata.annotations?.[annotations.roll], undefined, metadata.name);
      assert.equal(metadata.annotations?.[annotations.cordonedBy], undefined, metadata.name);
    }
  }

  /** That nothing of the stack is left in the cluster but KMM's empty NodeModulesConfigs. */
  async assertGone(): Promise<void> {
    assert.equal(await this.get("namespace", namespace), undefined);
    for (const node of await this.list("nodes")) assert.deepEqual(marksOn(node), [], node.metadata.name);
    const leases = await this.list("leases.coordination.k8s.io", "-n", "kube-node-lease");
    assert.deepEqual(
      leases.map(({ metadata }) => metadata.name).filter((name) => name.startsWith("onload-kmm")),
      [],
    );
    await this.assertNodesUntouched();
    for (const { metadata, spec } of await this.list("nodemodulesconfigs.kmm.sigs.x-k8s.io")) {
      assert.deepEqual(spec?.["modules"] ?? [], [], metadata.name);
    }
  }
}
