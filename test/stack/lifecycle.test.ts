/** The main job, through the real engine on a real API server: up, up again, rebuild, destroy. One stack, in this order. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { kmm, labels } from "../../core/names.ts";
import { controlNode } from "@onload-kmm/sandbox/nodes/control";
import { liveInterfaces } from "@onload-kmm/sandbox/nodes/tools/inspect";
import { Registry } from "@onload-kmm/sandbox/openshift/registry";
import { clusterObjects, machineOf, writesBy } from "./cluster.ts";
import { startStack, type Stack } from "./stack.ts";

const workers = ["worker-1", "worker-2", "worker-3"];
const versionLabel = kmm.versionLabel("onload-kmm", "onload");

describe("one stack's life", { concurrency: false }, () => {
  let stack: Stack;
  let untouched: Set<string>;

  before(async () => {
    stack = await startStack();
    untouched = await clusterObjects(stack.sandbox);
  });
  after(async () => {
    await stack.end();
  });

  test("preview plans every resource and changes nothing", async () => {
    const before = await stack.sandbox.auditLog();
    const { exitCode, output, steps } = await stack.preview();

    assert.equal(exitCode, 0, output);
    assert.match(output, /What will happen to the nodes:\n\s+- \d nodes are drained/);
    const created = steps.filter(({ op }) => op === "create").map(({ name }) => name);
    for (const node of workers) {
      for (const part of ["select", "claim", "roll", "proof"]) assert.ok(created.includes(`${node}-${part}`), part);
    }
    assert.deepEqual(writesBy("admin", (await stack.sandbox.auditLog()).slice(before.length)), []);
    assert.deepEqual(await clusterObjects(stack.sandbox), untouched);
  });

  test("up ends with the built modules loaded on every node, and says so in the outputs", async () => {
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);

    const outputs = await stack.outputs();
    const proofs = await stack.proofs();
    assert.deepEqual(
      proofs.map(({ node }) => node),
      workers,
    );
    const lines = outputs["proofs"] as Record<string, string>;
    assert.deepEqual(Object.keys(lines), workers);
    for (const { node, kernel, version, image } of proofs) {
      assert.equal(lines[node], `proven, OpenOnload 0.9.0.1, version ${version}, kernel ${kernel}, key not needed`);
      assert.equal(version, outputs["moduleVersion"]);
      assert.match(image, /\/onload-kmm\/onload-kmod:0\.9\.0\.1-[0-9a-f]{12}-5\.14\.0-570\.49\.1\.el9_6\.x86_64$/);
    }
    assert.deepEqual(await cordoned(), []);
    const source = sourceLabels();
    assert.match(source["onload-kmm.io/srpm-sha256"] ?? "", /^[0-9a-f]{64}$/);
    assert.deepEqual(
      [source["org.opencontainers.image.title"], source["org.opencontainers.image.version"]],
      ["onload-0.9.0.1-1.src.rpm", "0.9.0.1"],
    );
  });

  test("a second up changes nothing and writes nothing, and its outputs show a card's new firmware", async () => {
    await controlNode(stack.sandbox.dir, "worker-2", "cardFirmware", { version: "8.5.0.1002 rx1 tx1" });
    const before = (await stack.sandbox.auditLog()).length;
    const { exitCode, output, steps } = await stack.up("--expect-no-changes");

    assert.equal(exitCode, 0, output);
    assert.deepEqual(steps, []);
    assert.deepEqual(writesBy("admin", (await stack.sandbox.auditLog()).slice(before)), []);
    const proofs = await stack.proofs();
    const firmware = proofs.map(({ cards }) => [...new Set(cards.map((card) => card.firmware))].join());
    assert.deepEqual(firmware, ["8.4.0.1003 rx1 tx1", "8.5.0.1002 rx1 tx1", "8.4.0.1003 rx1 tx1"]);
    for (const { part, serial } of proofs.flatMap(({ cards }) => cards)) {
      assert.equal(part, "X2522");
      assert.match(serial, /^\*{4}\d{4}$/);
    }
  });

  test("preview of a forced rebuild shows the Module, its build, and each node's roll and proof, and nothing else", async () => {
    const { exitCode, output, steps } = await stack.preview("--config", "onload-kmm:rebuild=1");

    assert.equal(exitCode, 0, output);
    assert.deepEqual(steps.map(({ op, name }) => `${op} ${name}`).sort(), rebuildSteps);
    const names = workers.join(", ");
    const drained = `${workers.length} nodes are drained, the canary first, then at most 1 at a time: ${names}.`;
    assert.ok(output.includes(drained), output);
    assert.match(output, /OpenOnload: 0\.9\.0\.1 again on 3 nodes\.\n.*1 image is built: for \S+ \(3 nodes\)\.\n/);
    assert.match(output, /About .*, the median of 3 nodes before, and the builds before that\./);
    assert.doesNotMatch(output, /rebooted/);
  });

  test("the forced rebuild does just that, the canary first, and every node ends on the new image", async () => {
    const old = (await stack.outputs())["image"];
    const before = (await stack.sandbox.auditLog()).length;
    const { exitCode, output, steps } = await stack.up("--config", "onload-kmm:rebuild=1");

    assert.equal(exitCode, 0, output);
    assert.deepEqual(steps.map(({ op, name }) => `${op} ${name}`).sort(), rebuildSteps);
    const outputs = await stack.outputs();
    assert.notEqual(outputs["image"], old);
    for (const { version } of await stack.proofs()) assert.equal(version, outputs["moduleVersion"]);
    const cordons = writesBy("admin", (await stack.sandbox.auditLog()).slice(before))
      .filter(({ resource }) => resource === "nodes")
      .map(({ name }) => name);
    assert.deepEqual([...new Set(cordons)], workers);

    const again = await stack.preview("--config", "onload-kmm:rebuild=1", "--expect-no-changes");
    assert.equal(again.exitCode, 0, again.output);
    assert.match(again.output, /- No node goes out of service\.\n\s+- 3 nodes are unchanged\.\n/);
    assert.doesNotMatch(again.output, /is built/);
  });

  test("a node that is taken off the list is unloaded and forgotten, the others are left alone", async () => {
    const config = await stack.config();
    const nodes = config.config["onload-kmm:nodes"] as { name: string }[];
    await stack.configure({ ...config, config: { ...config.config, "onload-kmm:nodes": nodes.slice(0, 2) } });
    const { exitCode, output, steps } = await stack.up();

    assert.equal(exitCode, 0, output);
    const deleted = steps.filter(({ op }) => op === "delete").map(({ name }) => name);
    assert.deepEqual(
      deleted.sort(),
      ["claim", "marks", "proof", "roll", "select"]
        .map((part) => `worker-3-${part}`)
        .concat("worker-3")
        .sort(),
    );
    const marks = await nodeMarks("worker-3");
    assert.deepEqual(marks, []);
    await assertOwnDriver("worker-3");
  });

  test("destroy leaves the cluster as it was, but for KMM's empty NodeModulesConfigs", async () => {
    const { exitCode, output } = await stack.destroy();

    assert.equal(exitCode, 0, output);
    const left = await clusterObjects(stack.sandbox);
    assert.deepEqual(
      [...left].filter((object) => !untouched.has(object)).sort(),
      workers.map((node) => `kmm.sigs.x-k8s.io/v1beta1 NodeModulesConfig ${node}`),
    );
    assert.deepEqual(
      [...untouched].filter((object) => !left.has(object)),
      [],
    );
    for (const node of workers) {
      assert.deepEqual(await nodeMarks(node), []);
      await assertOwnDriver(node);
    }
    assert.deepEqual(await cordoned(), []);
  });

  /** That the node has all its interfaces, as it had before us. */
  async function assertOwnDriver(node: string): Promise<void> {
    const machine = await machineOf(stack.sandbox, node);
    assert.deepEqual(
      machine.modules.map(({ name, outOfTree }) => ({ name, outOfTree })),
      ["mtd", "sfc"].map((name) => ({ name, outOfTree: false })),
    );
    assert.deepEqual(liveInterfaces(machine), machine.interfaces);
  }

  /** What the source image says of itself. */
  function sourceLabels(): Record<string, string> {
    const registry = Registry.open(stack.sandbox.dir);
    const [repository = ""] = registry.repositories().filter((name) => name.endsWith("/onload-kmm/onload-srpm"));
    const images = Object.keys(registry.tagsOf(repository)).map((tag) => registry.resolve(`${repository}:${tag}`));
    assert.equal(images.length, 1);
    return images[0]?.config.labels ?? {};
  }

  async function cordoned(): Promise<string[]> {
    const { items } = JSON.parse(await stack.sandbox.kubectl(["get", "nodes", "-o", "json"])) as NodeList;
    return items.filter(({ spec }) => spec.unschedulable === true).map(({ metadata }) => metadata.name);
  }

  /** Labels and annotations on a node that are ours, or that KMM keeps for our Module. */
  async function nodeMarks(name: string): Promise<string[]> {
    const node = JSON.parse(
      await stack.sandbox.kubectl(["get", "node", name, "-o", "json"]),
    ) as NodeList["items"][number];
    const keys = Object.keys({ ...node.metadata.labels, ...node.metadata.annotations });
    return keys.filter(
      (key) =>
        key.startsWith("onload-kmm.io/") || key === versionLabel || key.includes(".onload.") || key === labels.stack,
    );
  }
});

interface NodeList {
  readonly items: readonly {
    readonly metadata: {
      readonly name: string;
      readonly labels?: Record<string, string>;
      readonly annotations?: Record<string, string>;
    };
    readonly spec: { readonly unschedulable?: boolean };
  }[];
}

const rebuildSteps = [
  "update module",
  "update module-build",
  ...workers.flatMap((node) => [`update ${node}-proof`, `update ${node}-roll`]),
].sort();
