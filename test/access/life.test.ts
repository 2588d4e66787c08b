/**
 * A whole life of a stack under an account that has the rights of core/cluster/rights.ts and no others, each of which is
 * needed. docs/access.md has the table.
 */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { after, before, describe, test } from "node:test";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import { rbacManifests } from "../../core/cluster/rbacManifests.ts";
import { inWords } from "../../core/cluster/rightsGranted.ts";
import { start } from "../faults/running.ts";
import { driverToolkit, nextRelease } from "../faults/scene.ts";
import { compareTable } from "./table.ts";
import { Account, isForWords } from "./account.ts";
import { namespace, other, plain, registry } from "./settings.ts";
import { writesBy } from "../stack/cluster.ts";
import { startStack, type Outcome, type Stack } from "../stack/stack.ts";

/** On a node that is drained: a pod that is evicted, and one that a DaemonSet answers for. */
const daemonSet = { apiVersion: "apps/v1", kind: "DaemonSet", name: "agent", uid: "", controller: true };
const podOf = (name: string, ownerReferences: readonly object[]) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace: "default", ownerReferences },
  spec: { nodeName: "worker-1", containers: [{ name: "main", image: "registry.example.com/app" }] },
});

describe("an account with just the rights that a stack needs", { concurrency: false }, () => {
  let stack: Stack;
  let account: Account;

  before(async () => {
    stack = await startStack({
      nodes: 3,
      secureBoot: true,
      configure: ({ config }) => {
        config["onload-kmm:enrolment"] = { mode: "console" };
      },
    });
    account = await Account.make(stack.sandbox, plain);
    await change({ cluster: (cluster) => ({ ...(cluster as object), kubeconfig: account.kubeconfig }) });
  });
  after(() => stack.end());

  async function change(by: Readonly<Record<string, (value: unknown) => unknown>>): Promise<void> {
    const config = await stack.config();
    for (const [key, to] of Object.entries(by))
      config.config[`onload-kmm:${key}`] = to(config.config[`onload-kmm:${key}`]);
    await stack.configure(config);
  }

  const listed =
    (...names: readonly string[]) =>
    (nodes: unknown) =>
      (nodes as { name: string }[]).filter(({ name }) => names.includes(name));

  async function passes(verb: "preview" | "up" | "destroy", ...args: string[]): Promise<Outcome> {
    const outcome = await account.during(verb, () => stack[verb](...args));
    assert.equal(outcome.exitCode, 0, outcome.output);
    assert.doesNotMatch(outcome.output, /forbidden/i);
    return outcome;
  }

  test("other settings' rights are asked for, and then granted", async () => {
    const own = await stack.config();
    const login = ["--docker-server=127.0.0.1:1", "--docker-username=u", "--docker-password=p"];
    await stack.sandbox.kubectl([
      "create",
      "secret",
      "docker-registry",
      "onload-push",
      "-n",
      "openshift-config",
      ...login,
    ]);
    await change({ build: (build) => ({ ...(build as object), strategy: "entitled-ubi" }), registry: () => registry });
    const refused = await stack.preview();
    assert.match(
      refused.output,
      /may not:\n(.*\n)*? +get secrets "etc-pki-entitlement" in namespace openshift-config-m/,
    );
    await account.grant(other);
    const { output } = await account.during("preview", () => stack.preview());
    // Nobody serves there.
    assert.match(output, /OKMM-REGISTRY-ACCESS/);
    assert.doesNotMatch(output, /forbidden|may not:/i);
    await change({ registry: () => undefined });
    await account.grant({ ...other, registry: undefined });
    await passes("preview");
    await stack.configure(own);
    await account.grant(plain);
  });

  test("preview, the first up, which enrols the key, and another one", async () => {
    await change({ nodes: listed("worker-1", "worker-2") });
    await placePods();
    await passes("preview");
    await passes("up");
    await passes("up", "--expect-no-changes");
    const shown = await account.during("status", () => script("status"));
    assert.match(shown, /2 of 2 on OpenOnload 0\.9\.0\.1/);
    assert.equal(await script("rbac"), rbacManifests({ ...plain, nextKernels: false, stack: "dev" }));
  });

  async function placePods(): Promise<void> {
    const create = (object: object) =>
      stack.sandbox.kubectl(["create", "-f", "-", "-o", "jsonpath={.metadata.uid}"], JSON.stringify(object));
    const labels = { app: "agent" };
    const template = { metadata: { labels }, spec: podOf("", []).spec };
    const metadata = { name: "agent", namespace: "default" };
    const { apiVersion, kind } = daemonSet;
    const uid = await create({ apiVersion, kind, metadata, spec: { selector: { matchLabels: labels }, template } });
    await create(podOf("agent-1", [{ ...daemonSet, uid }]));
    await create(podOf("app-1", []));
  }

  /** As on a bastion: the sandbox's own way for scripts goes by its administrator's kubeconfig. */
  async function script(name: string): Promise<string> {
    const args = [`scripts/${name}.ts`, "--stack", "dev", "--config-file", stack.configFile];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env: stack.sandbox.env, cwd: projectRoot });
    return stdout;
  }

  test("without the rights that are for words: a rebuild, an image for the next kernel, another token", async () => {
    await account.take(plain, isForWords);
    await account.renew();
    await change({
      build: (build) => ({ ...(build as object), nextKernels: [{ kernel: nextRelease.kernel, driverToolkit }] }),
      rebuild: () => 1,
    });
    await passes("up");
    await account.grant(plain);
  });

  test("a right that is lost during an up is named by the step, and the next up goes on", async () => {
    await change({ rebuild: () => 2 });
    const running = start(stack, "up");
    assert.ok(await running.says(/worker-1: draining/), running.output);
    await account.take(plain, ({ verb, resource }) => verb === "patch" && resource === "nodes");
    const { exitCode, output } = await running.end();
    assert.notEqual(exitCode, 0);
    assert.match(output, /nodes "worker-\d" is forbidden: .* cannot patch resource "nodes" .*at the cluster scope/);
    await account.grant(plain);
    await passes("up");
  });

  test("a node that leaves, and a Module that somebody deleted", async () => {
    await change({ nodes: listed("worker-1") });
    await passes("up");
    await stack.sandbox.kubectl(["delete", "modules.kmm.sigs.x-k8s.io", "onload", "-n", namespace, "--wait=false"]);
    const { output } = await passes("preview");
    assert.match(output, /OKMM-OBJECTS-DELETED/);
    await passes("up");
  });

  test("destroy, and not without the namespace", async () => {
    await passes("destroy");
    const { exitCode, output } = await stack.preview();
    assert.notEqual(exitCode, 0);
    assert.match(
      output,
      /may not:\n(.*\n)*? +get, create, patch, delete, list, watch secrets in namespace onload-kmm\n/,
    );
    assert.match(output, /npm run rbac.*\[OKMM-CLUSTER-RIGHTS\]/s);
  });

  test("several taken away are one message, and nothing is changed", async () => {
    await account.grant(plain);
    const taken = ["leases.coordination.k8s.io", "pods/eviction", "builds.build.openshift.io"];
    await account.take(plain, (need) => taken.some((kind) => inWords([need]).join().includes(kind)));
    await account.missing(plain, (found) => found.length > 1);
    const before = (await stack.sandbox.auditLog()).length;
    const { exitCode, output } = await stack.up();
    assert.notEqual(exitCode, 0);
    assert.match(output, /may not:\n +create pods\/eviction in the whole cluster\n/);
    assert.match(
      output,
      /\n +get, create, update, patch, delete leases\.coordination\.k8s\.io in namespace kube-node-lease\n/,
    );
    assert.match(output, /\n +get, list, patch builds\.build\.openshift\.io in namespace onload-kmm\n/);
    assert.deepEqual(writesBy(account.user, (await stack.sandbox.auditLog()).slice(before)), []);
  });

  test("the page has every right, and the commands that used it", async () => {
    await compareTable([plain, other], account);
  });
});
