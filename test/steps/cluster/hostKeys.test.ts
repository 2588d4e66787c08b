import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { readHostKeys, toolsImage } from "../../../steps/cluster/hostKeys.ts";
import { connect, type Kubectl } from "../../../steps/cluster/kubectl.ts";
import { StepError } from "../../../steps/lib/step.ts";
import { FakeCluster } from "../fakeCluster.ts";

const ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPFLzwBSLxnEUDoL8AiL5LxpgO9vIJ1VnR5uaKYhcSZy";
const rsa = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7";

async function start(t: TestContext): Promise<{ cluster: FakeCluster; kubectl: Kubectl }> {
  const cluster = new FakeCluster(t);
  return { cluster, kubectl: await connect(cluster.access) };
}

/** As kubelets would: the state of each node's pod's container, as soon as the pod is there. */
function play(cluster: FakeCluster, states: Readonly<Record<string, object>>): void {
  cluster.onCall(() => {
    Object.values(states).forEach((state, index) => {
      cluster.change("Pod", `host-keys-${index}`, (pod) => (pod["status"] = { containerStatuses: [{ state }] }));
    });
  });
}

const ended = (message: string, exitCode = 0) => ({
  terminated: { exitCode, reason: exitCode === 0 ? "Completed" : "Error", message },
});

function read(kubectl: Kubectl, nodes: readonly string[], stop = new AbortController().signal) {
  return readHostKeys(kubectl, nodes, { image: "tools", stop });
}

/** The namespaces that were made, and that are there no more. */
function assertGone(cluster: FakeCluster): void {
  const made = cluster.calls.flatMap(({ stdin }) =>
    stdin.includes('"kind":"Namespace"') ? [JSON.parse(stdin) as { metadata: { name: string } }] : [],
  );
  assert.equal(made.length, 1);
  assert.equal(cluster.find("Namespace", made[0]?.metadata.name ?? ""), undefined);
}

test("each node's keys are what its pod tells, the best first, and the namespace goes", async (t) => {
  const { cluster, kubectl } = await start(t);
  play(cluster, { w1: ended(`${rsa} root@w1\n${ed25519} \n`), w2: ended(`${rsa}\n`) });
  assert.deepEqual(
    await read(kubectl, ["w1", "w2"]),
    new Map([
      ["w1", [ed25519, rsa]],
      ["w2", [rsa]],
    ]),
  );
  assertGone(cluster);
});

test("every node that fails is named with why, and the namespace goes", async (t) => {
  const { cluster, kubectl } = await start(t);
  play(cluster, {
    w1: ended("cat: x: Permission denied\n", 1),
    w2: ended(`${ed25519}\n`),
    w3: ended("ssh-dss AAAA\n"),
  });
  await assert.rejects(read(kubectl, ["w1", "w2", "w3"]), (error: Error) => {
    assert.ok(error instanceof StepError);
    assert.match(
      error.message,
      /^host keys: not read on w1: Error: cat: x: Permission denied; w3: no key of a known type in \/etc\/ssh; take /,
    );
    return true;
  });
  assertGone(cluster);
});

test("a pod that never starts is waited for, but not for ever", async (t) => {
  const { cluster, kubectl } = await start(t);
  play(cluster, { w1: ended(`${ed25519}\n`), w2: { waiting: { reason: "ImagePullBackOff", message: "denied" } } });
  await assert.rejects(
    read(kubectl, ["w1", "w2"]),
    /^Error: timed out after 180 s waiting for host keys: w2: ImagePullBackOff: denied; leave them out/,
  );
  assertGone(cluster);
});

test("stopped, it gives up at once, and the namespace goes", async (t) => {
  const { cluster, kubectl } = await start(t);
  const stopping = new AbortController();
  cluster.onCall(() => {
    if (cluster.commands.some((command) => command.startsWith("get pods")))
      stopping.abort(new StepError("OKMM-INIT-STOPPED", "stopped"));
  });
  await assert.rejects(read(kubectl, ["w1"], stopping.signal), /^Error: stopped$/);
  assertGone(cluster);
});

test("without the rights the way round is named", async (t) => {
  const { cluster, kubectl } = await start(t);
  cluster.fail("create", 'Error from server (Forbidden): namespaces is forbidden: User "u" cannot create resource');
  await assert.rejects(
    read(kubectl, ["w1"]),
    /needs cluster-admin, .*--host-keys keyscan.*\n.*cannot create resource/s,
  );
});

test("the image is the release's own tools", async (t) => {
  const { cluster, kubectl } = await start(t);
  await assert.rejects(toolsImage(kubectl), /^Error: the cluster has no image openshift\/tools:latest/);
  cluster.put({
    kind: "ImageStream",
    metadata: { name: "tools", namespace: "openshift" },
    status: {
      tags: [
        { tag: "old", items: null },
        { tag: "latest", items: [{ dockerImageReference: "quay.io/x@sha256:1" }] },
      ],
    },
  });
  assert.equal(await toolsImage(kubectl), "quay.io/x@sha256:1");
});
