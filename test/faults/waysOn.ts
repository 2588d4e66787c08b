/** The ways on from a state that a failed or killed `up` has left, each to its end, and how such states are made. */
import assert from "node:assert/strict";
import { isCordoned, type RollNode } from "../../core/node/nodeState.ts";
import type { Scene } from "./scene.ts";

export const rebuild = (count: number): string[] => ["--config", `onload-kmm:rebuild=${count}`];

export class WaysOn {
  readonly #scene: Scene;

  constructor(scene: Scene) {
    this.#scene = scene;
  }

  /** Runs `up`: it ends well, in the full state, and the next one has nothing to do. Returns what it printed. */
  async ends(...args: string[]): Promise<string> {
    const output = await this.#scene.again("up", ...args);
    await this.#scene.assertFull();
    const { exitCode, output: said, steps } = await this.#scene.stack.up("--expect-no-changes");
    assert.equal(exitCode, 0, said);
    assert.deepEqual(steps, []);
    return output;
  }

  async fails(reason: RegExp, ...args: string[]): Promise<void> {
    const { exitCode, output } = await this.#scene.stack.up(...args);
    assert.notEqual(exitCode, 0, output);
    assert.match(output, reason);
  }

  async configure(key: string, value: unknown): Promise<void> {
    const stack = await this.#scene.stack.config();
    stack.config[key] = value;
    await this.#scene.stack.configure(stack);
  }

  /** What the nodes should load, by the stack's outputs. */
  async image(): Promise<unknown> {
    return (await this.#scene.stack.outputs())["image"];
  }

  /** That this node alone is out of service. */
  async assertCordoned(node: string): Promise<void> {
    const nodes = (await this.#scene.list("nodes")) as unknown as RollNode[];
    const cordoned = nodes.filter(isCordoned).map(({ metadata }) => metadata.name);
    assert.deepEqual(cordoned, [node]);
  }

  /** A pod that no drain gets rid of, until {@link free}. */
  async keepBusy(node: string): Promise<void> {
    const metadata = { name: "busy", namespace: "default", finalizers: ["example.com/hold"] };
    const spec = { nodeName: node, containers: [{ name: "busy", image: "busy" }] };
    const pod = { apiVersion: "v1", kind: "Pod", metadata, spec };
    await this.#scene.stack.sandbox.kubectl(["create", "-f", "-"], JSON.stringify(pod));
  }

  async free(): Promise<void> {
    const patch = JSON.stringify({ metadata: { finalizers: null } });
    await this.#scene.kubectl("-n", "default", "patch", "pod", "busy", "--type=merge", "-p", patch);
    await this.#scene.kubectl("-n", "default", "delete", "pod", "busy", "--ignore-not-found", "--force");
  }
}
