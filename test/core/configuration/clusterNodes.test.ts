import assert from "node:assert/strict";
import { test } from "node:test";
import {
  aboutNode,
  addressOf,
  chooseNodes,
  inRolloutOrder,
  workersOf,
  type NodeObject,
} from "../../../core/configuration/clusterNodes.ts";

const card = { "feature.node.kubernetes.io/pci-1924.present": "true" };
const perhaps = { "feature.node.kubernetes.io/pci-10ee.present": "true" };
const role = (...names: string[]) => Object.fromEntries(names.map((name) => [`node-role.kubernetes.io/${name}`, ""]));

const node = (name: string, labels: Record<string, string> = role("worker"), ready = "True"): NodeObject => ({
  metadata: { name, labels },
  status: {
    conditions: [{ type: "Ready", status: ready }],
    addresses: [
      { type: "Hostname", address: name },
      { type: "InternalIP", address: "fd00::11" },
      { type: "InternalIP", address: "10.0.0.11" },
    ],
  },
});
const names = (nodes: readonly NodeObject[]) => nodes.map(({ metadata }) => metadata.name);

test("an address is the first of its type, IPv6 in brackets", () => {
  assert.equal(addressOf(node("w1"), "InternalIP"), "[fd00::11]");
  assert.equal(addressOf(node("w1"), "Hostname"), "w1");
  assert.equal(addressOf(node("w1"), "Name"), "w1");
  assert.equal(addressOf(node("w1"), "ExternalIP"), undefined);
});

test("roles and pool are told", () => {
  const pool = (name: string) => ({
    metadata: { name },
    spec: { nodeSelector: { matchLabels: role(name) } },
  });
  assert.equal(aboutNode(node("w1"), [pool("worker"), pool("master")]), "worker, pool worker");
  assert.equal(aboutNode(node("w1", role("worker", "rt")), [pool("worker"), pool("rt")]), "rt, worker, pool rt");
  assert.equal(aboutNode(node("w1", {}), []), "no role");
});

test("workers come first, by number; a control-plane node is no canary", () => {
  const all = [node("w10"), node("a-master", role("master", "worker")), node("w2")];
  assert.deepEqual(names(inRolloutOrder(all)), ["w2", "w10", "a-master"]);
  assert.deepEqual(workersOf(all), ["w2", "w10"]);
});

test("NFD's labels choose the nodes; one that isn't Ready is left out and named", () => {
  const all = [node("w1", card), node("w2", card, "Unknown"), node("w3"), node("w4", perhaps)];
  const choice = chooseNodes(all, { names: undefined, listed: [] });
  assert.deepEqual(names(choice.nodes), ["w1"]);
  assert.deepEqual(choice.problems, []);
  assert.deepEqual(choice.notes, [
    "not Ready, and so not looked at: w2",
    "a card of AMD's (10ee) whose device NFD's label doesn't tell, perhaps an Alveo SN1000: w4",
  ]);
});

test("names that are given count instead, and must be nodes", () => {
  const all = [node("w1", card), node("w2")];
  assert.deepEqual(names(chooseNodes(all, { names: ["w2"], listed: [] }).nodes), ["w2"]);
  const { problems } = chooseNodes(all, { names: ["w2", "w8", "w9"], listed: [] });
  assert.deepEqual(problems, ["--nodes: found w8, w9, expected names among w1, w2"]);
});

test("listed nodes are looked at whatever NFD says, and without it nothing new is looked for", () => {
  const all = [node("w1"), node("w2")];
  const choice = chooseNodes(all, { names: undefined, listed: ["w2", "gone"] });
  assert.deepEqual(names(choice.nodes), ["w2"]);
  assert.deepEqual(choice.notes, ["NFD labels no node: new ones are looked for by --nodes or --selector only"]);
});

test("a long list of names is cut", () => {
  const all = Array.from({ length: 40 }, (_, index) => node(`w${index}`));
  const [problem = ""] = chooseNodes(all, { names: ["x"], listed: [] }).problems;
  assert.match(problem, /w11 and 28 more$/);
});
