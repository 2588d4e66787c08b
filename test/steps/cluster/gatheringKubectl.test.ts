import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { GatheringKubectl } from "../../../steps/cluster/gatheringKubectl.ts";
import { connect, type Kubectl, type KubeObject } from "../../../steps/cluster/kubectl.ts";
import { FakeCluster } from "../fakeCluster.ts";

const modules = "modules.kmm.sigs.x-k8s.io";

/** A cluster with some objects, and the two clients that must answer alike. */
async function clusterWithObjects(t: TestContext) {
  const cluster = new FakeCluster(t);
  cluster.put(
    { kind: "Node", apiVersion: "v1", metadata: { name: "worker-1" } },
    { kind: "Node", apiVersion: "v1", metadata: { name: "worker-2" } },
    { kind: "Module", apiVersion: "kmm.sigs.x-k8s.io/v1beta1", metadata: { name: "onload", namespace: "a" } },
    { kind: "Module", apiVersion: "example.com/v1", metadata: { name: "other", namespace: "a" } },
    { kind: "SecurityContextConstraints", metadata: { name: "privileged" } },
    { kind: "ConfigMap", apiVersion: "v1", metadata: { name: "text", namespace: "a" } },
    { kind: "ConfigMap", apiVersion: "v1", metadata: { name: "text", namespace: "b" } },
  );
  const plain = await connect(cluster.access, 0);
  const gathering = await connect(cluster.access, 0, GatheringKubectl);
  const before = cluster.calls.length;
  return { cluster, plain, gathering, commands: () => cluster.commands.slice(before) };
}

const nameOf = (object: KubeObject | undefined) =>
  object && `${object.metadata.namespace ?? ""}/${object.metadata.name}`;

/** Everything that is asked of it here, at one moment. */
const everything = (kubectl: Kubectl) =>
  Promise.all([
    kubectl.list("nodes").then((found) => found.map(nameOf)),
    kubectl.listKnown("machineconfigpools.machineconfiguration.openshift.io"),
    kubectl.get("namespaces", "kube-system").then(nameOf),
    kubectl.get("namespaces", "nowhere").then(nameOf),
    kubectl.getKnown("securitycontextconstraints.security.openshift.io", "privileged").then(nameOf),
    kubectl.get("configmaps", "text", "a").then(nameOf),
    kubectl.get("configmaps", "text", "b").then(nameOf),
    kubectl.list("configmaps", "-n", "b").then((found) => found.map(nameOf)),
  ]);

test("the answers are those of one call for each question", async (t) => {
  const { plain, gathering } = await clusterWithObjects(t);
  const answers = await everything(plain);
  assert.deepEqual(answers, [
    ["/worker-1", "/worker-2"],
    [],
    "/kube-system",
    undefined,
    "/privileged",
    "a/text",
    "b/text",
    ["b/text"],
  ]);
  assert.deepEqual(await everything(gathering), answers);
});

test("one call reads all lists, one all objects of no namespace and of one; only what fits in neither has its own", async (t) => {
  const { gathering, commands } = await clusterWithObjects(t);
  await everything(gathering);
  assert.deepEqual(commands().toSorted(), [
    "get configmaps -n b -o json",
    "get configmaps text -n b -o json --ignore-not-found",
    "get namespaces/kube-system namespaces/nowhere securitycontextconstraints.security.openshift.io/privileged configmaps/text -n a -o json --ignore-not-found",
    "get nodes,machineconfigpools.machineconfiguration.openshift.io -A -o json --ignore-not-found",
  ]);
});

test("a question by itself is asked as ever, and later ones are asked anew", async (t) => {
  const { gathering, commands } = await clusterWithObjects(t);
  assert.equal((await gathering.list("nodes")).length, 2);
  assert.equal(nameOf(await gathering.get("configmaps", "text", "a")), "a/text");
  assert.deepEqual(commands(), ["get nodes -o json", "get configmaps text -n a -o json --ignore-not-found"]);
});

test("kinds of one name in two API groups are told apart", async (t) => {
  const { gathering } = await clusterWithObjects(t);
  const [found] = await Promise.all([gathering.list(modules, "-A"), gathering.list("nodes")]);
  assert.deepEqual(found.map(nameOf), ["a/onload"]);
});

test("where it fails each question is asked alone: an unknown kind spoils no other, a refusal names its own", async (t) => {
  const { cluster, gathering } = await clusterWithObjects(t);
  cluster.fail("get .*pools", 'error: the server doesn\'t have a resource type "pools"', Infinity);
  cluster.fail("get .*secrets", "Error from server (Forbidden): secrets is forbidden", Infinity);
  const asked = [gathering.list("nodes"), gathering.listKnown("pools"), gathering.list("secrets")];
  const [nodes, pools, secrets] = await Promise.allSettled(asked);
  assert.deepEqual([nodes?.status, pools?.status, secrets?.status], ["fulfilled", "fulfilled", "rejected"]);
  assert.match(
    String((secrets as PromiseRejectedResult).reason),
    /kubectl get secrets -o json: .*secrets is forbidden/,
  );
});

test("an API server that is away is waited for once, not once for each question", async (t) => {
  const { cluster, gathering, commands } = await clusterWithObjects(t);
  cluster.fail(
    "get",
    "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host?",
    Infinity,
  );
  const asked = await Promise.allSettled([gathering.list("nodes"), gathering.list(modules, "-A")]);
  assert.deepEqual(
    asked.map(({ status }) => status),
    ["rejected", "rejected"],
  );
  assert.ok(
    commands().every((command) => command.includes(`nodes,${modules}`)),
    commands().join("\n"),
  );
});
