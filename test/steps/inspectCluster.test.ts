import assert from "node:assert/strict";
import { test } from "node:test";
import { FakeNode } from "../assets/node/fakeNode.ts";
import { FakeCluster, type Given } from "./fakeCluster.ts";
import { clusterVersion, goodCluster, groups, inspect, node, operator } from "./inspecting.ts";
import { anotherKey, startNode } from "./node/sshNode.ts";

test("a cluster as it should be has no problems, and says who its nodes are", async (t) => {
  assert.deepEqual(await inspect(goodCluster(t)), {
    problems: [],
    warnings: [],
    nodes: [
      {
        node: {
          metadata: { name: "worker-1", uid: "uid-worker-1", labels: {}, annotations: {} },
          spec: {},
          status: {
            nodeInfo: { machineID: "m", systemUUID: "s", kernelVersion: "5.14.0-1.el9_6.x86_64", bootID: "b" },
            conditions: [{ type: "Ready", status: "True" }],
          },
        },
      },
    ],
    certificate: "",
    remade: {},
    spoilt: [],
    signed: [],
    kernels: ["5.14.0-1.el9_6.x86_64"],
    leaving: [],
    updatingPools: [],
  });
});

test("nodes of the stack that aren't listed leave, and pools that are updated are named", async (t) => {
  const cluster = goodCluster(t);
  const stack = (value: string) => ({ labels: { "onload-kmm.io/stack": value, "node-role.kubernetes.io/worker": "" } });
  cluster.change("Node", "worker-1", ({ metadata }) => Object.assign(metadata, stack("prod")));
  cluster.put({ ...node, metadata: { name: "worker-8", ...stack("prod") } });
  cluster.put({ ...node, metadata: { name: "worker-9", ...stack("another") } });
  cluster.change("MachineConfigPool", "worker", (pool) => {
    pool["status"] = { conditions: [{ type: "Updating", status: "True" }] };
  });
  const { leaving, updatingPools } = await inspect(cluster);
  assert.deepEqual({ leaving, updatingPools }, { leaving: ["worker-8"], updatingPools: ["worker"] });
});

const pem = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
const ownModule: Given = {
  kind: "Module",
  metadata: { name: "onload", namespace: "onload-kmm", labels: { "onload-kmm.io/stack": "prod" } },
  spec: {
    moduleLoader: {
      serviceAccountName: "onload-kmm-module",
      container: {
        kernelMappings: [
          {
            build: { dockerfileConfigMap: { name: "onload-dockerfile-1" } },
            sign: { keySecret: { name: "onload-signing-key-1" }, certSecret: { name: "onload-signing-cert-1" } },
          },
        ],
      },
    },
  },
};
const own = (kind: string, name: string, more: object = {}): Given => ({
  kind,
  metadata: { name, namespace: "onload-kmm" },
  ...more,
});

test("what the Module stands on is looked for, by name; the certificate alone is read", async (t) => {
  const cluster = goodCluster(t);
  cluster.put(
    ownModule,
    { kind: "Namespace", metadata: { name: "onload-kmm", labels: { "onload-kmm.io/stack": "prod" } } },
    own("ServiceAccount", "onload-kmm-module"),
    own("RoleBinding", "onload-kmm-module-privileged"),
    own("BuildConfig", "onload-srpm"),
    own("Secret", "onload-signing-cert-1", { data: { cert: Buffer.from(pem).toString("base64") } }),
    own("ConfigMap", "onload-dockerfile-1"),
  );
  const { warnings, certificate, remade } = await inspect(cluster);
  assert.equal(certificate, pem);
  const gone = { since: remade["source-stream"]?.since ?? assert.fail(), isGone: true };
  assert.deepEqual(remade, { "source-stream": gone, "signing-key": gone });
  assert.deepEqual(
    warnings.map((warning) => warning.replace(/; `up`.*/, "")),
    [
      "cluster: deleted by hand in namespace onload-kmm: imagestream.image.openshift.io/onload-srpm, secret/onload-signing-key-1",
    ],
  );
  const read = cluster.commands.filter((command) => /secret/.test(command) && / -o json/.test(command));
  assert.deepEqual(read, ["get secrets onload-signing-cert-1 -n onload-kmm -o json --ignore-not-found"]);
});

test("a Module that is gone is missed where a node still has its version", async (t) => {
  const cluster = goodCluster(t);
  const label = "kmm.node.kubernetes.io/version-module.onload-kmm.onload";
  cluster.change("Node", "worker-1", ({ metadata }) => (metadata.labels = { [label]: "v1" }));
  const since = "2026-11-25T03:00:00.000Z";
  const own = { "onload-kmm.io/stack": "prod" };
  const annotations = { "remade.onload-kmm.io/source-build": since, "remade.onload-kmm.io/module": since };
  cluster.put({ kind: "Namespace", metadata: { name: "onload-kmm", labels: own, annotations } });
  for (const [kind, name] of [
    ["ServiceAccount", "onload-kmm-module"],
    ["RoleBinding", "onload-kmm-module-privileged"],
    ["ImageStream", "onload-srpm"],
    ["BuildConfig", "onload-srpm"],
    ["Secret", "onload-signing-key-1"],
    ["Secret", "onload-signing-cert-1"],
  ] as const) {
    cluster.put({ kind, metadata: { name, namespace: "onload-kmm", labels: own } });
  }
  const { warnings, remade } = await inspect(cluster);
  assert.match(
    warnings.join(),
    /deleted by hand in namespace onload-kmm: module\.kmm\.sigs\.x-k8s\.io\/onload, configmap\/onload-dockerfile-…;/,
  );
  assert.deepEqual(remade["source-build"], { since, isGone: false });
  assert.equal(remade.module?.isGone, true);
  assert.notEqual(remade.module.since, since);
});

test("a look changes nothing", async (t) => {
  const cluster = goodCluster(t);
  await inspect(cluster);
  const isQuestion = ({ argv, stdin }: (typeof cluster.calls)[number]) =>
    argv[4] === "get" || (JSON.parse(stdin) as { items: { kind: string }[] }).items.every(isReview);
  const isReview = ({ kind }: { kind: string }) => kind === "SelfSubjectRulesReview";
  assert.deepEqual(
    cluster.calls.filter((call) => !isQuestion(call)),
    [],
  );
});

test("another cluster is a finding, and nothing more is asked of it", async (t) => {
  const cluster = goodCluster(t);
  const { problems, nodes } = await inspect(cluster, { access: { ...cluster.access, id: "another" } });
  assert.equal(problems.length, 1);
  assert.match(
    problems[0] ?? "",
    /^cluster: wrong cluster: .*but onload-kmm:cluster\.id is another; nothing was changed/,
  );
  assert.deepEqual(nodes, []);
  assert.equal(cluster.calls.length, 1);
});

test("a refusal in the middle is a finding, not a crash", async (t) => {
  const cluster = goodCluster(t);
  cluster.fail(
    "get .*nodes",
    'Error from server (Forbidden): nodes is forbidden: User "dev" cannot list resource "nodes"',
    Infinity,
  );
  const { problems } = await inspect(cluster);
  assert.match(problems[0] ?? "", /^cluster: kubectl get nodes -o json: .*User "dev" cannot list/);
});

test("kinds that the cluster doesn't have aren't asked for", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.answerRaw("apis", JSON.stringify({ groups: [{ name: "apps" }] }));
  cluster.put(node);
  const { problems } = await inspect(cluster);
  assert.equal(problems.length, 2);
  assert.match(problems[0] ?? "", /Kernel Module Management operator isn't installed/);
  assert.match(problems[1] ?? "", /no ClusterVersion/);
  assert.ok(!cluster.commands.some((command) => /kmm\.sigs|openshift\.io|operators\.coreos/.test(command)));
});

test("a hosted cluster, of which some groups have fewer kinds, is said to be one", async (t) => {
  const cluster = goodCluster(t);
  for (const kind of ["machineconfigpools", "clusteroperators"]) {
    cluster.fail(`get .*${kind}`, `error: the server doesn't have a resource type "${kind}"`, Infinity);
  }
  const { problems, warnings } = await inspect(cluster);
  assert.deepEqual(problems, []);
  assert.equal(warnings.length, 1);
  assert.match(warnings[0] ?? "", /no MachineConfigPools, as one with a hosted control plane/);
});

test("pools that may not be read are no absent ones", async (t) => {
  const cluster = goodCluster(t);
  const refusal = "Error from server (Forbidden): machineconfigpools is forbidden";
  cluster.fail("get .*machineconfigpools", refusal, Infinity);
  const { problems } = await inspect(cluster);
  assert.match(problems[0] ?? "", /machineconfigpools is forbidden/);
});

test("what is found is judged: operator, capabilities, registry, a Module in the way, a misspelt node", async (t) => {
  const cluster = new FakeCluster(t);
  cluster.answerRaw("apis", JSON.stringify({ groups: groups.map((name) => ({ name })) }));
  cluster.put(
    node,
    operator("2.3.0"),
    clusterVersion("Build"),
    { kind: "Config", metadata: { name: "cluster" }, spec: { managementState: "Removed" } },
    { kind: "Namespace", metadata: { name: "onload-kmm" } },
    { kind: "Module", metadata: { name: "onload", namespace: "default" }, spec: {} },
  );
  const { problems } = await inspect(cluster, {
    change: { strategy: "entitled-ubi", nodes: [{ name: "worker-9", hold: false }] },
  });
  const expected = [
    /found KMM 2\.3\.0/,
    /capability ImageRegistry/,
    /registry is Removed/,
    /no SecurityContextConstraints/,
    /namespace onload-kmm exists/,
    /Module default\/onload/,
    /no Secret etc-pki-entitlement/,
    /found "worker-9"/,
  ];
  assert.equal(problems.length, expected.length, problems.join("\n"));
  problems.forEach((problem, index) => assert.match(problem, expected[index] ?? /^$/));
});

test("the entitlement is looked for where OpenShift keeps it", async (t) => {
  const cluster = goodCluster(t);
  cluster.put({ kind: "Secret", metadata: { name: "etc-pki-entitlement", namespace: "openshift-config-managed" } });
  assert.deepEqual((await inspect(cluster, { change: { strategy: "entitled-ubi" } })).problems, []);
});

test("Secrets are asked for by name only, and only where they are needed", async (t) => {
  const cluster = goodCluster(t);
  const asked = () => cluster.commands.filter((command) => command.includes("secret"));
  await inspect(cluster);
  assert.deepEqual(asked(), []);
  await inspect(cluster, { change: { strategy: "entitled-ubi" } });
  assert.equal(asked().length, 1);
  assert.match(asked()[0] ?? "", / -o name /);
});

const consent = { ownNetworkOnSolarflare: false, withoutPorts: false };

test("a node that is away is a warning, and the others' look goes on", async (t) => {
  const { host, target } = await startNode(t);
  await host.stop();
  const { problems, warnings, nodes } = await inspect(goodCluster(t), {
    machines: [{ name: "worker-1", consent, ...target }],
  });
  assert.deepEqual(problems, []);
  assert.equal(warnings.length, 1);
  assert.match(
    warnings[0] ?? "",
    /^worker-1: 127\.0\.0\.1:\d+: no SSH connection .*; set its `hold: true` to continue without it \[OKMM-SSH-AWAY\]$/,
  );
  assert.equal(nodes.length, 1);
});

test("a node with another host key is a problem, and is sent nothing", async (t) => {
  const { host, target } = await startNode(t);
  const hostKey = anotherKey().public.split(" ").slice(0, 2).join(" ");
  const machines = [{ name: "worker-1", consent, ...target, hostKey }];
  const { problems, warnings } = await inspect(goodCluster(t), { machines });
  assert.deepEqual(warnings, []);
  assert.match(
    problems.join(),
    /^worker-1: .*its SSH host key is not the configured ssh-ed25519 one; nothing was sent/,
  );
  assert.equal(host.commands(), 0);
});

test("a node that lets us in is asked what it runs, once", async (t) => {
  const node = new FakeNode();
  t.after(() => node.remove());
  node.file("root/proc/sys/kernel/osrelease", "5.14.0-1.el9_6.x86_64\n");
  node.file("root/etc/machine-id", "m\n");
  node.file("root/sys/class/dmi/id/product_uuid", "s\n");
  node.file("boot-entries", "BootCurrent: 0001\nBootOrder: 0001\nBoot0001* RHEL\tHD(1)/File(shimx64.efi)\n");
  const { host, target } = await startNode(t, node.environment);
  const { problems, warnings, nodes } = await inspect(goodCluster(t), {
    machines: [{ name: "worker-1", consent: { ...consent, withoutPorts: true }, ...target }],
  });
  assert.deepEqual([problems, warnings], [[], []]);
  assert.equal(host.commands(), 1);
  assert.ok("driver" in (nodes[0]?.machine ?? {}));
});

test("a node whose tools fail is a warning, too: what is wrong there keeps the others from nothing", async (t) => {
  const { target } = await startNode(t, { PATH: "/nowhere" });
  const { problems, warnings, nodes } = await inspect(goodCluster(t), {
    machines: [{ name: "worker-1", consent, ...target }],
  });
  assert.deepEqual(problems, []);
  assert.match(warnings.join(), /^worker-1: .*state.*; `up` stops at this node's turn/s);
  assert.ok("unreachable" in (nodes[0]?.machine ?? {}));
});
