/** What `preview` lists is what `up` does: change by change on one stack. A rebuild is in lifecycle.test.ts. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { makeRelease } from "@onload-kmm/sandbox/release/makeRelease";
import { nextRelease, Scene } from "../faults/scene.ts";
import type { Step, StackConfig } from "./stack.ts";

const nextVersion = "0.9.0.2";

/** What a change came to: what `preview` printed, and the steps of both. */
interface Change {
  readonly shown: string;
  readonly steps: readonly string[];
}

describe("preview and up, change by change", { concurrency: false }, () => {
  let scene: Scene;
  let all: { name: string }[];

  before(async () => {
    scene = await Scene.start({
      nodes: 3,
      configure: ({ config }) => {
        all = config["onload-kmm:nodes"] as { name: string }[];
        config["onload-kmm:nodes"] = all.slice(0, 2);
      },
    });
    const { exitCode, output } = await scene.stack.up();
    assert.equal(exitCode, 0, output);
  });
  after(() => scene.end());

  /** Changes the configuration and lets both commands see it: they must come to the same, and `up` to the full state. */
  async function changed(change: (config: StackConfig["config"]) => unknown): Promise<Change> {
    const config = await scene.stack.config();
    change(config.config);
    await scene.stack.configure(config);
    const planned = await scene.stack.preview();
    assert.equal(planned.exitCode, 0, planned.output);
    const done = await scene.stack.up();
    assert.equal(done.exitCode, 0, done.output);
    const steps = listed(done.steps);
    assert.deepEqual(steps, listed(planned.steps));
    return { shown: planned.output, steps };
  }

  const list = (nodes: readonly object[]) => changed((config) => (config["onload-kmm:nodes"] = nodes));

  test("a setting: one annotation of the namespace, old and new, and no node; the next up has nothing to do", async () => {
    const { shown, steps } = await changed((config) => (config["onload-kmm:rollout"] = { drainTimeoutMinutes: 20 }));
    assert.deepEqual(steps, ["update kubernetes:core/v1:Namespace onload"]);
    assert.match(shown, /policy\.onload-kmm\.io\/rollout\.drainTimeoutMinutes: "15" => "20"/);
    const again = await scene.stack.up("--expect-no-changes");
    assert.equal(again.exitCode, 0, again.output);
  });

  test("the order of the nodes: nothing to be done", async () => {
    assert.deepEqual((await list(all.slice(0, 2).reverse())).steps, []);
  });

  test("a node held; then no longer held, while another is added; and one taken off", async () => {
    const [one, two] = all;
    const held = await list([one ?? assert.fail(), { ...two, hold: true }]);
    assert.deepEqual(of("worker-1", held.steps), []);
    const added = await list(all);
    assert.deepEqual(of("worker-1", added.steps), []);
    await scene.assertFull();
    const left = await list(all.slice(0, 2));
    assert.deepEqual([...of("worker-1", left.steps), ...of("worker-2", left.steps)], []);
    await scene.assertFull();
  });

  test("one node's kernel: its image, and that node's gate, roll and proof alone, with the kernel old and new", async () => {
    const { kernelVersion: old } = await scene.nodeInfo("worker-2");
    await scene.reboot("worker-2", nextRelease);
    const { shown, steps } = await changed(() => undefined);
    assert.deepEqual(steps, [
      "update command:local:Command module-build",
      "update command:local:Command worker-2-marks",
      "update command:local:Command worker-2-proof",
      "update command:local:Command worker-2-roll",
      "update kubernetes:kmm.sigs.x-k8s.io/v1beta1:Module module",
    ]);
    assert.match(shown, wasAndIs("kernel", old, nextRelease.kernel));
    await scene.assertRuns("worker-2", nextRelease.kernel);
    await scene.assertFull();
  });

  test("another release: its source too, with version and image old and new", async () => {
    const { moduleVersion: old, image } = await scene.stack.outputs();
    const release = await makeRelease(join(scene.stack.sandbox.dir, "next"), nextVersion);
    const { shown, steps } = await changed((config) => (config["onload-kmm:release"] = release));
    assert.ok(steps.includes("update command:local:Command source-upload"), steps.join("\n"));
    assert.deepEqual(
      rebuilt.filter((step) => !steps.includes(step)),
      [],
    );
    const now = await scene.stack.outputs();
    assert.ok(String(now["image"]).includes(`:${nextVersion}-`));
    assert.match(shown, wasAndIs("version", String(old), String(now["moduleVersion"])));
    assert.match(shown, wasAndIs("image", String(image), String(now["image"])));
    await scene.assertFull();
  });

  test("another key", async () => {
    const { steps } = await changed((config) => (config["onload-kmm:signing"] = { subject: "another signing key" }));
    assert.deepEqual(
      rebuilt.filter((step) => !steps.includes(step)),
      [],
    );
    await scene.assertFull();
  });

  test("another mode of enrolment", async () => {
    const { steps } = await changed((config) => (config["onload-kmm:enrolment"] = { mode: "console" }));
    assert.ok(steps.includes("create command:local:Command worker-1-import"), steps.join("\n"));
    await scene.assertFull();
  });
});

const rebuilt = [
  "update command:local:Command module-build",
  "update command:local:Command worker-1-proof",
  "update command:local:Command worker-1-roll",
  "update command:local:Command worker-2-proof",
  "update command:local:Command worker-2-roll",
  "update kubernetes:kmm.sigs.x-k8s.io/v1beta1:Module module",
];

/** What is done, whatever the order. */
const listed = (steps: readonly Step[]): string[] => steps.map(({ op, type, name }) => `${op} ${type} ${name}`).sort();

const of = (node: string, steps: readonly string[]): string[] => steps.filter((step) => step.includes(` ${node}`));

/** A member of a step's input in `preview --diff`, in plain. */
function wasAndIs(member: string, was: string, is: string): RegExp {
  const quote = (text: string): string => `"${text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")}"`;
  return new RegExp(`${member} *: ${quote(was)} => ${quote(is)}`);
}
