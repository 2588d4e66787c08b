import assert from "node:assert/strict";
import { test } from "node:test";
import type { RollNode } from "../../../core/node/nodeState.ts";
import { selectorWithout, spared, type PlacedPod } from "../../../core/node/spared.ts";

type Spec = NonNullable<PlacedPod["spec"]>;

const node = (name: string, spec: RollNode["spec"] = {}, ready = "True"): RollNode => ({
  metadata: { name, uid: name, labels: { "kubernetes.io/os": "linux", [`node-role.kubernetes.io/${name[0]}`]: "" } },
  spec,
  status: {
    conditions: [{ type: "Ready", status: ready }],
    nodeInfo: { machineID: "m", systemUUID: "s", kernelVersion: "5.14", bootID: "b" },
  },
});
const masterTaint = { key: "node-role.kubernetes.io/master", effect: "NoSchedule" };
const pod = (namespace: string, name: string, spec: Spec = {}, label = "pod-template-hash"): PlacedPod => ({
  metadata: { name, namespace, labels: { app: name, [label]: `${name}-1` } },
  spec,
});
const registry = (spec?: Spec): PlacedPod => pod("openshift-image-registry", "image-registry", spec);
/** As KMM's own manifest places it. */
const controller = pod("operators", "kmm-operator-controller", {
  tolerations: [{ key: "node-role.kubernetes.io/master", operator: "Equal", effect: "NoSchedule" }],
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [
          { matchExpressions: [{ key: "node-role.kubernetes.io/control-plane", operator: "Exists" }] },
          { matchExpressions: [{ key: "node-role.kubernetes.io/m", operator: "Exists" }] },
        ],
      },
    },
  },
});
/** What the API server leaves out where it is empty. */
const without = (what: "spec" | "labels"): PlacedPod => {
  const { metadata, spec = {} } = registry();
  const { name, namespace } = metadata;
  return what === "spec" ? { metadata } : { metadata: { name, namespace }, spec };
};
const bare = (name: string): RollNode => {
  const { metadata, status } = node(name);
  return { metadata, status };
};
const own = [node("w1"), node("m1", { taints: [masterTaint] })];

const rows: [what: string, pod: PlacedPod, nodes: RollNode[], stays: boolean][] = [
  ["the registry on the only node", registry(), [node("w1")], true],
  ["KMM's controller on the only node", controller, [node("w1")], true],
  ["the registry beside another worker", registry(), [node("w1"), node("w2")], false],
  ["the registry beside a tainted control plane", registry(), own, true],
  ["KMM's controller beside a tainted control plane", controller, own, false],
  ["KMM's controller beside a worker, of which it wants none", controller, [node("m1"), node("w1")], true],
  ["the registry beside a cordoned worker", registry(), [node("w1"), node("w2", { unschedulable: true })], true],
  ["the registry beside a worker that isn't Ready", registry(), [node("w1"), node("w2", {}, "Unknown")], true],
  [
    "a pod that tolerates the other node's taint by no key",
    registry({ tolerations: [{ operator: "Exists" }] }),
    own,
    false,
  ],
  [
    "a pod that tolerates the taint's other effect",
    registry({ tolerations: [{ key: masterTaint.key, operator: "Exists", effect: "NoExecute" }] }),
    own,
    true,
  ],
  [
    "a pod that tolerates another value of the taint",
    registry({ tolerations: [{ key: "dedicated", value: "a" }] }),
    [node("w1"), node("w2", { taints: [{ key: "dedicated", value: "b", effect: "NoExecute" }] })],
    true,
  ],
  [
    "a pod whose other node would rather not have it",
    registry(),
    [node("w1"), node("w2", { taints: [{ key: "busy", effect: "PreferNoSchedule" }] })],
    false,
  ],
  ["a pod that selects its node", registry({ nodeSelector: { zone: "a" } }), [node("w1"), node("w2")], true],
  [
    "a pod that selects what the other has, too",
    registry({ nodeSelector: { "kubernetes.io/os": "linux" } }),
    [node("w1"), node("w2")],
    false,
  ],
  [
    "a pod that is bound to its node by name",
    registry({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["w1"] }] }],
          },
        },
      },
    }),
    [node("w1"), node("w2")],
    true,
  ],
  [
    "a registry whose images go with its pod, wherever else it could run",
    registry({ volumes: [{ name: "registry-storage", emptyDir: {} }] }),
    [node("w1"), node("w2")],
    true,
  ],
  [
    "a registry with a volume of its own",
    registry({ volumes: [{ name: "registry-storage" }, { name: "tmp", emptyDir: {} }] }),
    [node("w1"), node("w2")],
    false,
  ],
  [
    "a pod that tolerates all of another taint",
    registry({ tolerations: [{ key: "dedicated", operator: "Exists" }] }),
    own,
    true,
  ],
  [
    "a pod that tolerates another taint of the same value",
    registry({ tolerations: [{ key: "dedicated" }] }),
    own,
    true,
  ],
  [
    "a pod that tolerates the taint by its key",
    registry({ tolerations: [{ key: masterTaint.key, operator: "Exists" }] }),
    own,
    false,
  ],
  [
    "a pod that may run on the other node, by its name",
    registry({
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchFields: [{ key: "metadata.name", operator: "In", values: ["w2"] }] }],
          },
        },
      },
    }),
    [node("w1"), node("w2")],
    false,
  ],
  [
    "a pod that would rather have certain nodes, and needs none of them",
    registry({ affinity: { nodeAffinity: {} } }),
    [node("w1"), node("w2")],
    false,
  ],
  ["a pod that keeps its distance from others", registry({ affinity: {} }), [node("w1"), node("w2")], false],
  [
    "another pod of the platform with a volume named as the registry's",
    pod("openshift-monitoring", "cache", { volumes: [{ name: "registry-storage", emptyDir: {} }] }),
    [node("w1"), node("w2")],
    false,
  ],
  ["a pod of a namespace that only mentions the platform", pod("my-openshift-tools", "engine"), [node("w1")], false],
  ["a pod without a spec", without("spec"), [node("w1"), node("w2")], false],
  ["a pod without a spec, beside a tainted control plane", without("spec"), own, true],
  ["a pod beside a Node without a spec", registry(), [node("w1"), bare("w2")], false],
  ["a pod without labels, which nobody would make again", without("labels"), [node("w1")], false],
  ["somebody's own pod on the only node", pod("trading", "engine"), [node("w1")], false],
  [
    "a pod of the platform that nobody would make again",
    pod("openshift-etcd", "etcd-guard-m1", {}, "app"),
    [node("w1")],
    false,
  ],
  [
    "a StatefulSet's pod of the platform on the only node",
    pod("openshift-monitoring", "prometheus-k8s-0", {}, "controller-revision-hash"),
    [node("w1")],
    true,
  ],
];
for (const [what, given, nodes, stays] of rows) {
  test(`${what} ${stays ? "stays" : "is evicted"}`, () => {
    const [first] = nodes;
    assert.deepEqual(spared(first?.metadata.name ?? "", [given], nodes), stays ? [given] : []);
  });
}

test("pods that stay are left out by their hashes; without any, nothing is", () => {
  const stateful = pod("openshift-monitoring", "b", {}, "controller-revision-hash");
  assert.deepEqual(selectorWithout([registry(), controller, registry(), stateful]), [
    "pod-template-hash notin (image-registry-1,kmm-operator-controller-1)",
    "controller-revision-hash notin (b-1)",
  ]);
  assert.deepEqual(selectorWithout([]), []);
});

test("the selector is the same in whichever order the pods come", () => {
  const pods = [controller, without("labels"), registry()];
  assert.deepEqual(selectorWithout(pods), ["pod-template-hash notin (image-registry-1,kmm-operator-controller-1)"]);
});
