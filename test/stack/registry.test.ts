/**
 * A cluster without an internal registry: images go to a real one with TLS and a password, through the whole life of a stack.
 * One stack, in this order.
 */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { RegistryServer } from "@onload-kmm/sandbox/registry/server";
import { RegistryClient } from "../../steps/build/registry/client.ts";
import { leaksInCluster } from "../secrets/cluster.ts";
import { assertInDebugLog, assertStateSecrets } from "../secrets/document.ts";
import { atHome, searchOfRun } from "../secrets/ofRun.ts";
import { leaksInFiles, leaksInText } from "../secrets/places.ts";
import { secretsInState } from "../secrets/state.ts";
import { clusterObjects } from "./cluster.ts";
import { startStack, type Stack } from "./stack.ts";

const path = "team/onload";

describe("a registry outside of the cluster", { concurrency: false }, () => {
  let server: RegistryServer;
  let stack: Stack;

  before(async () => {
    server = await RegistryServer.start();
    stack = await startStack({ nodes: 1 });
    await patch("configs.imageregistry.operator.openshift.io", { managementState: "Removed" });
  });
  after(async () => {
    await stack.end();
    await server.stop();
  });

  const patch = (kind: string, spec: object) =>
    stack.sandbox.kubectl(["patch", kind, "cluster", "--type=merge", "-p", JSON.stringify({ spec })]);
  const apply = (object: object) =>
    stack.sandbox.kubectl(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", ...object }));
  const pushSecret = (dockerConfig: string) =>
    apply({
      kind: "Secret",
      metadata: { name: "onload-push", namespace: "openshift-config" },
      type: "kubernetes.io/dockerconfigjson",
      stringData: { ".dockerconfigjson": dockerConfig },
    });
  const trust = (pem: string) =>
    apply({
      kind: "ConfigMap",
      metadata: { name: "registry-cas", namespace: "openshift-config" },
      data: { [server.host.replace(":", "..")]: pem },
    });

  /** The registry asked by a client of the test's own. */
  const digestOf = async (reference: string): Promise<string | undefined> => {
    const { auths } = JSON.parse(server.dockerConfig()) as { auths: Record<string, { auth: string }> };
    const [user = "", password = ""] = Buffer.from(auths[server.host]?.auth ?? "", "base64")
      .toString()
      .split(":");
    const client = new RegistryClient({
      host: server.host,
      credentials: { user, password },
      ca: server.ca,
      patience: 10,
    });
    return client.digest(path, reference);
  };
  const refused = async (...expected: RegExp[]): Promise<void> => {
    const { exitCode, output } = await stack.preview();
    assert.notEqual(exitCode, 0);
    const problems = output.split("\n").filter((line) => /^\s+- /.test(line));
    assert.equal(problems.length, expected.length, output);
    for (const each of expected) assert.match(problems.join("\n"), each);
  };

  test("preview says that the internal registry is Removed, and what to set", () =>
    refused(/the internal image registry is Removed, expected Managed; set onload-kmm:registry/));

  test("preview names what the configured registry lacks in the cluster", async () => {
    const config = await stack.config();
    config.config["onload-kmm:registry"] = {
      repository: `${server.host}/${path}`,
      pushSecret: "openshift-config/onload-push",
      caConfigMap: "registry-cas",
    };
    await stack.configure(config);
    await refused(
      /registry\.pushSecret: .*the cluster has no such Secret/,
      /registry\.caConfigMap: .*has no such ConfigMap/,
    );
  });

  test("preview says that neither cluster nor bastion trust the registry", async () => {
    await pushSecret(server.dockerConfig());
    await trust(server.ca);
    await refused(
      /image\.config\.openshift\.io\/cluster names none as spec\.additionalTrustedCA/,
      /this machine doesn't trust the authority that signed its certificate/,
    );
    await patch("images.config.openshift.io", { additionalTrustedCA: { name: "registry-cas" } });
  });

  test("preview tries the password", async () => {
    await pushSecret(server.dockerConfig("another-password"));
    await refused(/it answered 401: user and password of registry\.pushSecret are wrong/);
    await pushSecret(server.dockerConfig());
  });

  test("up builds into it, and loads from it", async () => {
    const { exitCode, output } = await stack.up();
    assert.equal(exitCode, 0, output);
    const proofs = await stack.proofs();
    assert.equal(proofs.length, 1);
    for (const { image } of proofs) {
      assert.ok(image.startsWith(`${server.host}/${path}:0.9.0.1-`), image);
      assert.match((await digestOf(image.slice(image.lastIndexOf(":") + 1))) ?? "", /^sha256:/);
    }
    const search = await searchOfRun(stack.sandbox, {})();
    assertInDebugLog("--event-log", search.in(await stack.lastEvents()));
    const streams = await stack.sandbox.kubectl(["get", "imagestreams", "-n", "onload-kmm", "-o", "name"]);
    assert.equal(streams, "");
  });

  test("a second up changes nothing, and the registry's password is in Secrets and sealed state alone", async () => {
    const { exitCode, output, steps } = await stack.up("--expect-no-changes");
    assert.equal(exitCode, 0, output);
    assert.deepEqual(steps, []);
    const shown = await stack.pulumi("stack", "export", "--show-secrets", "--stack", "dev");
    assertStateSecrets(secretsInState(shown.output), ["always", "registry"]);
    const search = await searchOfRun(stack.sandbox, {})();
    const inState = search.in(shown.output).map(({ secret }) => secret);
    assert.deepEqual(inState.sort(), ["registry's login", "registry's password", "signing key"]);
    assert.deepEqual(await leaksInFiles(stack.sandbox.dir, search, atHome), []);
    assert.deepEqual(await leaksInCluster(stack.sandbox, search), []);
    assert.deepEqual(leaksInText("output", stack.printed.join("\n"), search), []);
  });

  test("a forced rebuild makes another tag, and both are there", async () => {
    const old = (await stack.outputs())["image"] as string;
    const { exitCode, output } = await stack.up("--config", "onload-kmm:rebuild=1");
    assert.equal(exitCode, 0, output);
    const { image } = (await stack.outputs()) as { image: string };
    const proofs = await stack.proofs();
    assert.notEqual(image, old);
    const [stem, oldStem] = [image, old].map((each) => each.slice(0, each.indexOf("$")));
    for (const proof of proofs) {
      assert.ok(proof.image.startsWith(stem ?? "?"), proof.image);
      const before = proof.image.replace(stem ?? "?", oldStem ?? "?");
      assert.notEqual(await digestOf(before.slice(before.lastIndexOf(":") + 1)), undefined, before);
    }
  });

  test("destroy takes the stack's Secret and leaves the registry's images, which others may use", async () => {
    const [{ image } = assert.fail()] = await stack.proofs();
    const { exitCode, output } = await stack.destroy();
    assert.equal(exitCode, 0, output);
    const left = [...(await clusterObjects(stack.sandbox))].filter((object) => object.includes("onload-kmm/"));
    assert.deepEqual(left, []);
    assert.match((await digestOf(image.slice(image.lastIndexOf(":") + 1))) ?? "", /^sha256:/);
  });
});
