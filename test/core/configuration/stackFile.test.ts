/** A first configuration, and what a second look finds to differ from it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { changesIn, shownChanges, type Change, type FoundFacts } from "../../../core/configuration/fileChanges.ts";
import { fillIn, type FirstFacts, type FoundNode } from "../../../core/configuration/firstFile.ts";
import { parseSettings } from "../../../core/configuration/parseSettings.ts";
import { StackFile, StackFileError } from "../../../core/configuration/stackFile.ts";

const keys = [
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPFLzwBSLxnEUDoL8AiL5LxpgO9vIJ1VnR5uaKYhcSZy",
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOr+CAi/8PtR6lQQfDQXv6dYusXOkFyInprTfkm81l5e",
] as const;
const shown = [
  "ssh-ed25519 SHA256:bcbSutx3PQTs8/QM9WyuF53IGUzZjMMMYRXy9PKl3P0",
  "ssh-ed25519 SHA256:uwAaHXLBLj6Ji2v1xuvmZtXBHWlC9bTcWsXs8SborQg",
] as const;

const nodeOf = (name: string, key: 0 | 1 = 0): FoundNode => ({
  name,
  address: `10.0.0.${Number(name.at(-1)) + 1}`,
  hostKeys: [keys[key]],
  about: "worker, pool worker",
});

const facts: FirstFacts = {
  cluster: { kubeconfig: "~/.kube/prod", context: "admin", id: "7d1f3c52-0e7a-4b1c-9a53-6c1f0c9d2e11" },
  release: { package: "releases/SF-122450-LS.zip", sha256: "0".repeat(64), version: "9.0.2.140" },
  ssh: { user: "core", privateKeyFile: "~/.ssh/openshift" },
  nodes: [nodeOf("worker-0"), nodeOf("worker-1", 1)],
  scanned: false,
  nodesFile: "nodes.prod.yaml",
};

interface Written {
  readonly [key: string]: unknown;
  readonly config: Readonly<Record<string, unknown>>;
}

function filled(text?: string, more: Partial<FirstFacts> = {}): { text: string; written: Written } {
  const file = new StackFile(text);
  fillIn(file, { ...facts, ...more });
  return { text: file.toString(), written: parse(file.toString()) as Written };
}

/** Its own keys, as Pulumi hands them to the program. */
const rawOf = ({ config }: Written): Record<string, string> =>
  Object.fromEntries(
    Object.entries(config)
      .filter(([key]) => key.startsWith("onload-kmm:"))
      .map(([key, value]) => [key.slice("onload-kmm:".length), JSON.stringify(value)]),
  );

test("a first file is a whole configuration: every key is right, and nothing is left at a placeholder", () => {
  const { written } = filled();
  const { settings, problems } = parseSettings(rawOf(written), () => false);
  assert.deepEqual(problems, []);
  assert.deepEqual(settings?.cluster, facts.cluster);
  assert.deepEqual(settings.release, facts.release);
  assert.deepEqual(
    settings.nodes.map(({ name, address, hostKey, hold }) => [name, address, hostKey, hold]),
    [
      ["worker-0", "10.0.0.1", keys[0], false],
      ["worker-1", "10.0.0.2", keys[1], true],
    ],
  );
  assert.deepEqual(written.config["pulumi:disable-default-providers"], ["kubernetes"]);
});

test("a version that looks like a number stays a text", () => {
  const { written } = filled(undefined, { release: { ...facts.release, version: "9.0" } });
  assert.equal((written.config["onload-kmm:release"] as { version: unknown }).version, "9.0");
});

test("roles and pool stand before each node, and a key from the network is marked", () => {
  assert.match(filled().text, /\n {4}# worker, pool worker\n {4}- name: worker-0\n/);
  assert.doesNotMatch(filled().text, /SHA256/);
  const { text } = filled(undefined, { scanned: true });
  assert.ok(
    text.includes(`    # ${shown[1]} came from the network: compare it on the node's console\n    - name: worker-1\n`),
  );
});

test("what `pulumi stack init` and a person have written stays, with its comments", () => {
  const begun = "# mine\nencryptionsalt: v1:abc\nconfig:\n  # so\n  onload-kmm:ssh:\n    agent: true\n";
  assert.equal(new StackFile(begun).isBegun, false);
  const { text, written } = filled(begun);
  assert.ok(text.startsWith(begun));
  assert.equal(written["encryptionsalt"], "v1:abc");
  assert.deepEqual(parseSettings(rawOf(written), () => false).problems, []);
});

test("what isn't a mapping, or no YAML, is refused", () => {
  for (const text of ["- a\n", "a: [\n", "text"]) assert.throws(() => new StackFile(text), StackFileError, text);
});

const seen: FoundFacts = {
  cluster: { kubeconfig: "~/.kube/prod", context: "admin" },
  release: facts.release,
  names: ["master-0", "worker-0", "worker-1"],
  nodes: facts.nodes,
  scanned: false,
  nodesFile: "nodes.prod.yaml",
};

function look(found: Partial<FoundFacts>, text = filled().text): { file: StackFile; changes: Change[] } {
  const file = new StackFile(text);
  return { file, changes: changesIn(file, { ...seen, ...found }) };
}

test("a file that is right differs in nothing", () => {
  assert.deepEqual(look({}).changes, []);
});

test("every difference is told, each under its kind, and none is in the file", () => {
  const { file, changes } = look({
    cluster: { kubeconfig: "~/.kube/prod", context: "other" },
    release: { ...facts.release, sha256: "1".repeat(64), version: "9.1.0" },
    names: ["worker-0", "worker-2"],
    nodes: [{ ...nodeOf("worker-0", 1), address: "10.0.0.9" }, nodeOf("worker-2")],
  });
  assert.equal(
    shownChanges(changes),
    [
      "  cluster     onload-kmm:cluster.context: admin → other",
      `  release     onload-kmm:release.sha256: ${"0".repeat(64)} → ${"1".repeat(64)}`,
      "  release     onload-kmm:release.version: 9.0.2.140 → 9.1.0",
      "  addresses   worker-0: 10.0.0.1 → 10.0.0.9",
      `  host-keys   worker-0: ${shown[0]} → ${shown[1]}`,
      "  gone-nodes  worker-1: isn't in the cluster any more",
      `  new-nodes   worker-2: new; worker, pool worker, 10.0.0.3, ${shown[0]}`,
    ].join("\n"),
  );
  assert.equal(file.toString(), filled().text);
});

test("each difference is taken over by itself, and then it is none", () => {
  const found = {
    names: ["worker-0", "worker-2"],
    nodes: [{ ...nodeOf("worker-0", 1), address: "10.0.0.9" }, nodeOf("worker-2")],
  };
  const { file, changes } = look(found);
  const texts = (some: readonly Change[]) => some.map(({ text }) => text).sort();
  assert.deepEqual(changes.map(({ kind }) => kind).sort(), ["addresses", "gone-nodes", "host-keys", "new-nodes"]);
  for (const [index, change] of changes.entries()) {
    change.apply();
    assert.deepEqual(texts(changesIn(file, { ...seen, ...found })), texts(changes.slice(index + 1)));
  }
  assert.match(file.toString(), /# In the order of the roll-out/);
});

const many = Array.from({ length: 800 }, (_, at) => ({
  ...nodeOf(`worker-${at}`),
  address: at < 2 ? `10.0.0.${at + 1}` : `worker-${at}`,
}));

test("a list that Pulumi couldn't hand over goes into a file of its own, and stays a whole configuration", () => {
  const file = new StackFile(undefined);
  fillIn(file, { ...facts, nodes: many });
  assert.match(
    file.toString(),
    /\n {2}# In the order of the roll-out.*\n.*\n {2}onload-kmm:nodesFile: nodes\.prod\.yaml\n/,
  );
  const list = file.nodesToString() ?? "";
  assert.match(list, /^# worker, pool worker\n- name: worker-0\n/);
  const raw = rawOf(parse(file.toString()) as Written);
  assert.ok(JSON.stringify(raw).length < 2000);
  const { settings, problems } = parseSettings(raw, () => false, { readText: () => list });
  assert.deepEqual(problems, []);
  assert.deepEqual(
    settings?.nodes.map(({ name }) => name),
    many.map(({ name }) => name),
  );
});

test("a list in a file is compared and written there, and one that has grown too long is told", () => {
  const found = { names: many.map(({ name }) => name), nodes: many };
  const { file, changes } = look(found);
  const place = changes.find(({ kind }) => kind === "nodes-file");
  assert.match(
    place?.text ?? "",
    /^onload-kmm:nodes: \d\d\d KiB are more than Pulumi can hand to a program → nodes\.prod\.yaml$/,
  );
  changes.forEach(({ apply }) => apply());
  assert.deepEqual(changesIn(file, { ...seen, ...found }), []);
  const again = new StackFile(file.toString());
  assert.equal(again.nodesFile, "nodes.prod.yaml");
  again.readNodes(file.nodesToString() ?? "");
  assert.deepEqual(changesIn(again, { ...seen, ...found }), []);
  for (const { apply } of changesIn(again, { ...seen, names: ["worker-0"], nodes: [nodeOf("worker-0", 1)] })) apply();
  assert.deepEqual(
    again.nodes.map(({ name, hostKey }) => [name, hostKey]),
    [["worker-0", keys[1]]],
  );
  assert.equal(again.toString(), file.toString());
});

test("a file without nodes is an empty list, and one of something else is refused", () => {
  const file = new StackFile("config:\n  onload-kmm:nodesFile: nodes.yaml\n");
  assert.equal(file.isBegun, true);
  file.readNodes("");
  file.addNode({ name: "worker-0" }, "new");
  assert.equal(file.nodesToString(), "# new\n- name: worker-0\n");
  for (const text of ["a: b\n", "a: [\n", "text"]) assert.throws(() => file.readNodes(text), StackFileError, text);
});

test("a node that couldn't be looked at is neither gone nor changed", () => {
  assert.deepEqual(look({ nodes: [nodeOf("worker-0")] }).changes, []);
});

test("a key of the configured type counts, though the node has a better one", () => {
  const rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7";
  const text = filled().text.replace(keys[0], rsa);
  const nodes = [{ ...nodeOf("worker-0"), hostKeys: [keys[0], rsa] }, nodeOf("worker-1", 1)];
  assert.deepEqual(look({ nodes }, text).changes, []);
});
