/** Whatever happened to a node since the last `up`: the next one ends in the full state, with no reboot too many. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { kernelModules } from "../../../core/names.ts";
import { readAccess } from "@onload-kmm/sandbox/nodes/access";
import { controlNode } from "@onload-kmm/sandbox/nodes/control";
import { patience, start } from "../running.ts";
import { Enrolling } from "./enrolling.ts";

const node = "worker-1";

/** What somebody else has chosen: bcrypt, cost 4, of a password that nobody here knows. */
const strangersHash = "$2a$04$7yyeW8DEQVIE1xhlYx1rCOhwwMn5r1JUe0kftCT0Z1/5aYsk7oxha";

describe("a node that changed", { concurrency: false }, () => {
  let nodes: Enrolling;

  before(async () => {
    nodes = await Enrolling.start({ nodes: 1, mode: "console" });
    await nodes.recovers();
  });
  after(() => nodes.end());

  /** Runs `up` to the full state; answers how often it rebooted the node, and what it said. */
  async function converges(): Promise<{ reboots: number; output: string }> {
    const before = await nodes.boots(node);
    const output = await nodes.recovers();
    return { reboots: (await nodes.boots(node)) - before, output };
  }

  test("enrolled already: a new Node object is rolled again, and not rebooted", async () => {
    await nodes.scene.kubectl("delete", "node", node, "--wait=true");
    await nodes.hand(node, "reset");
    assert.equal((await converges()).reboots, 0);
  });

  test("a new Node object under a machine that runs on: KMM loads again and so removes sfc; loaded once more", async () => {
    await registerAnew();
    const { reboots, output } = await converges();
    assert.equal(reboots, 0);
    assert.match(output, /KMM is done, but sfc is not live.*: unloading and loading once more/);
    assert.deepEqual(await modulesOf(node), [...kernelModules]);
  });

  test("the same behind our back, its NodeModulesConfig deleted: rolled and proven again on request", async () => {
    await nodes.scene.kubectl("delete", "nodemodulesconfigs.kmm.sigs.x-k8s.io", node);
    await nodes.scene.until("sfc to go", async () => !(await modulesOf(node)).includes("sfc"));
    await nodes.scene.again("up", ...[`${node}-roll`, `${node}-proof`].flatMap((name) => ["--replace", `**::${name}`]));
    assert.deepEqual(await modulesOf(node), [...kernelModules]);
    await nodes.scene.assertFull();
  });

  test("reinstalled, its firmware's keys kept: done again without a reboot", async () => {
    await nodes.hand(node, "reinstall");
    assert.equal((await converges()).reboots, 0);
  });

  test("reinstalled, its firmware's keys gone: enrolled again", async () => {
    await controlNode(nodes.scene.stack.sandbox.dir, node, "forgetKeys");
    await nodes.hand(node, "reinstall");
    assert.equal((await converges()).reboots, 1);
  });

  test("another mainboard: enrolled again", async () => {
    await nodes.renew(node);
    assert.equal((await converges()).reboots, 1);
  });

  test("in db already: trusted, so that MokManager is never asked", async () => {
    const { certificate } = (await nodes.scene.stack.outputs()) as { certificate: string };
    await nodes.renew(node);
    await controlNode(nodes.scene.stack.sandbox.dir, node, "addToDb", { certificate });
    await nodes.hand(node, "reset");
    assert.equal((await converges()).reboots, 0);
    assert.deepEqual(await keyStates(), ["in-db"]);
  });

  test("pending with somebody else's password: requested again with ours", async () => {
    await nodes.renew(node);
    await importWith(strangersHash);
    assert.equal((await converges()).reboots, 1);
  });

  test("MokManager's request lost: pending, and the countdown ended at somebody else's reboot; requested again", async () => {
    await nodes.renew(node);
    await importWith(strangersHash);
    await nodes.hand(node, "reset");
    assert.equal((await nodes.machine(node)).firmware.mokNew, null, "the request is used up");
    assert.equal((await converges()).reboots, 1);
  });

  test("rebooted by somebody else in the middle of the outage: the second `up` at the latest enrols", async () => {
    await nodes.renew(node);
    const running = start(nodes.scene.stack, "up");
    assert.ok(await running.says(/worker-1: draining/), running.output);
    await nodes.hand(node, "reset");
    await running.end();
    await nodes.recovers();
    assert.deepEqual(await keyStates(), ["enrolled"]);
  });

  test("another certificate: built, signed and enrolled again, in one reboot", async () => {
    const { certificateFingerprint: old } = await nodes.scene.stack.outputs();
    await nodes.configure((config) => (config["onload-kmm:signing"] = { subject: "another signing key" }));
    assert.equal((await converges()).reboots, 1);
    assert.notEqual((await nodes.scene.stack.outputs())["certificateFingerprint"], old);
    assert.deepEqual(await keyStates(), ["enrolled"]);
  });

  /** OpenOnload's modules that are live, in the order of their names. */
  async function modulesOf(name: string): Promise<string[]> {
    const { modules } = await nodes.machine(name);
    return modules.flatMap((live) => (live.outOfTree ? [live.name] : [])).sort();
  }

  /** Deletes the Node and makes it again as its kubelet would at a restart: without anybody's labels. */
  async function registerAnew(): Promise<void> {
    const { metadata, ...found } = (await nodes.scene.get("node", node)) ?? assert.fail(node);
    const ours = (label: string): boolean => /kmm|onload/.test(label);
    const labels = Object.fromEntries(Object.entries(metadata.labels ?? {}).filter(([label]) => !ours(label)));
    const file = join(nodes.scene.stack.sandbox.dir, "node.json");
    // The machine config daemon, whose pod is new as well, writes its annotations again.
    const daemons = Object.entries(metadata.annotations ?? {}).filter(([key]) =>
      key.startsWith("machineconfiguration."),
    );
    const renewed = { name: metadata.name, labels, annotations: Object.fromEntries(daemons) };
    await writeFile(file, JSON.stringify({ ...found, metadata: renewed, spec: {} }));
    await nodes.scene.kubectl("replace", "--force", "-f", file);
    // The Machine Config Operator counts a new Node in, and `up` touches none before.
    await nodes.scene.kubectl(
      "wait",
      "machineconfigpools",
      "--all",
      "--for=condition=Updated",
      `--timeout=${patience}s`,
    );
  }

  async function keyStates(): Promise<string[]> {
    return (await nodes.scene.proofs()).map(({ key }) => key);
  }

  /** Somebody else asks for the same key's enrolment, with a password of their own. */
  async function importWith(hash: string): Promise<void> {
    const { certificate } = (await nodes.scene.stack.outputs()) as { certificate: string };
    const { dir } = nodes.scene.stack.sandbox;
    const port = readAccess(dir).find(({ name }) => name === node)?.sshPort ?? assert.fail(node);
    const der = certificate.replaceAll(/-----[^-]+-----|\s/g, "");
    const command = `cd && echo ${der} | base64 -d >key.der && printf %s '${hash}' >hash && sudo mokutil --import key.der --hash-file hash; rm key.der hash`;
    const options = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes"];
    const target = ["-F", "none", "-i", join(dir, "ssh/id_ed25519"), "-p", String(port), "core@127.0.0.1"];
    await promisify(execFile)("ssh", [...options, ...target, command]);
    assert.equal((await nodes.machine(node)).firmware.mokAuth, hash);
  }
});
