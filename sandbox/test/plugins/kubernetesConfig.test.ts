import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { diffConfig } from "../../plugins/kubernetes/provider.ts";
import type { PropertyMap } from "../../plugins/core/values.ts";
import { ProviderClient } from "./providerClient.ts";

const CONFIG_MAP = { type: "kubernetes:core/v1:ConfigMap", name: "cm" };
const INPUTS = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "x", namespace: "default" }, data: { a: "1" } };

/** A kubeconfig with one context for each cluster; the current one is the first. */
function kubeconfig(clusters: Record<string, string>): string {
  const [current] = Object.keys(clusters);
  const entries = Object.entries(clusters);
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: entries.map(([name, server]) => ({ name, cluster: { server } })),
    users: [{ name: "user", user: { token: "token" } }],
    contexts: entries.map(([name]) => ({ name, context: { cluster: name, user: "user", namespace: `ns-${name}` } })),
    "current-context": current,
  });
}

describe("an unreachable cluster", () => {
  let directory: string;
  let provider: ProviderClient;
  const refused =
    'unable to load schema information from the API server: Get "https://127.0.0.1:1/api/v1": ' +
    "dial tcp 127.0.0.1:1: connect: connection refused";

  before(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), "kubeconfig-"));
    writeFileSync(path.join(directory, "kubeconfig"), kubeconfig({ closed: "https://127.0.0.1:1" }));
    provider = await ProviderClient.start("kubernetes", { kubeconfig: "kubeconfig" }, directory);
  });
  after(async () => {
    await provider.stop();
    rmSync(directory, { recursive: true });
  });

  test("a preview without reads succeeds", async () => {
    const checked = await provider.check(CONFIG_MAP, INPUTS);
    assert.deepEqual(checked, { inputs: INPUTS, failures: [] });
    assert.deepEqual((await provider.create(CONFIG_MAP, INPUTS, { preview: true })).outputs, INPUTS);
  });

  test("create, read and delete fail and say why", async () => {
    const stored = { id: "default/x", inputs: INPUTS, outputs: { ...INPUTS, __inputs: INPUTS } };
    const unreachable = `configured Kubernetes cluster is unreachable: ${refused}`;
    await assert.rejects(provider.create(CONFIG_MAP, INPUTS), { message: unreachable });
    await assert.rejects(provider.update(CONFIG_MAP, stored, INPUTS), { message: unreachable });
    await assert.rejects(provider.read(CONFIG_MAP, stored), {
      message: /^failed to read resource state due to unreachable cluster .*connection refused/,
    });
    await assert.rejects(provider.delete(CONFIG_MAP, stored), {
      message: /^configured Kubernetes cluster is unreachable: .* PULUMI_K8S_DELETE_UNREACHABLE/,
    });
  });

  test("so does a kubeconfig that is none, or whose context isn't there", async () => {
    for (const [configuration, reason] of [
      [{ kubeconfig: "not/a/file" }, /failed to parse kubeconfig data/],
      [{ kubeconfig: "kubeconfig", context: "missing" }, /context "missing" does not exist or names no cluster/],
    ] as [PropertyMap, RegExp][]) {
      const broken = await ProviderClient.start("kubernetes", configuration, directory);
      try {
        await assert.rejects(broken.create(CONFIG_MAP, INPUTS), { message: reason });
      } finally {
        await broken.stop();
      }
    }
  });
});

describe("a provider's new configuration", () => {
  const one = kubeconfig({ a: "https://127.0.0.1:1", b: "https://127.0.0.1:2" });
  const moved = kubeconfig({ a: "https://127.0.0.1:3", b: "https://127.0.0.1:2" });
  const replaced = (olds: PropertyMap, news: PropertyMap): string[] =>
    [...diffConfig(olds, news).changes].filter(([, kind]) => kind.endsWith("-replace")).map(([key]) => key);

  test("replaces everything when kubeconfig or context lead to another cluster", () => {
    assert.deepEqual(replaced({ kubeconfig: one }, { kubeconfig: moved }), ["kubeconfig"]);
    assert.deepEqual(replaced({ kubeconfig: one, context: "a" }, { kubeconfig: one, context: "b" }), ["context"]);
  });

  test("replaces nothing when the way to the same cluster changes", () => {
    assert.deepEqual(replaced({ kubeconfig: one, context: "b" }, { kubeconfig: moved, context: "b" }), []);
    assert.equal(diffConfig({ kubeconfig: one }, { kubeconfig: one }).changes.size, 0);
  });

  test("goes by clusterIdentifier alone where both sides have it", () => {
    const same = { clusterIdentifier: "x" };
    assert.deepEqual(replaced({ ...same, kubeconfig: one }, { ...same, kubeconfig: moved }), []);
    assert.deepEqual(replaced(same, { clusterIdentifier: "y" }), ["clusterIdentifier"]);
    assert.deepEqual(replaced({ kubeconfig: one }, { kubeconfig: one, ...same }), []);
  });
});
