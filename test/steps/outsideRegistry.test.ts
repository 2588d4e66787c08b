/** Steps of a stack whose images are in a registry outside of the cluster, which is asked itself. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { makeRelease } from "@onload-kmm/sandbox/release/makeRelease";
import { FakeCluster } from "./fakeCluster.ts";
import { answer, certificate, digest, manifest, startServer } from "./build/registry/server.ts";

const kernel = "5.14.0-1.el9.x86_64";
const password = "a-password-of-ours";

/** A cluster that trusts the registry, with the stack's credentials for it. */
function clusterWith(t: TestContext, host: string): FakeCluster {
  const cluster = new FakeCluster(t);
  const auth = Buffer.from(`robot:${password}`).toString("base64");
  const config = JSON.stringify({ auths: { [host]: { auth } } });
  cluster.put(
    {
      kind: "Secret",
      metadata: { name: "onload-registry", namespace: "ns" },
      data: { ".dockerconfigjson": Buffer.from(config).toString("base64") },
    },
    { kind: "Image", metadata: { name: "cluster" }, spec: { additionalTrustedCA: { name: "cas" } } },
    {
      kind: "ConfigMap",
      metadata: { name: "cas", namespace: "openshift-config" },
      data: { [host.replace(":", "..")]: certificate.cert },
    },
  );
  return cluster;
}

test("a source image that is in the registry isn't built again: its digest is the answer", async (t) => {
  const host = await startServer(t, ({ url, headers }, response) => {
    if (headers.authorization === undefined) answer(response, 401, { "www-authenticate": 'Basic realm="x"' });
    else if (url === "/v2/team/onload/manifests/source-t1") manifest(response);
    else answer(response, 404);
  });
  const cluster = clusterWith(t, host);
  const { code, stdout, stderr } = await cluster.step("uploadSrpm", {
    cluster: cluster.access,
    namespace: "ns",
    release: await makeRelease(cluster.directory),
    tag: "t1",
    repository: `${host}/team/onload`,
    dockerfile: "assets/srpm.Dockerfile",
    files: [],
    logDirectory: join(cluster.directory, "logs"),
  });
  assert.deepEqual([code, stdout], [0, JSON.stringify({ image: `${host}/team/onload@${digest("1")}` })], stderr);
  assert.ok(!cluster.commands.some((command) => command.includes(password)));
});

test("an unsigned image that the registry refuses to delete: its tag is never used again, and the run ends", async (t) => {
  const asked: string[] = [];
  const host = await startServer(t, ({ method = "" }, response) => {
    asked.push(method);
    if (method === "HEAD") manifest(response);
    else answer(response, 405);
  });
  const cluster = clusterWith(t, host);
  const image = `${host}/team/onload:t2-${kernel}`;
  const at = (name: string, uid = "u") => ({ name, namespace: "ns", uid });
  cluster.put(
    { kind: "Namespace", metadata: { name: "ns" } },
    { kind: "Module", metadata: at("onload") },
    {
      kind: "ModuleImagesConfig",
      metadata: at("onload", "mic"),
      spec: { images: [{ image }] },
      status: { imagesStates: [{ image, status: "Exists" }] },
    },
  );
  const { code, stderr } = await cluster.step("followModuleBuild", {
    cluster: cluster.access,
    namespace: "ns",
    module: "onload",
    version: "v2",
    images: [{ kernel, image }],
    logDirectory: join(cluster.directory, "logs"),
  });
  assert.equal(code, 1);
  assert.match(stderr, /the registry refuses to delete it, so its tag isn't used again\. No node was touched; run/);
  assert.deepEqual(asked.filter((method) => method === "DELETE").length, 2);
  const { annotations = {} } = cluster.find("Namespace", "ns")?.metadata ?? {};
  assert.equal(annotations["onload-kmm.io/spoilt"], '["t2"]');
});
