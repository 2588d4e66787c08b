import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ANNOTATIONS } from "../../plugins/kubernetes/objects.ts";
import { isObject, type PropertyMap, reveal, secret, textOf, UNKNOWN } from "../../plugins/core/values.ts";
import { type ApiServer, startApiServer } from "./apiServer.ts";
import {
  CONFIG_MAP,
  CONFIG_MAPS,
  configMap,
  MODULE,
  module,
  MODULES,
  NODE_PATCH,
  NODES,
  SECRET,
} from "./kubernetesFixtures.ts";
import { ProviderClient, type StoredResource } from "./providerClient.ts";

describe("the kubernetes provider and a live cluster", () => {
  let server: ApiServer;
  let provider: ProviderClient;
  /** Another configuration: a plain create, and no taking over. */
  let strict: ProviderClient;

  before(async () => {
    server = await startApiServer();
    const configuration = { kubeconfig: server.kubeconfig, context: "sandbox" };
    provider = await ProviderClient.start("kubernetes", { ...configuration, upsertExistingObjects: "true" });
    strict = await ProviderClient.start("kubernetes", configuration);
  });
  after(async () => {
    await provider.stop();
    await strict.stop();
    await server.stop();
  });

  describe("create", () => {
    test("fails for an object that exists, and takes it over with upsertExistingObjects", async () => {
      const inputs = configMap("existing");
      await strict.make(CONFIG_MAP, inputs);
      await assert.rejects(strict.make(CONFIG_MAP, inputs), {
        message: /was not successfully created by the Kubernetes API server: configmaps "existing" already exists\n/,
      });
      const taken = await provider.make(CONFIG_MAP, configMap("existing", { key: "value", more: "1" }));
      assert.deepEqual(taken.outputs["data"], { key: "value", more: "1" });
    });

    test("asks the server in a preview and changes nothing", async () => {
      const { inputs } = await provider.check(CONFIG_MAP, configMap("previewed"));
      const preview = await provider.create(CONFIG_MAP, inputs, { preview: true });
      assert.equal(preview.id, "");
      assert.ok(isObject(preview.outputs["metadata"]) && "uid" in preview.outputs["metadata"]);
      assert.equal(await server.kube.find(CONFIG_MAPS, { name: "previewed", namespace: "default" }), undefined);
    });

    test("doesn't ask with unknowns, nor in a namespace that the same preview makes", async () => {
      const unknown = configMap("unknown", { key: UNKNOWN });
      assert.deepEqual((await provider.create(CONFIG_MAP, unknown, { preview: true })).outputs, unknown);
      const elsewhere = { ...configMap("x"), metadata: { name: "x", namespace: "not-yet" } };
      assert.deepEqual((await provider.create(CONFIG_MAP, elsewhere, { preview: true })).outputs, elsewhere);
    });

    test("names an unnamed object, the same in the preview and in the up, and keeps that name", async () => {
      const inputs = { apiVersion: "v1", kind: "ConfigMap", data: { a: "1" } };
      const first = (await provider.check(CONFIG_MAP, inputs)).inputs;
      assert.deepEqual((await provider.check(CONFIG_MAP, inputs)).inputs, first);
      const { metadata = null } = first;
      assert.ok(isObject(metadata));
      assert.match(textOf(metadata["name"]), /^cm-[0-9a-f]{8}$/);
      assert.deepEqual(metadata["annotations"], { [ANNOTATIONS.autonamed]: "true" });
      assert.equal(metadata["namespace"], "default");
      const made = await provider.create(CONFIG_MAP, first);
      const again = await provider.check(CONFIG_MAP, { ...inputs, data: { a: "2" } }, made.inputs);
      assert.deepEqual(again.inputs["metadata"], metadata);
      const diff = await provider.diff(CONFIG_MAP, made, again.inputs);
      assert.deepEqual([diff.replaces, diff.deleteBeforeReplace], [["data.a"], false]);
    });

    test("says so when the type is not installed, after its retries", async () => {
      const gone = { type: "kubernetes:build.openshift.io/v1:BuildConfig", name: "bc" };
      const definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/buildconfigs.build.openshift.io";
      const made = await provider.make(gone, buildConfig("first"));
      assert.equal(made.id, "default/first");
      await server.kube.raw("DELETE", definition);
      await until(async () => (await provider.read(gone, made)) === undefined);
      await provider.delete(gone, made);
      const fresh = await ProviderClient.start("kubernetes", { kubeconfig: server.kubeconfig });
      try {
        const running = fresh.create(gone, buildConfig("second"));
        const outcome = assert.rejects(running, { message: /context canceled$/ });
        await fresh.plugin.said("Retry #0; creation failed: no matches");
        await fresh.cancel();
        await outcome;
      } finally {
        await fresh.stop();
      }
    });
  });

  describe("diff", () => {
    let stored: StoredResource;
    before(async () => {
      stored = await provider.make(CONFIG_MAP, configMap("diffed"));
    });

    const diffOf = (inputs: PropertyMap) => provider.diff(CONFIG_MAP, stored, inputs);

    test("data replaces, the old one first, because the name stays", async () => {
      const diff = await diffOf(configMap("diffed", { key: "other" }));
      assert.deepEqual([diff.replaces, diff.deleteBeforeReplace], [["data.key"], true]);
    });

    test("a new name replaces, the new one first", async () => {
      const diff = await diffOf(configMap("renamed"));
      assert.deepEqual([diff.replaces, diff.deleteBeforeReplace], [["metadata.name"], false]);
    });

    test("labels and annotations update", async () => {
      const inputs = { ...configMap("diffed"), metadata: { name: "diffed", namespace: "default", labels: { a: "b" } } };
      const diff = await diffOf(inputs);
      assert.deepEqual([diff.changed, diff.replaces, Object.keys(diff.detailed)], [true, [], ["metadata.labels"]]);
    });

    test("what somebody else changed is a change after a refresh", async () => {
      const target = { name: "drifted", namespace: "default" };
      const made = await provider.make(MODULE, module("drifted", { selector: { a: "1" } }));
      await server.kube.patch(MODULES, target, { spec: { selector: { a: "2" }, extra: true } });
      const refreshed = await provider.read(MODULE, made);
      assert.ok(refreshed);
      assert.deepEqual(refreshed.inputs["spec"], { selector: { a: "2" } });
      const diff = await provider.diff(MODULE, refreshed, made.inputs);
      assert.deepEqual(Object.keys(diff.detailed), ["spec.selector.a"]);
    });

    test("a Secret's stringData is folded into data, which is secret and replaces", async () => {
      const inputs = (text: string): PropertyMap => ({
        apiVersion: "v1",
        kind: "Secret",
        metadata: { name: "folded", namespace: "default" },
        stringData: { key: text },
      });
      const made = await provider.make(SECRET, inputs("one"));
      assert.deepEqual(made.inputs["data"], secret({ key: Buffer.from("one").toString("base64") }));
      assert.equal("stringData" in made.inputs, false);
      assert.deepEqual(reveal(made.outputs["data"] ?? null), { key: Buffer.from("one").toString("base64") });
      const again = await provider.check(SECRET, inputs("two"), made.inputs);
      assert.deepEqual((await provider.diff(SECRET, made, again.inputs)).replaces, ["data.key"]);
    });

    test("an unknown value is a change", async () => {
      assert.equal((await diffOf(configMap("diffed", { key: UNKNOWN }))).changed, true);
    });
  });

  describe("update", () => {
    test("applies what changed, drops what is gone, and leaves other managers' fields alone", async () => {
      const target = { name: "updated", namespace: "default" };
      const made = await provider.make(MODULE, module("updated", { selector: { a: "1", b: "1" } }));
      await server.kube.apply(MODULES, { metadata: { ...target, labels: { theirs: "yes" } } }, "somebody");
      const preview = await provider.update(MODULE, made, module("updated", { selector: { a: "2" } }), {
        preview: true,
      });
      assert.deepEqual(preview.outputs["spec"], { selector: { a: "2" } });
      const updated = await provider.update(MODULE, made, module("updated", { selector: { a: "2" } }));
      assert.deepEqual(updated.outputs["spec"], { selector: { a: "2" } });
      assert.equal(updated.outputs["__fieldManager"], made.outputs["__fieldManager"]);
      const live = await server.kube.get(MODULES, target);
      assert.deepEqual(live.metadata.labels, { theirs: "yes" });
    });

    test("takes over the fields of its own plain create", async () => {
      const made = await strict.make(MODULE, module("adopted", { selector: { a: "1" } }));
      await strict.update(MODULE, made, module("adopted", { selector: { b: "1" } }));
      const live = await server.kube.get(MODULES, { name: "adopted", namespace: "default" });
      assert.deepEqual((live as unknown as PropertyMap)["spec"], { selector: { b: "1" } });
    });

    test("fails on a field that another manager owns, unless it is told to force", async () => {
      const made = await provider.make(MODULE, module("fought", { selector: { a: "1" } }));
      const theirs = { metadata: { name: "fought", namespace: "default" }, spec: { selector: { a: "theirs" } } };
      await server.kube.apply(MODULES, theirs, "somebody");
      await assert.rejects(provider.update(MODULE, made, module("fought", { selector: { a: "2" } })), {
        message: /had an apply conflict: Apply failed with 1 conflict: conflict with "somebody": \.spec\.selector\.a/,
      });
      const forced = module("fought", { selector: { a: "2" } }, { [ANNOTATIONS.patchForce]: "true" });
      assert.deepEqual((await provider.update(MODULE, made, forced)).outputs["spec"], { selector: { a: "2" } });
    });
  });

  describe("NodePatch", () => {
    const patch = (labels: PropertyMap, manager: string, force = "true"): PropertyMap => ({
      apiVersion: "v1",
      kind: "Node",
      metadata: {
        name: "node",
        labels,
        annotations: { [ANNOTATIONS.patchFieldManager]: manager, [ANNOTATIONS.patchForce]: force },
      },
    });

    test("owns its labels alone, moves them to a new manager, and takes them off at the end", async () => {
      await server.kube.create(NODES, { metadata: { name: "node", labels: { theirs: "1" } } });
      const labels = async () => (await server.kube.get(NODES, { name: "node" })).metadata.labels;
      const made = await provider.make(NODE_PATCH, patch({ ours: "1" }, "first"));
      assert.deepEqual(await labels(), { theirs: "1", ours: "1" });
      await assert.rejects(provider.update(NODE_PATCH, made, patch({ ours: "2" }, "second", "false")), {
        message: /The resource managed by field manager "second" had an apply conflict/,
      });
      const moved = await provider.update(NODE_PATCH, made, patch({ ours: "2", more: "1" }, "second"));
      assert.equal(moved.outputs["__fieldManager"], "second");
      assert.deepEqual(await labels(), { theirs: "1", ours: "2", more: "1" });
      await provider.delete(NODE_PATCH, moved);
      assert.deepEqual(await labels(), { theirs: "1" });
    });

    test("of a Node that is gone: an update is refused, and the deletion creates it again", async () => {
      const gone = { name: "gone" };
      const isThere = async () => (await server.kube.find(NODES, gone)) !== undefined;
      const inputs = patch({ ours: "1" }, "fourth");
      const named = { ...inputs, metadata: { ...(inputs["metadata"] as PropertyMap), ...gone } };
      await server.kube.create(NODES, { metadata: gone });
      const made = await provider.make(NODE_PATCH, named);
      await server.kube.delete(NODES, gone);
      await assert.rejects(provider.update(NODE_PATCH, made, named), { message: /not found/ });
      assert.equal(await isThere(), false);
      await provider.delete(NODE_PATCH, made);
      assert.equal(await isThere(), true);
    });

    test("a label's change updates, another Node replaces, no name is refused", async () => {
      const made = await provider.make(NODE_PATCH, patch({ ours: "1" }, "third"));
      assert.deepEqual((await provider.diff(NODE_PATCH, made, patch({ ours: "2" }, "third"))).replaces, []);
      const other = { ...patch({ ours: "1" }, "third"), metadata: { name: "other" } };
      assert.deepEqual((await provider.diff(NODE_PATCH, made, other)).replaces, ["metadata.name"]);
      await assert.rejects(provider.check(NODE_PATCH, { apiVersion: "v1", kind: "Node", metadata: {} }), {
        message: "patch resources require the `.metadata.name` field to be set",
      });
    });
  });

  test("refuses kinds and inputs by name", async () => {
    await assert.rejects(provider.check({ type: "kubernetes:apps/v1:Deployment", name: "d" }, {}), {
      message: /pulumi-resource-kubernetes has no resource type kubernetes:apps\/v1:Deployment/,
    });
    const { failures } = await provider.check(CONFIG_MAP, { ...configMap("x"), colour: "red" });
    assert.deepEqual(failures, ["colour: the stand-in for ConfigMap has no such input"]);
    const options = await provider.checkConfig({ kubeconfig: "k", renderYamlToDirectory: "yaml", version: "4.34.2" });
    assert.deepEqual(options.failures, [
      "renderYamlToDirectory: the stand-in for pulumi-resource-kubernetes has no such option",
    ]);
  });
});

/** Resolves when the condition is met; fails when it isn't within 20 seconds. */
async function until(met: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while (!(await met())) {
    assert.ok(Date.now() < deadline, "not in time");
    await delay(50);
  }
}

function buildConfig(name: string): PropertyMap {
  return {
    apiVersion: "build.openshift.io/v1",
    kind: "BuildConfig",
    metadata: { name, namespace: "default" },
    spec: { source: { type: "Binary" } },
  };
}
