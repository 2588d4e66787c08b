/** From what a killed or targeted `up` leaves, and from what others did meanwhile: `preview` says it, `up` fixes it. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { names } from "../../core/names.ts";
import { readAccess } from "@onload-kmm/sandbox/nodes/access";
import { namespace, Scene } from "../faults/scene.ts";
import { rebuild, WaysOn } from "../faults/waysOn.ts";
import { writesBy } from "./cluster.ts";

const module = ["modules.kmm.sigs.x-k8s.io", "onload", "-n", namespace];

describe("a stack that goes back, and what others do to it", { concurrency: false }, () => {
  let scene: Scene;
  let ways: WaysOn;

  before(async () => {
    scene = await Scene.start({ nodes: 2 });
    ways = new WaysOn(scene);
    await ways.ends();
  });
  after(() => scene.end());

  /** What `preview` says, and the names of the resources that it lists. */
  async function planned(): Promise<{ output: string; names: string[] }> {
    const { exitCode, output, steps } = await scene.stack.preview();
    assert.equal(exitCode, 0, output);
    // A replacement is listed in three steps.
    return { output, names: [...new Set(steps.map(({ name }) => name))].sort() };
  }

  test("a rebuild that is killed in a node's drain, set back: the same", async () => {
    const old = await ways.image();
    await ways.keepBusy("worker-1");
    await scene.cut("up", /worker-1: draining/, "power", ...rebuild(1));
    await ways.free();
    await ways.assertCordoned("worker-1");
    await ways.ends(...rebuild(0));
    assert.equal(await ways.image(), old);
  });

  test("a roll alone, by --target, of a version that was never built: refused, the node is untouched; then all of it", async () => {
    const before = await nodeWrites();
    const target = ["--target", "**::worker-2-roll"];
    await ways.fails(
      /worker-2: the Module .* in the cluster has version .*The node was not touched/,
      ...rebuild(2),
      ...target,
    );
    assert.equal(await nodeWrites(), before);
    await ways.ends();
  });

  test("taints on a proven node: it keeps its modules, now and in the next roll-outs", async () => {
    // They stay for all that follows.
    await scene.kubectl("taint", "node", "worker-2", "dedicated=trading:NoSchedule", "dedicated=trading:NoExecute");
    await ways.ends();
  });

  test("modules unloaded on a node by somebody: preview names just that node, and up loads them again", async () => {
    await onNode("worker-2", "sudo modprobe -r onload");
    const { output, names } = await planned();
    assert.match(output, /worker-2: onload is not live.*; will load \S+, no reboot/);
    assert.deepEqual(names, ["worker-2-proof", "worker-2-roll"]);
    await ways.ends();
  });

  test("the Module deleted by hand: preview says so, and up makes it again and loads each node", async () => {
    await scene.kubectl("delete", ...module);
    const { output, names } = await planned();
    assert.match(
      output,
      /deleted by hand in namespace onload-kmm: module\.kmm\.sigs\.x-k8s\.io\/onload; `up` creates it again, and loads again what KMM has unloaded/,
    );
    const nodes = ["worker-1-proof", "worker-1-roll", "worker-2-proof", "worker-2-roll"];
    assert.deepEqual(names, ["module", "onload", ...nodes]);
    await ways.ends();
  });

  test("what the Module stands on deleted by hand: preview names each, and up makes them again, touching no node", async () => {
    const { certSecret, configMap } = await standsOn();
    const deleted = [`secret/${certSecret}`, `configmap/${configMap}`, `serviceaccount/${names.serviceAccount}`];
    await scene.kubectl("delete", ...deleted, "-n", namespace);
    const before = await nodeWrites();
    const { output } = await planned();
    const warning = /deleted by hand in namespace onload-kmm: (.*); `up` creates it again/.exec(output)?.[1];
    assert.deepEqual(warning?.split(", ").sort(), deleted.sort());
    await ways.ends();
    await scene.kubectl("get", ...deleted, "-n", namespace);
    assert.equal(await nodeWrites(), before);
  });

  test("another namespace: refused in preview, and nothing changes", async () => {
    const config = await scene.stack.config();
    await ways.configure("onload-kmm:namespace", "elsewhere");
    const before = (await scene.stack.sandbox.auditLog()).length;
    const { exitCode, output } = await scene.stack.preview();
    await scene.stack.configure(config);
    assert.notEqual(exitCode, 0);
    assert.match(
      output,
      /found "elsewhere", but the stack "dev" lives in onload-kmm; a stack keeps its namespace for life/,
    );
    assert.deepEqual(writesBy("admin", (await scene.stack.sandbox.auditLog()).slice(before)), []);
  });

  /** How often the program has written to a node. */
  async function nodeWrites(): Promise<number> {
    const writes = writesBy("admin", await scene.stack.sandbox.auditLog());
    return writes.filter(({ resource }) => resource === "nodes").length;
  }

  /** Names of what the Module refers to. */
  async function standsOn(): Promise<{ certSecret: string; configMap: string }> {
    const mapping = "{.spec.moduleLoader.container.kernelMappings[0]";
    const paths = [`${mapping}.sign.certSecret.name}`, `${mapping}.build.dockerfileConfigMap.name}`];
    const found = await scene.kubectl("get", ...module, "-o", `jsonpath=${paths.join(" ")}`);
    const [certSecret = "", configMap = ""] = found.split(" ");
    return { certSecret, configMap };
  }

  /** Somebody logs in to the node and runs a command there. */
  async function onNode(node: string, command: string): Promise<void> {
    const { dir } = scene.stack.sandbox;
    const port = readAccess(dir).find(({ name }) => name === node)?.sshPort ?? assert.fail(node);
    const options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"];
    const target = ["-F", "none", "-i", join(dir, "ssh/id_ed25519"), "-p", String(port), "core@127.0.0.1"];
    await promisify(execFile)("ssh", [...options, ...target, command]);
  }
});
