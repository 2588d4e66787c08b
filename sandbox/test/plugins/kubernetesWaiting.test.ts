import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { ownerReference } from "../../kube.ts";
import { isObject } from "../../plugins/core/values.ts";
import { ANNOTATIONS } from "../../plugins/kubernetes/objects.ts";
import { type ApiServer, startApiServer } from "./apiServer.ts";
import { CONFIG_MAPS, MODULE, module, MODULES } from "./kubernetesFixtures.ts";
import { ProviderClient, type ProviderError } from "./providerClient.ts";

describe("the kubernetes provider waits", () => {
  let server: ApiServer;
  let provider: ProviderClient;

  before(async () => {
    server = await startApiServer();
    provider = await ProviderClient.start("kubernetes", { kubeconfig: server.kubeconfig, context: "sandbox" });
  });
  after(async () => {
    await provider.stop();
    await server.stop();
  });

  test("waits for pulumi.com/waitFor, by JSONPath and by condition", async () => {
    const both = JSON.stringify(["jsonpath={.status.phase}=Done", "condition=Ready"]);
    const running = provider.make(MODULE, module("awaited", { a: 1 }, { [ANNOTATIONS.waitFor]: both }));
    await provider.plugin.said("Waiting for {.status.phase}=Done");
    const target = { name: "awaited", namespace: "default" };
    await server.kube.patchStatus(MODULES, target, { phase: "Done" });
    await provider.plugin.said("Waiting for condition=Ready");
    await server.kube.patchStatus(MODULES, target, { conditions: [{ type: "Ready", status: "True" }] });
    const { outputs } = await running;
    assert.ok(isObject(outputs["status"]));
    assert.equal(outputs["status"]["phase"], "Done");
  });

  test("keeps the object in the state when it doesn't get ready in time", async () => {
    const inputs = module("never", { a: 1 }, { [ANNOTATIONS.waitFor]: "condition=Ready" });
    await assert.rejects(provider.create(MODULE, inputs, { timeout: 0.2 }), (error: ProviderError) => {
      assert.match(error.message, /was successfully created, but .* timed out waiting for the condition$/);
      assert.equal(error.state?.id, "default/never");
      assert.deepEqual(error.state.outputs["spec"], { a: 1 });
      return true;
    });
  });

  test("refuses another form by name", async () => {
    const inputs = module("odd", { a: 1 }, { [ANNOTATIONS.waitFor]: "ready" });
    const { failures } = await provider.check(MODULE, inputs);
    assert.deepEqual(failures, [
      'metadata.annotations: pulumi.com/waitFor: expected a "jsonpath=" or "condition=" prefix, got "ready"',
    ]);
  });

  test("a delete waits for finalizers, says which, and keeps the object in the state when the time is up", async () => {
    const made = await provider.make(MODULE, module("held", { a: 1 }));
    const target = { name: "held", namespace: "default" };
    await server.kube.patch(MODULES, target, { metadata: { finalizers: ["example.org/hold"] } });
    await assert.rejects(provider.delete(MODULE, made, { timeout: 0.2 }), (error: ProviderError) => {
      assert.equal(error.message, "timed out waiting for the condition");
      assert.equal(error.state?.id, "default/held");
      return true;
    });
    await provider.plugin.said("finalizers might be preventing deletion (example.org/hold");
    const running = provider.delete(MODULE, made);
    await server.kube.patch(MODULES, target, { metadata: { finalizers: null } });
    await running;
    assert.equal(await server.kube.find(MODULES, target), undefined);
  });

  test("deletes in the foreground, or as pulumi.com/deletionPropagationPolicy says", async () => {
    for (const policy of ["foreground", "background"]) {
      const made = await provider.make(
        MODULE,
        module(policy, { a: 1 }, { [ANNOTATIONS.deletionPropagationPolicy]: policy }),
      );
      const owner = await server.kube.get(MODULES, { name: policy, namespace: "default" });
      const dependent = { name: `${policy}-dependent`, namespace: "default" };
      await server.kube.create(CONFIG_MAPS, {
        metadata: { ...dependent, ownerReferences: [ownerReference(MODULES, owner)], finalizers: ["example.org/hold"] },
      });
      const deleting = provider.delete(MODULE, made, { timeout: policy === "foreground" ? 2 : 120 });
      if (policy === "background") await deleting;
      else await assert.rejects(deleting, { message: "timed out waiting for the condition" });
      await server.kube.patch(CONFIG_MAPS, dependent, { metadata: { finalizers: null } });
    }
  });
});
