/** A sandbox's whole life, with the real programs: up, what must work in it, up again, a dead process, down. */
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { access, readFile } from "node:fs/promises";
import { request } from "node:https";
import { createServer } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { after, before, describe, test, type TestContext } from "node:test";
import { parse } from "yaml";
import { up } from "../../controlPlane/lifecycle.ts";
import { identify, type ProcessRecord } from "../../controlPlane/processes.ts";
import { servicesOf } from "../../controlPlane/services.ts";
import { readState } from "../../controlPlane/state.ts";
import { readAccess, type NodeAccess } from "../../nodes/access.ts";
import { isFree } from "../../ports.ts";
import { startSandbox, isWrite, type Sandbox } from "../../sandbox.ts";
import { configFileOf } from "../../stackConfig.ts";

const clusterId = "0b0c2c5e-9d5a-4a5e-8f0e-3f6d7b1a2c4d";

interface Kubeconfig {
  readonly clusters: [{ cluster: { server: string; "certificate-authority-data": string } }];
  readonly users: [{ user: { token: string } }];
}

describe("a sandbox's life", { concurrency: false }, () => {
  let sandbox: Sandbox;
  before(async () => {
    sandbox = await startSandbox({ clusterId, nodes: 2 });
  });
  after(async () => {
    await sandbox.stop({ purge: true });
  });

  async function processes(): Promise<Partial<Record<string, ProcessRecord>>> {
    return (await readState(sandbox.dir))?.processes ?? {};
  }

  function accessTo(node: string): NodeAccess {
    return readAccess(sandbox.dir).find(({ name }) => name === node) ?? assert.fail(node);
  }

  /** Status of a GET with this token, through the server that the kubeconfig names. */
  async function statusWith(token: string | undefined): Promise<number | undefined> {
    const config = parse(await readFile(sandbox.kubeconfig, "utf8")) as Kubeconfig;
    const { cluster } = config.clusters[0];
    const authorization = `Bearer ${token ?? config.users[0].user.token}`;
    const ca = Buffer.from(cluster["certificate-authority-data"], "base64");
    return new Promise((resolve, reject) => {
      const call = request(`${cluster.server}/api/v1/nodes`, { ca, headers: { authorization } }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      call.on("error", reject);
      call.end();
    });
  }

  test("the cluster's identity is the chosen one", async () => {
    assert.equal(await sandbox.kubectl(["get", "ns", "kube-system", "-o", "jsonpath={.metadata.uid}"]), clusterId);
  });

  test("it has the nodes that were asked for, all Ready", async () => {
    const names = await sandbox.kubectl(["get", "nodes", "-o", "jsonpath={.items[*].metadata.name}"]);
    assert.equal(names, "master-0 worker-1 worker-2");
    await sandbox.kubectl(["wait", "node", "--all", "--for=condition=Ready", "--timeout=120s"]);
  });

  test("the token opens it, another doesn't", async () => {
    assert.equal(await statusWith(undefined), 200);
    assert.equal(await statusWith("wrong"), 401);
  });

  test("a namespace is deleted to its end, with what is in it", async () => {
    await sandbox.kubectl(["create", "namespace", "short-lived"]);
    await sandbox.kubectl(["create", "configmap", "something", "-n", "short-lived"]);
    await sandbox.kubectl(["delete", "namespace", "short-lived", "--timeout=120s"]);
    await assert.rejects(sandbox.kubectl(["get", "namespace", "short-lived"]), /not found/);
  });

  test("a drain evicts pods as their disruption budget allows, and the cordon's taint is set", async () => {
    await sandbox.kubectl(["create", "namespace", "app"]);
    await sandbox.kubectl(["wait", "serviceaccount/default", "-n", "app", "--for=create", "--timeout=120s"]);
    await sandbox.kubectl(["apply", "-f", "-"], podWithBudget(1));
    await sandbox.kubectl(["wait", "pod/web", "-n", "app", "--for=condition=Ready", "--timeout=120s"]);
    const drain = ["drain", "worker-1", "--force", "--ignore-daemonsets"];
    await assert.rejects(sandbox.kubectl([...drain, "--timeout=20s"]), /disruption budget/);
    await sandbox.kubectl(["apply", "-f", "-"], podWithBudget(0));
    await sandbox.kubectl([...drain, "--timeout=120s"]);
    assert.equal(await sandbox.kubectl(["get", "pods", "-n", "app", "-o", "name"]), "");
    const taint = 'jsonpath={.spec.taints[?(@.key=="node.kubernetes.io/unschedulable")].effect}';
    await sandbox.kubectl(["wait", "node/worker-1", `--for=${taint}=NoSchedule`, "--timeout=120s"]);
    await sandbox.kubectl(["uncordon", "worker-1"]);
  });

  test("the audit log tells who wrote what, and a Node's new spec", async () => {
    const log = await sandbox.auditLog();
    const writes = log.filter((entry) => entry.user === "admin" && isWrite(entry));
    assert.ok(writes.some(({ verb, resource, name }) => `${verb} ${resource} ${name}` === "create namespaces app"));
    const cordons = writes.filter(({ resource, name }) => resource === "nodes" && name === "worker-1");
    const unschedulable = cordons.map(({ object }) => (object as { spec: { unschedulable?: boolean } }).spec);
    assert.deepEqual(
      unschedulable.map((spec) => spec.unschedulable ?? false),
      [true, false],
    );
  });

  test("no secret stands in a process's arguments", async () => {
    const tokens = (await readFile(join(sandbox.dir, "tokens.csv"), "utf8"))
      .trim()
      .split("\n")
      .map((line) => line.split(",")[0] ?? "");
    assert.equal(tokens.length, 7);
    for (const record of Object.values(await processes())) {
      const args = await readFile(`/proc/${record?.pid ?? 0}/cmdline`, "utf8");
      for (const token of tokens) assert.ok(!args.includes(token));
    }
  });

  test("everything listens on loopback only", async () => {
    const addresses = await listeners(Object.values(await processes()).map((record) => record?.pid ?? 0));
    assert.ok(addresses.length >= 4);
    for (const address of addresses) assert.match(address, /^(0100007F|00000000000000000000000001000000):/);
  });

  test("a second up starts nothing", async () => {
    const before = await processes();
    assert.deepEqual(await up(sandbox.dir, {}), []);
    assert.deepEqual(await processes(), before);
  });

  test("other options than the first are refused", async () => {
    await assert.rejects(up(sandbox.dir, { nodes: 3 }), /--nodes 3.*was made with 2.*down --purge/s);
  });

  test("up starts what has died, and leaves the rest alone", async () => {
    const before = await processes();
    await sandbox.kill("kwok");
    await sandbox.kill("stand-ins");
    assert.deepEqual(await up(sandbox.dir, {}), ["kwok", "stand-ins"]);
    const now = await processes();
    for (const name of ["etcd", "kube-apiserver", "kube-controller-manager"]) assert.deepEqual(now[name], before[name]);
    assert.equal(await statusWith(undefined), 200);
  });

  test("a paused API server doesn't answer, and does again when it goes on", async () => {
    await sandbox.pause("kube-apiserver");
    const api = (await sandbox.status()).find(({ name }) => name === "kube-apiserver");
    assert.equal(api?.health, "not ready");
    await sandbox.resume("kube-apiserver");
    assert.equal(await statusWith(undefined), 200);
  });

  test("objects and identity survive down and up", async () => {
    await sandbox.stop();
    assert.ok((await sandbox.status()).every(({ health }) => health === "stopped"));
    const state = (await readState(sandbox.dir)) ?? assert.fail();
    const all = servicesOf(state).map(({ name }) => name);
    assert.deepEqual(await up(sandbox.dir, {}), all);
    assert.equal(await sandbox.kubectl(["get", "ns", "kube-system", "-o", "jsonpath={.metadata.uid}"]), clusterId);
    assert.equal(await sandbox.kubectl(["get", "ns", "app", "-o", "name"]), "namespace/app\n");
  });

  test("ports that are taken while it is down are given up for others, and everything follows", async (t) => {
    const { ports: before } = (await readState(sandbox.dir)) ?? assert.fail();
    const [one, two] = [accessTo("worker-1"), accessTo("worker-2")];
    await sandbox.stop();
    const taken = [before.etcdPeer, before.gateway, one.sshPort, two.consolePort, portOf(one.bmc.url)].sort();
    for (const port of taken) await occupy(t, port);

    const { stderr, status } = await cli("up", "--dir", sandbox.dir);
    assert.equal(status, 0, stderr);
    const holder = `(taken by node, process ${process.pid})`;
    assert.ok(stderr.includes(`sandbox: ports ${taken.join(", ")} ${holder}: this sandbox has others now`), stderr);

    const { ports } = (await readState(sandbox.dir)) ?? assert.fail();
    const [oneNow, twoNow] = [accessTo("worker-1"), accessTo("worker-2")];
    const kept = [before.etcd, before.apiServer, one.consolePort, two.sshPort];
    assert.deepEqual([ports.etcd, ports.apiServer, oneNow.consolePort, twoNow.sshPort], kept, "these stay");
    const others = [ports.etcdPeer, ports.gateway, oneNow.sshPort, twoNow.consolePort, portOf(oneNow.bmc.url)];
    for (const port of others) assert.ok(!taken.includes(port), `${port} is somebody else's`);

    assert.equal(await statusWith(undefined), 200, "the kubeconfig names the gateway");
    assert.equal(await sandbox.kubectl(["get", "ns", "app", "-o", "name"]), "namespace/app\n");
    await sandbox.kubectl(["wait", "node", "--all", "--for=condition=Ready", "--timeout=30s"]);
    const config = await readFile(configFileOf(sandbox.dir), "utf8");
    assert.ok(config.includes(`address: ${oneNow.address}\n`) && config.includes(`127.0.0.1:${twoNow.consolePort}\n`));
    assert.ok(!config.includes(`:${one.sshPort}\n`), "the stack's configuration names no port of before");
  });

  test("down leaves no process, no listening port and, purged, no file", async () => {
    const state = await readState(sandbox.dir);
    assert.ok(state);
    await sandbox.stop({ purge: true });
    for (const record of Object.values(state.processes)) assert.notDeepEqual(identify(record.pid), record);
    const ports = Object.values(state.ports).filter((port) => port !== undefined);
    for (const port of ports) assert.ok(await isFree(port), `port ${port}`);
    const left = spawnSync("sh", ["-c", 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" "\\n"'], { encoding: "utf8" });
    assert.ok(!left.stdout.includes(sandbox.dir));
    await assert.rejects(access(sandbox.dir));
  });
});

test("two sandboxes that are made at the same moment share nothing", async () => {
  const started = await Promise.allSettled([startSandbox({ nodes: 2 }), startSandbox({ nodes: 2 })]);
  const sandboxes = started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  try {
    assert.deepEqual(
      started.map(({ status }) => status),
      ["fulfilled", "fulfilled"],
    );
    const ports = await Promise.all(sandboxes.map(portsOf));
    assert.equal(new Set(ports.flat()).size, ports.flat().length);
    for (const sandbox of sandboxes) {
      await sandbox.kubectl(["wait", "node", "--all", "--for=condition=Ready", "--timeout=30s"]);
    }
  } finally {
    await Promise.all(sandboxes.map((sandbox) => sandbox.stop({ purge: true })));
  }
});

async function portsOf({ dir }: Sandbox): Promise<number[]> {
  const ports = Object.values((await readState(dir))?.ports ?? {}).filter((port) => port !== undefined);
  const nodes = readAccess(dir);
  const bmcs = new Set(nodes.map(({ bmc }) => portOf(bmc.url)));
  return [...ports, ...bmcs, ...nodes.flatMap(({ sshPort, consolePort }) => [sshPort, consolePort])];
}

const portOf = (url: string): number => Number(new URL(url).port);

/** Somebody else listens there until the test ends. */
async function occupy(t: TestContext, port: number): Promise<void> {
  const server = createServer().listen(port, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
}

/** The sandbox's command line, in a process of its own. */
async function cli(...args: string[]): Promise<{ status: number | null; stderr: string }> {
  const child = spawn(process.execPath, ["sandbox/cli.ts", ...args], { stdio: ["ignore", "ignore", "pipe"] });
  const [stderr, [status]] = await Promise.all([text(child.stderr), once(child, "close") as Promise<[number | null]>]);
  return { status, stderr };
}

function podWithBudget(minAvailable: number): string {
  return `
apiVersion: v1
kind: Pod
metadata: { name: web, namespace: app, labels: { app: web } }
spec: { nodeName: worker-1, containers: [{ name: web, image: web }] }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web, namespace: app }
spec: { minAvailable: ${minAvailable}, selector: { matchLabels: { app: web } } }
`;
}

/** Local addresses (hex, as in /proc/net/tcp) on which these processes listen. */
async function listeners(pids: readonly number[]): Promise<string[]> {
  const found = spawnSync("ls", ["-l", ...pids.map((pid) => `/proc/${pid}/fd`)], { encoding: "utf8" }).stdout;
  const sockets = new Set([...found.matchAll(/socket:\[(\d+)\]/g)].map((match) => match[1]));
  const tables = await Promise.all(
    ["tcp", "tcp6"].map((name) => readFile(`/proc/net/${name}`, "utf8").catch(() => "")),
  );
  return tables
    .join("\n")
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === "0A" && sockets.has(fields[9] ?? ""))
    .map((fields) => fields[1] ?? "");
}
