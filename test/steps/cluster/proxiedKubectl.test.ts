import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { connect, type Kubectl, type KubeObject } from "../../../steps/cluster/kubectl.ts";
import { ProxiedKubectl } from "../../../steps/cluster/proxiedKubectl.ts";
import { FakeCluster } from "../fakeCluster.ts";

const modules = "modules.kmm.sigs.x-k8s.io";

/** A cluster with some objects, and the two clients that must answer alike. */
async function clusterWithObjects(t: TestContext) {
  const cluster = new FakeCluster(t);
  cluster.put(
    { kind: "Node", metadata: { name: "worker-1", labels: { zone: "a" } } },
    { kind: "Node", metadata: { name: "worker-2" } },
    { kind: "Module", metadata: { name: "onload", namespace: "a" } },
    { kind: "ConfigMap", metadata: { name: "text", namespace: "a" } },
    { kind: "ConfigMap", metadata: { name: "text", namespace: "b" } },
    { kind: "Secret", metadata: { name: "key", namespace: "a" }, data: { key: "c2VjcmV0" } },
  );
  // As KMM's: the group prefers a version that has other kinds only.
  const versions = ["v2", "v1"].map((version) => ({ version }));
  const groups = [{ name: "kmm.sigs.x-k8s.io", versions, preferredVersion: { version: "v2" } }];
  cluster.answerRaw("apis", JSON.stringify({ groups }));
  const plain = await connect(cluster.access, 0);
  const proxied = new ProxiedKubectl(cluster.access, 0);
  t.after(() => proxied.end());
  return { cluster, plain, proxied };
}

const nameOf = (object: KubeObject | undefined) =>
  object && `${object.metadata.namespace ?? ""}/${object.metadata.name}`;

const everything = async (kubectl: Kubectl) => ({
  nodes: (await kubectl.list("nodes")).map(nameOf),
  inZone: (await kubectl.list("nodes", "-l", "zone=a")).map(nameOf),
  texts: (await kubectl.list("configmaps", "-n", "b")).map(nameOf),
  modules: (await kubectl.list(modules, "-A")).map(nameOf),
  namespace: nameOf(await kubectl.get("namespaces", "kube-system")),
  absent: nameOf(await kubectl.get("namespaces", "nowhere")),
  text: nameOf(await kubectl.get("configmaps", "text", "a")),
  existing: await kubectl.existing(["secret/key", "configmap/gone", "configmap/text"], "a"),
  groups: [...(await kubectl.apiGroups())],
});

/** What was asked by processes of their own, since so many calls. */
const askedAlone = ({ calls }: FakeCluster, since = 0) =>
  calls.slice(since).flatMap(({ argv, isProxied }) => (isProxied ? [] : [argv.slice(4).join(" ")]));

test("the answers are those of kubectl itself, without a process for each", async (t) => {
  const { cluster, plain, proxied } = await clusterWithObjects(t);
  const answers = await everything(plain);
  assert.deepEqual(answers, {
    nodes: ["/worker-1", "/worker-2"],
    inZone: ["/worker-1"],
    texts: ["b/text"],
    modules: ["a/onload"],
    namespace: "/kube-system",
    absent: undefined,
    text: "a/text",
    existing: ["secret/key", "configmap/text"],
    groups: [["kmm.sigs.x-k8s.io", ["v2", "v1"]]],
  });
  const before = cluster.calls.length;
  assert.deepEqual(await everything(proxied), answers);
  assert.deepEqual(askedAlone(cluster, before), []);
});

test("what isn't answered plainly is asked by kubectl, whose words tell what is wrong", async (t) => {
  const { cluster, proxied } = await clusterWithObjects(t);
  const before = cluster.calls.length;
  cluster.fail("get secrets", 'Error from server (Forbidden): secrets is forbidden: User "ops" cannot', Infinity);
  cluster.fail("get pools", 'error: the server doesn\'t have a resource type "pools"', Infinity);
  const asked = [proxied.list("nodes"), proxied.listKnown("pools.example.com"), proxied.list("secrets", "-A")];
  const [nodes, pools, secrets] = await Promise.allSettled(asked);
  assert.deepEqual([nodes?.status, pools?.status, secrets?.status], ["fulfilled", "fulfilled", "rejected"]);
  assert.match(
    String((secrets as PromiseRejectedResult).reason),
    /kubectl get secrets -A -o json: .*secrets is forbidden/,
  );
  assert.deepEqual(askedAlone(cluster, before).toSorted(), [
    // Whether the server only hasn't found its kinds yet.
    "get --raw /readyz",
    "get pools.example.com -o json",
    "get secrets -A -o json",
  ]);
});

test("words that select by more than labels and namespaces are kubectl's to understand", async (t) => {
  const { cluster, proxied } = await clusterWithObjects(t);
  const before = cluster.calls.length;
  await proxied.list("nodes", "--field-selector", "spec.nodeName=worker-1");
  assert.deepEqual(askedAlone(cluster, before), ["get nodes --field-selector spec.nodeName=worker-1 -o json"]);
});

test("without a proxy everything is asked as ever", async (t) => {
  const { cluster, plain } = await clusterWithObjects(t);
  cluster.fail("proxy", 'error: unknown command "proxy"');
  const proxied = new ProxiedKubectl(cluster.access, 0);
  assert.deepEqual(await everything(proxied), await everything(plain));
  assert.ok(cluster.calls.every(({ isProxied }) => !isProxied));
});

test("nor does it matter when the proxy ends in the middle", async (t) => {
  const { plain, proxied } = await clusterWithObjects(t);
  assert.equal((await proxied.list("nodes")).length, 2);
  await proxied.end();
  assert.deepEqual(await everything(proxied), await everything(plain));
});
