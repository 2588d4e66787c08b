import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { parseId } from "../../plugins/kubernetes/objects.ts";
import { hasSecret, isObject, mapValues, type PropertyMap, reveal, secret, textOf } from "../../plugins/core/values.ts";
import { type ApiServer, startApiServer } from "./apiServer.ts";
import { asStored, comparable, type Volatile } from "./comparable.ts";
import { ProviderClient, type StoredResource } from "./providerClient.ts";
import { recorded } from "./recorded.ts";

/** Given by the API server, or random by nature. */
const VOLATILE: Volatile = {
  __fieldManager: /^pulumi-kubernetes-[0-9a-f]{8}$/,
  "metadata.creationTimestamp": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  "metadata.managedFields[0].manager": /^pulumi-kubernetes-[0-9a-f]{8}$/,
  "metadata.managedFields[0].time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  "metadata.managedFields[1].time": /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  "metadata.resourceVersion": /^\d+$/,
  "metadata.uid": /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  // Base64 of a PEM text, which the recording has blanked.
  "data.key": /^(<base64 PEM>|[A-Za-z0-9+/]+=*)$/,
  "__inputs.data.key": /^(<base64 PEM>|[A-Za-z0-9+/]+=*)$/,
};

/** In the order in which they were made: the Namespace first. */
const TYPES = [
  "kubernetes:core/v1:Namespace",
  "kubernetes:core/v1:NodePatch",
  "kubernetes:kmm.sigs.x-k8s.io/v1beta1:Module",
  "kubernetes:core/v1:ServiceAccount",
  "kubernetes:core/v1:ConfigMap",
  "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding",
  "kubernetes:core/v1:Secret",
];

describe("the kubernetes provider", () => {
  let server: ApiServer;
  let provider: ProviderClient;
  const made = new Map<string, StoredResource>();

  before(async () => {
    server = await startApiServer();
    await recordedNode(server);
    const configuration = recorded("pulumi:providers:kubernetes").outputs;
    provider = await ProviderClient.start("kubernetes", {
      ...configuration,
      kubeconfig: server.kubeconfig,
      context: "sandbox",
    });
  });
  after(async () => {
    await provider.stop();
    await server.stop();
  });

  test("Provider: keeps its configuration as the real plugin does", async () => {
    const { outputs } = recorded("pulumi:providers:kubernetes");
    assert.deepEqual(await provider.checkConfig(outputs), { inputs: outputs, failures: [] });
    assert.equal(await provider.version(), "4.34.2");
  });

  for (const type of TYPES) {
    test(`${type}: stores what the real plugin stored`, async () => {
      const real = recorded(type);
      const resource = { type, name: real.name };
      const checked = await provider.check(resource, programInputs(type, real.inputs));
      assert.deepEqual(checked.failures, []);
      assert.deepEqual(comparable(checked.inputs, VOLATILE), comparable(real.inputs, VOLATILE));
      const stored = await provider.create(resource, checked.inputs);
      assert.equal(stored.id, real.id);
      const outputs = asStored(stored.outputs, real.additionalSecretOutputs);
      assert.deepEqual(comparable(outputs, VOLATILE), comparable(withoutTaints(real.outputs), VOLATILE));
      made.set(type, stored);
    });

    test(`${type}: the same program again is no change, nor is a refresh`, async () => {
      const stored = made.get(type);
      assert.ok(stored);
      const resource = { type, name: recorded(type).name };
      const again = await provider.check(resource, programInputs(type, recorded(type).inputs), stored.inputs);
      assert.deepEqual(again.inputs, stored.inputs);
      const diff = await provider.diff(resource, stored, again.inputs);
      assert.deepEqual([diff.changed, diff.replaces, diff.detailed], [false, [], {}]);
      const refreshed = await provider.read(resource, stored);
      assert.deepEqual(refreshed, stored);
    });

    test(`${type}: the recorded state itself is no change`, async () => {
      const real = recorded(type);
      const diff = await provider.diff({ type, name: real.name }, real, real.inputs);
      assert.deepEqual([diff.changed, diff.replaces, diff.detailed], [false, [], {}]);
    });
  }

  test("each resource has a field manager of its own, the Patch the one that it names", () => {
    const managers = [...made.values()].map(({ outputs }) => textOf(outputs["__fieldManager"]));
    assert.equal(new Set(managers).size, TYPES.length);
    assert.ok(managers.includes("onload-kmm-dev-select"));
  });

  test("Secret.get: reads a live Secret by its id, all data secret", async () => {
    const type = "kubernetes:core/v1:Secret";
    const { id } = recorded(type);
    const read = await provider.read({ type, name: "read" }, { id, inputs: {}, outputs: {} });
    assert.ok(read);
    assert.equal(read.id, id);
    assert.ok(hasSecret(read.outputs["data"]) && hasSecret(read.inputs["data"]));
    assert.deepEqual(Object.keys(read.inputs).sort(), ["apiVersion", "data", "kind", "metadata", "type"]);
    assert.deepEqual(read.inputs["metadata"], parseId(id));
    assert.deepEqual(reveal(read.outputs["data"] ?? null), reveal(made.get(type)?.outputs["data"] ?? null));
    const gone = { id: "onload-kmm/not-there", inputs: {}, outputs: {} };
    assert.equal(await provider.read({ type, name: "read" }, gone), undefined);
  });

  test("deletes everything again, dependents first, and gives the Node back as it was", async () => {
    for (const type of TYPES.toReversed()) {
      const stored = made.get(type);
      assert.ok(stored);
      const resource = { type, name: recorded(type).name };
      await provider.delete(resource, stored);
      if (type.endsWith("NodePatch")) continue;
      assert.equal(await provider.read(resource, stored), undefined);
      // Once more, as after a kill between the delete and the checkpoint.
      await provider.delete(resource, stored);
    }
    const node = await server.kube.get(NODES, { name: "n1" });
    assert.deepEqual(node.metadata.labels, { a: "b" });
    assert.deepEqual(Object.keys(node.metadata.annotations ?? {}), [LAST_APPLIED]);
  });
});

const NODES = { group: "", version: "v1", plural: "nodes", kind: "Node", namespaced: false };
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/** The Node that the recorded NodePatch changed, as `kubectl apply` had made it. */
async function recordedNode({ kube }: ApiServer): Promise<void> {
  const { outputs } = recorded("kubernetes:core/v1:NodePatch");
  assert.ok(isObject(outputs["metadata"]) && isObject(outputs["metadata"]["annotations"]));
  const annotation = outputs["metadata"]["annotations"][LAST_APPLIED];
  assert.ok(typeof annotation === "string");
  const metadata = { name: "n1", labels: { a: "b" }, annotations: { [LAST_APPLIED]: annotation } };
  const body = { apiVersion: "v1", kind: "Node", metadata };
  await kube.raw("POST", "/api/v1/nodes?fieldManager=kubectl-client-side-apply", body);
}

/** What the program gave: for the Secret it was `stringData`, of which the state has only the folded form. */
function programInputs(type: string, inputs: PropertyMap): PropertyMap {
  if (type !== "kubernetes:core/v1:Secret") return inputs;
  const rest = mapValues(inputs, (value, key) => (key === "data" ? undefined : value));
  return {
    ...rest,
    stringData: secret({ key: "-----BEGIN RSA PRIVATE KEY-----\nAAAA\n-----END RSA PRIVATE KEY-----\n" }),
  };
}

/** The recorded cluster's admission put a taint on new Nodes, which the sandbox's doesn't. */
function withoutTaints(outputs: PropertyMap): PropertyMap {
  return isObject(outputs["spec"]) && "taints" in outputs["spec"] ? { ...outputs, spec: {} } : outputs;
}
