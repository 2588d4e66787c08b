import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { annotations, kmm } from "../../../core/names.ts";
import { expectedOn, type ModuleTarget } from "../../../core/node/nodeState.ts";
import { deviation, generation, isOut, planned, type NodeReality } from "../../../core/node/reality.ts";
import { proven, target } from "./realities.ts";

const stack = "prod";
const wantedOf = (module: ModuleTarget = target) => expectedOn("5.14.0-1.el9.x86_64", module);
const label = kmm.versionLabel(target.namespace, target.name);

/** The node with other marks and another state of service. */
const changed = (
  seen: NodeReality,
  change: { labels?: object; annotations?: object; unschedulable?: boolean },
): NodeReality => ({
  ...seen,
  node: {
    ...seen.node,
    metadata: {
      ...seen.node.metadata,
      labels: { ...seen.node.metadata.labels, ...change.labels },
      annotations: { ...seen.node.metadata.annotations, ...change.annotations },
    },
    spec: { unschedulable: change.unschedulable ?? false },
  },
});
const rolling = (phase: string, owner = stack, version: { version?: string } = { version: "v2" }) => ({
  [annotations.roll]: JSON.stringify({
    phase,
    stack: owner,
    ...version,
    bootId: "b",
    since: "2026-01-31T14:02:00Z",
  }),
});

test("a node that runs what it shall, in service, doesn't deviate", () => {
  assert.equal(deviation(proven("worker-1", 3), wantedOf(), stack), undefined);
  assert.equal(planned(proven("worker-1", 3), wantedOf(), stack), undefined);
});

test("a held node isn't asked by SSH, and that is no deviation", () => {
  assert.equal(deviation({ ...proven("worker-1", 3), machine: undefined }, wantedOf(), stack), undefined);
});

describe("a node that deviates is done again, and the plan says why", () => {
  const good = proven("worker-3", 3);
  const notReady = {
    ...good.node,
    status: { ...good.node.status, conditions: [{ type: "Ready", status: "Unknown" }] },
  };
  const rebooted = {
    ...good.node,
    status: { ...good.node.status, nodeInfo: { ...good.node.status.nodeInfo, bootID: "c" } },
  };
  const deviations: [what: string, seen: NodeReality, sentence: RegExp][] = [
    [
      "a roll-out that failed left it cordoned",
      changed(good, { annotations: { ...rolling("load"), [annotations.cordonedBy]: stack }, unschedulable: true }),
      /^worker-3: out of service since 2026-01-31T14:02:00Z by a roll-out of version v2 that didn't end; will load 5\.14.*, no reboot$/,
    ],
    ["its leaving failed", changed(good, { annotations: rolling("leave") }), /by its leaving of the stack/],
    ["its key was being deleted", changed(good, { annotations: rolling("remove") }), /by its leaving of the stack/],
    [
      "a roll-out of no known version failed",
      changed(good, { annotations: rolling("load", stack, {}) }),
      /out of service since 2026-01-31T14:02:00Z by a roll-out that didn't end;/,
    ],
    [
      "our cordon alone is left",
      changed(good, { annotations: { [annotations.cordonedBy]: stack } }),
      /cordoned by this/,
    ],
    ["the kubelet is silent", { ...good, node: notReady }, /isn't Ready/],
    ["it runs another version", changed(good, { labels: { [label]: "v0" } }), /: runs 5\.14.*; will load 5\.14/],
    [
      "it has another version's label, and nothing loaded",
      { ...changed(good, { labels: { [label]: "v0" } }), nmc: {} },
      /: runs version v0; will load/,
    ],
    [
      "nothing was ever loaded on it",
      changed(good, { labels: { [label]: undefined } }),
      /stack has loaded nothing on it/,
    ],
    ["KMM unloaded it", { ...good, nmc: { spec: { modules: [] }, status: { modules: [] } } }, /KMM asks for nothing/],
    ["it booted, and nothing was loaded since", { ...good, node: rebooted }, /before the node's last boot/],
    [
      "the in-tree driver runs",
      { ...good, machine: { driver: ["sfc is not live"], secureBoot: "disabled", trusted: true } },
      /sfc is not live/,
    ],
    [
      "it doesn't answer, and so nothing is said of a reboot",
      { ...good, machine: { unreachable: "no SSH connection" } },
      /: no SSH connection; will load \S+$/,
    ],
    [
      "it wasn't asked, being held",
      { ...good, nmc: {}, machine: undefined },
      /: KMM asks for nothing.*; will load \S+$/,
    ],
    [
      "there is no key yet",
      { ...good, machine: { driver: ["sfc is not live"], secureBoot: "enabled" } },
      /: sfc is not live; will load \S+$/,
    ],
    [
      "the firmware lost the key",
      { ...good, nmc: {}, machine: { driver: [], secureBoot: "enabled", trusted: false } },
      /, after a reboot in which its firmware enrols the key$/,
    ],
  ];
  for (const [what, seen, sentence] of deviations) {
    test(what, () => {
      assert.equal(generation(seen, wantedOf(), stack), 4);
      assert.match(planned(seen, wantedOf(), stack) ?? "", sentence);
    });
  }
});

test("a Node without annotations has seen no roll-out: its first is generation 1", () => {
  const good = proven("worker-1", 3);
  const { name, uid, labels = {} } = good.node.metadata;
  const seen = { ...good, node: { ...good.node, metadata: { name, uid, labels } } };
  assert.equal(generation(seen, wantedOf(), stack), 0);
  assert.equal(generation({ ...seen, nmc: {} }, wantedOf(), stack), 1);
});

test("who is out of service by this stack is told from somebody else's cordon and another stack's roll-out", () => {
  const good = proven("worker-1", 1);
  assert.equal(isOut(good, stack), false);
  assert.equal(isOut(changed(good, { unschedulable: true }), stack), false);
  assert.equal(isOut(changed(good, { annotations: rolling("load", "other") }), stack), false);
  assert.equal(isOut(changed(good, { annotations: rolling("load") }), stack), true);
  assert.equal(isOut(changed(good, { annotations: { [annotations.cordonedBy]: stack } }), stack), true);
});

/*
 * The property that makes reality an input: whatever a node is and whatever is wanted of it, one good run leads to the wish,
 * and the plan after that is empty; a run that fails leaves something to do, until one is good. State is modelled as the
 * engine keeps it: the inputs of the last good run, and the old ones after a failure.
 */
const module: fc.Arbitrary<ModuleTarget> = fc
  .constantFrom("v1", "v2", "v3")
  .map((version) => ({ ...target, version, image: `registry/onload:${version}-\${KERNEL_FULL_VERSION}` }));

/** Whatever people, KMM and time do to a node behind the program's back. */
const accident: fc.Arbitrary<(seen: NodeReality) => NodeReality> = fc.oneof(
  fc
    .constantFrom("drain", "reboot", "load", "leave", "remove")
    .map(
      (phase) => (seen: NodeReality) =>
        changed(seen, { annotations: { ...rolling(phase), [annotations.cordonedBy]: stack }, unschedulable: true }),
    ),
  fc.constant((seen: NodeReality) => changed(seen, { labels: { [label]: "v0" } })),
  fc.constant((seen: NodeReality) => changed(seen, { labels: { [label]: undefined } })),
  fc.constant((seen: NodeReality) => changed(seen, { annotations: { [annotations.cordonedBy]: stack } })),
  fc.constant((seen: NodeReality) => ({ ...seen, nmc: {} })),
  fc.constant((seen: NodeReality) => ({ ...seen, machine: { unreachable: "away" } })),
  fc.constant((seen: NodeReality) => ({
    ...seen,
    machine: { driver: ["sfc is not live"], secureBoot: "enabled", trusted: false },
  })),
  fc.constant((seen: NodeReality) => seen),
);

interface Inputs {
  readonly version: string;
  readonly generation: number;
}

const inputsFor = (seen: NodeReality, wanted: ModuleTarget): Inputs => ({
  version: wanted.version,
  generation: generation(seen, wantedOf(wanted), stack),
});
const isSame = (state: Inputs, inputs: Inputs): boolean =>
  state.version === inputs.version && state.generation === inputs.generation;

test("from any reality to any wish in one good run, and then to an empty plan, whatever failed before", () => {
  const event = fc.record({ wish: module, accidents: fc.array(accident, { maxLength: 3 }), fails: fc.boolean() });
  fc.assert(
    fc.property(module, fc.array(event, { minLength: 1, maxLength: 8 }), (first, events) => {
      let seen = proven("worker-1", 1, first);
      let state: Inputs = { version: first.version, generation: 1 };
      for (const { wish, accidents, fails } of events) {
        seen = accidents.reduce((before, happen) => happen(before), seen);
        const inputs = inputsFor(seen, wish);
        const deviates = deviation(seen, wantedOf(wish), stack) !== undefined;
        // Whoever deviates is done; the others may be looked at once more, where their state is older than they are.
        if (deviates) assert.ok(!isSame(state, inputs), "a node that deviates must be in the plan");
        if (fails && !isSame(state, inputs)) continue;
        if (isSame(state, inputs)) assert.ok(!deviates);
        else seen = proven("worker-1", inputs.generation, wish);
        state = inputs;
        assert.equal(deviation(seen, wantedOf(wish), stack), undefined);
        assert.ok(isSame(state, inputsFor(seen, wish)), "the plan after a good run is empty");
      }
    }),
    { numRuns: 2000 },
  );
});
