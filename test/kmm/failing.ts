/** Builds and signatures that fail under a stack, and what must hold then on every line of KMM. */
import assert from "node:assert/strict";
import { Registry } from "@onload-kmm/sandbox/openshift/registry";
import { namespace, type Scene } from "../faults/scene.ts";

export class FailingStack {
  readonly #scene: Scene;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** What an `up` says that fails. A failure that it doesn't see it would wait for until `build.timeoutMinutes`: beyond a test's limit. */
  async failingUp(...args: string[]): Promise<string> {
    const { exitCode, output } = await this.#scene.stack.up(...args);
    assert.notEqual(exitCode, 0, output);
    return output;
  }

  /** That KMM starts no Build of its own any more: none within ten seconds, many times what its next round takes. */
  async assertRoundsEnded(): Promise<void> {
    const made = await this.#scene.buildsMade();
    await new Promise((resolve) => setTimeout(resolve, 10_000));
    assert.equal(await this.#scene.buildsMade(), made, "KMM goes on building after `up` has ended");
  }

  /** The images that KMM was told to load, node by node; each is in the registry and signed. */
  async loadedImages(): Promise<string[]> {
    const registry = Registry.open(this.#scene.stack.sandbox.dir);
    const configs = await this.#scene.list("nodemodulesconfigs.kmm.sigs.x-k8s.io");
    const images = configs
      .flatMap(({ spec }) => (spec?.["modules"] ?? []) as { namespace: string; config: { containerImage: string } }[])
      .filter((entry) => entry.namespace === namespace)
      .map(({ config }) => config.containerImage);
    for (const image of images) {
      const files = Object.values(registry.resolve(image)?.files ?? {}).filter(({ kind }) => kind === "kmod");
      assert.ok(files.length > 0 && files.every(({ signer }) => signer !== undefined), `${image} is signed`);
    }
    return images;
  }
}
