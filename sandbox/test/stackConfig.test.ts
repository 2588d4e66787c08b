/** The configuration follows the sandbox, and everything else in it stays the user's. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { defaultClusterId } from "../controlPlane/lifecycle.ts";
import type { NodeAccess } from "../nodes/access.ts";
import { hostKeyOf } from "../nodes/sshKeys.ts";
import { projectRoot, stateDirectory } from "../paths.ts";
import { followSandbox, type SandboxFacts } from "../stackConfig.ts";
import { UserError } from "../userError.ts";

const own = stateDirectory(undefined, {});
const inCheckout = await readFile(join(projectRoot, "Pulumi.dev.yaml"), "utf8");
const shippedRelease = configIn(inCheckout)["onload-kmm:release"];

/** On the ports that it is shipped with: in this checkout a sandbox may have had to take others. */
const shipped = followed(inCheckout, sandbox(own), { copied: false, listNodes: true });

interface Config {
  "onload-kmm:cluster": { kubeconfig: string; context: string; id: string };
  "onload-kmm:release": { package: string; sha256: string; version: string };
  "onload-kmm:nodes": { name: string; address: string; console?: string; bmc?: object; hold?: boolean }[];
  "onload-kmm:ssh": { user: string; privateKeyFile: string };
}

function node(name: string, sshPort: number, consolePort: number): NodeAccess {
  return {
    name,
    solarflare: name.startsWith("worker"),
    address: `127.0.0.1:${sshPort}`,
    hostKey: hostKeyOf(name).publicKey,
    console: `node sandbox/nodes/console.ts ${name}`,
    bmc: { url: `https://127.0.0.1:20999/redfish/v1/Systems/${name}`, fingerprint: "AA:BB" },
    sshPort,
    consolePort,
  };
}

/** A sandbox with this many workers, on ports from `first` on. */
function sandbox(dir: string, { workers = 3, first = 22_010 } = {}): SandboxFacts {
  const names = ["master-0", ...Array.from({ length: workers }, (_, index) => `worker-${index + 1}`)];
  const release = { ...shippedRelease, package: join(dir, "release", shippedRelease.package.split("/").at(-1) ?? "") };
  return {
    dir,
    clusterId: defaultClusterId,
    release,
    nodes: names.map((name, index) => node(name, first + index, first + 100 + index)),
  };
}

function followed(text: string, facts: SandboxFacts, options = { copied: false, listNodes: false }): string {
  return followSandbox(text, facts, options) ?? assert.fail("it is a sandbox's");
}

function configIn(text: string): Config {
  return (parse(text) as { config: Config }).config;
}

/** Lines of `now` that `before` hasn't, and the other way round. */
function difference(before: string, now: string): string[] {
  const [old, new_] = [before.split("\n"), now.split("\n")];
  const gone = old.filter((line) => !new_.includes(line)).map((line) => `- ${line.trim()}`);
  return [...gone, ...new_.filter((line) => !old.includes(line)).map((line) => `+ ${line.trim()}`)];
}

test("a configuration that is right stays as it is, byte for byte", () => {
  const port = (text = ""): number => Number(text.split(":").at(-1));
  const nodes = configIn(inCheckout)["onload-kmm:nodes"].map(({ name, address, console }) =>
    node(name, port(address), port(console)),
  );
  const facts = { ...sandbox(own), nodes };
  assert.equal(followed(inCheckout, facts, { copied: false, listNodes: true }), inCheckout);
});

test("other ports change the lines that name them, and no other", () => {
  const moved = sandbox(own);
  const nodes = moved.nodes.map((each) => (each.name === "worker-2" ? node("worker-2", 31_000, 31_001) : each));
  assert.deepEqual(difference(shipped, followed(shipped, { ...moved, nodes })), [
    "- address: 127.0.0.1:22012",
    "- console: tcp:127.0.0.1:22112",
    "+ address: 127.0.0.1:31000",
    "+ console: tcp:127.0.0.1:31001",
  ]);
});

test("the user's comments, keys, order and spelling stay", () => {
  const mine = shipped
    .replace("    - name: worker-2\n", "    - name: worker-2 # the slow one\n      hold: true\n")
    .replace("kubeconfig: .sandbox/kubeconfig", `kubeconfig: "${own}/kubeconfig"`)
    .replace("  onload-kmm:ssh:", "  onload-kmm:rollout: { maxParallel: 2 } # both at once\n  onload-kmm:ssh:");
  assert.notEqual(mine, shipped);
  assert.equal(followed(mine, sandbox(own), { copied: false, listNodes: true }), mine);
  const moved = followed(mine, sandbox(own, { first: 30_000 }));
  for (const line of difference(mine, moved)) assert.match(line, /^[-+] (address|console): /);
  assert.match(moved, /name: worker-2 # the slow one\n {6}hold: true\n {6}address: 127.0.0.1:30002\n/);
  assert.equal(followed(moved, sandbox(own)), mine);
});

test("a copy for another directory names that sandbox everywhere", () => {
  const copy = followed(shipped, sandbox("/elsewhere/sandbox", { first: 30_000 }), { copied: true, listNodes: true });
  assert.ok(!copy.includes(".sandbox/"), copy);
  const { "onload-kmm:cluster": cluster, "onload-kmm:release": release, "onload-kmm:ssh": ssh } = configIn(copy);
  assert.equal(cluster.kubeconfig, "/elsewhere/sandbox/kubeconfig");
  assert.match(release.package, /^\/elsewhere\/sandbox\/release\/[^/]+\.zip$/);
  assert.equal(ssh.privateKeyFile, "/elsewhere/sandbox/ssh/id_ed25519");
  assert.match(copy, /# A script answers MokManager/);
});

test("at first the list has the sandbox's workers, and no others of its kind; later it is the user's", () => {
  const listed = { copied: false, listNodes: true };
  const names = (text: string): string[] => configIn(text)["onload-kmm:nodes"].map(({ name }) => name);
  const many = followed(shipped, sandbox(own, { workers: 11 }), listed);
  assert.deepEqual(names(many).slice(-3), ["worker-9", "worker-10", "worker-11"]);
  assert.equal(followed(many, sandbox(own), listed), shipped);
  assert.deepEqual(names(followed(shipped, sandbox(own, { workers: 1 }), listed)), ["worker-1"]);
  const foreign = shipped.replace(
    "  onload-kmm:ssh:",
    "    - { name: mine, address: box, hostKey: k }\n  onload-kmm:ssh:",
  );
  assert.deepEqual(names(followed(foreign, sandbox(own, { workers: 1 }), listed)), ["worker-1", "mine"]);

  const without = shipped.replace(/ {4}- name: worker-3\n( {6}.*\n)+/, "");
  assert.deepEqual(names(without), ["worker-1", "worker-2"]);
  assert.equal(followed(without, sandbox(own)), without);
});

test("a console of the user's own stays, and a BMC follows where one is named", () => {
  const mine = shipped
    .replace("console: tcp:127.0.0.1:22111", "console: ipmitool -H bmc-1 sol activate")
    .replace("console: tcp:127.0.0.1:22112", "bmc: { url: https://127.0.0.1:1/redfish/v1/Systems/x, fingerprint: CC }");
  const [one, two] = configIn(followed(mine, sandbox(own)))["onload-kmm:nodes"];
  assert.equal(one?.console, "ipmitool -H bmc-1 sol activate");
  assert.deepEqual(two?.bmc, node("worker-2", 0, 0).bmc);
  assert.equal(two.console, undefined);
});

test("what names another release package or key is the user's", () => {
  const mine = shipped
    .replace(/package: .*/, "package: /srv/onload-9.0.2.140.zip")
    .replace(/privateKeyFile: .*/, "privateKeyFile: ~/.ssh/lab");
  assert.equal(followed(mine, sandbox(own)), mine);
});

test("a configuration for another cluster isn't touched", () => {
  const real = shipped.replace("kubeconfig: .sandbox/kubeconfig", "kubeconfig: ~/.kube/config");
  assert.equal(followSandbox(real, sandbox(own), { copied: false, listNodes: true }), undefined);
});

test("what isn't YAML is said, and not written over", () => {
  const facts = sandbox(own);
  assert.throws(() => followSandbox("config: [\n", facts, { copied: false, listNodes: true }), UserError);
});
