/** A stack under which KMM is upgraded, and what such an upgrade must leave alone. */
import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { isWrite } from "@onload-kmm/sandbox/sandbox";
import { namespace, Scene, type Thing } from "../faults/scene.ts";
import type { UnderTest } from "@onload-kmm/sandbox/test/kmm/underTest";
import { runScript } from "../stack/scripts.ts";

/** Seconds without a write of KMM's after which it has done what it had to do: many times what a round of it takes. */
const idleSeconds = 5;

/** Ours, and all of KMM's of any line, that a node bears. */
export const allMarksOn = ({ metadata }: Thing): string[] =>
  Object.keys({ ...metadata.labels, ...metadata.annotations }).filter((key) =>
    /^onload-kmm\.io\/|(^|\.)kmm\.node\.kubernetes\.io\//.test(key),
  );

/** A module in a NodeModulesConfig's spec or status, as far as KMM reloads for it: 2.5 adds its version, 2.6 tolerations. */
const loadable = (modules: unknown): unknown =>
  ((modules ?? []) as Record<string, unknown>[]).map(({ namespace, name, config, bootId }) => [
    namespace,
    name,
    config,
    bootId,
  ]);

export class UpgradedStack {
  readonly scene: Scene;

  private constructor(scene: Scene) {
    this.scene = scene;
  }

  static async start(kmm: UnderTest, nodes: number): Promise<UpgradedStack> {
    return new UpgradedStack(await Scene.start({ nodes, kmm: kmm.options }));
  }

  /** Puts a later KMM in the place of the one that runs, and gives it time for all that it does at its start. */
  async upgrade(to: UnderTest): Promise<void> {
    await this.scene.stack.sandbox.upgradeKmm(to.options);
    await this.#untilIdle();
    const versions = await this.scene.list("clusterserviceversions.operators.coreos.com", "-n", "openshift-kmm");
    assert.equal(versions.length, 1, "the older ClusterServiceVersion is gone");
  }

  /** What an upgrade of KMM must leave as it is: boots, live modules, images, what KMM has loaded and made, `npm run status`. */
  async untouchables(): Promise<unknown> {
    const nmcs = await this.scene.list("nodemodulesconfigs.kmm.sigs.x-k8s.io");
    const nodes = await Promise.all((await this.#nodes()).map((node) => this.#machine(node)));
    const known = nmcs.map(({ metadata: { uid }, spec, status }) => [
      uid,
      loadable(spec?.["modules"]),
      loadable(status?.["modules"]),
    ]);
    const { code, stdout, stderr } = await runScript(this.scene.stack, "status", "--json");
    assert.equal(code, 0, stderr);
    return { nodes, known, status: JSON.parse(stdout) as unknown, ...(await this.#made()) };
  }

  /** That `up` has nothing to do, says so in a preview, and is right. */
  async assertNothingToDo(...args: string[]): Promise<void> {
    const planned = await this.scene.stack.preview(...args);
    assert.equal(planned.exitCode, 0, planned.output);
    assert.deepEqual(planned.steps, [], planned.output);
    const { exitCode, output, steps } = await this.scene.stack.up("--expect-no-changes", ...args);
    assert.equal(exitCode, 0, output);
    assert.deepEqual(steps, []);
    await this.scene.assertFull();
  }

  /** That each node's live modules of OpenOnload bear a signature. */
  async assertSignedOnNodes(): Promise<void> {
    for (const node of await this.#nodes()) {
      const { modules } = await this.scene.machine(node);
      const ours = modules.filter(({ outOfTree }) => outOfTree);
      assert.ok(ours.length > 0, node);
      for (const { name, signer } of ours) assert.notEqual(signer, null, `${name} on ${node}`);
    }
  }

  /** That KMM builds nothing any more. */
  async assertBuildsEnded(): Promise<void> {
    const made = await this.scene.buildsMade();
    await sleep(2 * idleSeconds * 1000);
    assert.equal(await this.scene.buildsMade(), made, "KMM goes on building");
    const left = [...(await this.scene.builds("BuildImage")), ...(await this.scene.builds("SignImage"))];
    assert.deepEqual(
      left.map(({ metadata }) => metadata.name),
      [],
    );
  }

  async #nodes(): Promise<string[]> {
    return (await this.scene.list("nodes", "-l", "onload-kmm.io/stack")).map(({ metadata }) => metadata.name);
  }

  async #machine(node: string): Promise<unknown> {
    const { bootId, modules, interfaces, images } = await this.scene.machine(node);
    return { node, bootId, modules, interfaces, images: Object.keys(images).sort() };
  }

  /** How many Builds and pods KMM has made. */
  async #made(): Promise<{ builds: number; pods: number }> {
    const log = await this.scene.stack.sandbox.auditLog();
    const pods = log.filter(
      ({ verb, resource, subresource, user, code, namespace: where }) =>
        verb === "create" &&
        resource === "pods" &&
        subresource === "" &&
        where === namespace &&
        user.includes("kmm") &&
        code < 300,
    );
    return { builds: await this.scene.buildsMade(), pods: pods.length };
  }

  async #untilIdle(): Promise<void> {
    let last = -1;
    await this.scene.until("KMM to come to rest", async () => {
      const before = last;
      last = (await this.scene.stack.sandbox.auditLog()).filter(
        (entry) => entry.user.includes("kmm") && isWrite(entry),
      ).length;
      if (last === before) return true;
      await sleep(idleSeconds * 1000);
      return false;
    });
  }
}
