import assert from "node:assert/strict";
import { symlinkSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { connect, Kubectl, type KubeObject } from "../../../steps/cluster/kubectl.ts";
import { isNoKubeconfig, isUnknownContext } from "../../../steps/cluster/kubectlError.ts";
import { StepError } from "../../../steps/lib/step.ts";
import { FakeCluster } from "../fakeCluster.ts";

const refused = "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host or port?";

/** That a rejection is a mistake of the user's or the cluster's, told by a message that fits. */
const told = (message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof StepError, String(error));
  assert.match(error.message, message);
  return true;
};

test("the stack's own cluster is let through, after one question", async (t) => {
  const cluster = new FakeCluster(t);
  await connect(cluster.access);
  assert.deepEqual(cluster.commands, ["get namespace kube-system -o jsonpath={.metadata.uid}"]);
});

test("another cluster is refused before anything else is asked of it", async (t) => {
  const cluster = new FakeCluster(t);
  const id = "00000000-0000-4000-8000-000000000000";
  await assert.rejects(
    connect({ ...cluster.access, id }),
    told(
      /^wrong cluster: context "fake" of .*kubeconfig leads to the cluster 7d1f3c52-\S+, but onload-kmm:cluster\.id is 00000000-/,
    ),
  );
  assert.equal(cluster.calls.length, 1);
});

test("a context that is gone is told at once, with those that are there", async (t) => {
  const cluster = new FakeCluster(t);
  await assert.rejects(
    connect({ ...cluster.access, context: "other" }),
    told(/^onload-kmm:cluster\.context: found "other", expected one of the contexts in \S+: admin, fake$/),
  );
  assert.equal(cluster.calls.length, 2);
});

test("an unknown context, and a kubeconfig that isn't there, are known by kubectl's words and by oc's", () => {
  for (const [words, is] of [
    ["kubectl get ns: Error in configuration: context was not found for specified context: prod", true],
    ['oc get ns: error: context "prod" does not exist', true],
    ['kubectl get ns: Error from server (NotFound): namespaces "context" not found', false],
  ] as const) {
    assert.equal(isUnknownContext(words), is, words);
  }
  assert.ok(isNoKubeconfig("kubectl get ns: error: stat /no/such: no such file or directory"));
  assert.ok(!isNoKubeconfig("kubectl get ns: Error from server: stat of /var: no such file or directory"));
});

test("every command names kubeconfig and context, so that the current context never counts", async (t) => {
  const cluster = new FakeCluster(t);
  const kubectl = await connect(cluster.access);
  await kubectl.list("nodes");
  const { kubeconfig, context } = cluster.access;
  for (const { argv } of cluster.calls) {
    assert.deepEqual(argv.slice(0, 4), ["--kubeconfig", kubeconfig, "--context", context]);
  }
});

const comesBack = [
  refused,
  "Unable to connect to the server: dial tcp 10.0.0.1:6443: i/o timeout",
  "Unable to connect to the server: EOF",
  "Unable to connect to the server: net/http: TLS handshake timeout",
  "error: unable to read: read tcp 10.0.0.1:443: connection reset by peer",
  "Error from server (ServiceUnavailable): the server is currently unable to handle the request",
  "Error from server: etcdserver: request timed out",
  'Error from server: rpc error: code = Unavailable desc = connection error: desc = "transport: Error while dialing: dial tcp 127.0.0.1:2379: connect: connection refused"',
];
test("an API server that is away is waited for, whatever kubectl calls it", async (t) => {
  await Promise.all(
    comesBack.map(async (message) => {
      const cluster = new FakeCluster(t);
      cluster.fail("get nodes", message);
      const kubectl = await connect(cluster.access);
      assert.deepEqual(await kubectl.list("nodes"), []);
      assert.equal(cluster.calls.length, 3);
    }),
  );
});

const refusals = [
  'Error from server (Forbidden): nodes is forbidden: User "x" cannot list resource "nodes"',
  "Unable to connect to the server: x509: certificate signed by unknown authority",
  "Unable to connect to the server: tls: failed to verify certificate",
  "Unable to connect to the server: getting credentials: exec: executable aws not found",
];
for (const message of refusals) {
  test(`"${message.slice(0, 60)}…" is no reason to wait`, async (t) => {
    const cluster = new FakeCluster(t);
    cluster.fail("get nodes", message, 5);
    const kubectl = await connect(cluster.access);
    await assert.rejects(
      kubectl.list("nodes"),
      (error: Error) => error.message === `kubectl get nodes -o json: ${message}`,
    );
    assert.equal(cluster.calls.length, 2);
  });
}

test("an expired login is told once, without the client library's log, and with the remedy", async (t) => {
  const cluster = new FakeCluster(t);
  const login =
    "error: You must be logged in to the server (the server has asked for the client to provide credentials)";
  const log = 'E1124 07:18:46.906954   11500 memcache.go:265] "Unhandled Error" err="couldn\'t get current server API"';
  cluster.fail("get modules", [log, log, login].join("\n"), 5);
  const kubectl = await connect(cluster.access);
  await assert.rejects(
    kubectl.list("modules"),
    (error: Error) =>
      error.message ===
      `kubectl get modules -o json: ${login}; the kubeconfig's token or certificate has expired: log in again, then run the same command again`,
  );
});

const unknownKind = 'error: the server doesn\'t have a resource type "modules"';

test("a kind that a ready API server doesn't have is no reason to wait", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.fail("get modules", unknownKind, 5);
  cluster.fail("get --raw /readyz", "Error from server (Forbidden): no", 5);
  const kubectl = await connect(cluster.access);
  await assert.rejects(kubectl.list("modules"), told(/doesn't have a resource type/));
  assert.equal(cluster.commands.filter((command) => command.startsWith("get modules")).length, 1);
});

test("a kind that an API server doesn't have after its start is waited for", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.fail("get nodes", refused);
  cluster.fail("get nodes", unknownKind);
  const kubectl = await connect(cluster.access);
  assert.deepEqual(await kubectl.list("nodes"), []);
  const starting = new FakeCluster(t);
  starting.fail("get nodes", unknownKind);
  starting.fail("get --raw /readyz", "Error from server (InternalError): an error on the server (readyz check failed)");
  assert.deepEqual(await (await connect(starting.access)).list("nodes"), []);
});

test("an API server that stays away is given up on when patience ends", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.fail("get", refused, 100);
  await assert.rejects(connect(cluster.access, 1), told(/was refused/));
  assert.equal(cluster.calls.length, 2);
});

test("what goes through stdin stands in no command line", async (t) => {
  const cluster = new FakeCluster(t);
  const kubectl = await connect(cluster.access);
  const secret = { kind: "Secret", metadata: { name: "a", namespace: "b" }, data: { password: "hunter2" } };
  await kubectl.run(["create", "-f", "-"], JSON.stringify(secret));
  assert.deepEqual(cluster.find("Secret", "a")?.["data"], { password: "hunter2" });
  assert.ok(!cluster.calls.some(({ argv }) => argv.join(" ").includes("hunter2")));
});

test("an error's message holds nothing that went through stdin", async (t) => {
  const cluster = new FakeCluster(t);
  const kubectl = await connect(cluster.access);
  cluster.fail("create", "Error from server (Forbidden): no");
  const secret = '{"data":"hunter2"}';
  await assert.rejects(kubectl.run(["create", "-f", "-"], secret), (error: Error) => {
    assert.equal(error.message, "kubectl create -f -: Error from server (Forbidden): no");
    return true;
  });
});

test("an object that isn't there is undefined, one that is comes whole", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.put({ kind: "ConfigMap", metadata: { name: "a", namespace: "ns" }, data: { x: "1" } });
  const kubectl = await connect(cluster.access);
  assert.equal(await kubectl.get("configmaps", "b", "ns"), undefined);
  assert.equal(await kubectl.get("configmaps", "a", "elsewhere"), undefined);
  const found = await kubectl.get<KubeObject & { data: unknown }>("configmaps", "a", "ns");
  assert.deepEqual(found?.data, { x: "1" });
});

test("a kind that the cluster doesn't know counts as none of it, where that is asked for", async (t) => {
  const cluster = new FakeCluster(t);
  const kubectl = await connect(cluster.access);
  cluster.fail("get modules", 'error: the server doesn\'t have a resource type "modules"');
  assert.deepEqual(await kubectl.listKnown("modules"), []);
  cluster.fail("get modules", "Error from server (Forbidden): no");
  await assert.rejects(kubectl.listKnown("modules"), told(/Forbidden/));
});

test("a kubeconfig below ~ is looked for at home", () => {
  const kubectl = new Kubectl({ kubeconfig: "~/kube/config", context: "fake", id: "" }, 0);
  const child = kubectl.stream(["version"]);
  child.on("error", () => undefined).kill();
  assert.ok(child.spawnargs.includes(join(homedir(), "kube/config")));
});

/** Sets PATH for one test. */
function withPath(t: { after: (undo: () => void) => void }, path: string): void {
  const before = process.env["PATH"];
  process.env["PATH"] = path;
  t.after(() => (process.env["PATH"] = before));
}

test("where there is no kubectl, oc does", async (t) => {
  const cluster = new FakeCluster(t);
  symlinkSync(join(import.meta.dirname, "../fakeKubectl/bin/kubectl"), join(cluster.directory, "oc"));
  withPath(t, cluster.directory);
  assert.ok(await connect(cluster.access));
});

test("where there is neither, the message says what to install", async (t) => {
  const cluster = new FakeCluster(t);
  withPath(t, cluster.directory);
  await assert.rejects(connect(cluster.access), told(/^neither kubectl nor oc is on PATH; install one of them/));
});
