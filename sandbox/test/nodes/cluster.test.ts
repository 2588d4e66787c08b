/** The nodes' part of a real cluster: Node objects through a reboot, and KMM's pods played over the machines. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { Informer, Kube } from "../../kube.ts";
import { kubeconfigFile } from "../../controlPlane/credentials.ts";
import { controlNode } from "../../nodes/control.ts";
import { NODES, PODS, type Node, type Pod } from "../../nodes/shapes.ts";
import { Registry, type ImageFile } from "../../openshift/registry.ts";
import { startSandbox, type Sandbox } from "../../sandbox.ts";

const KERNEL = "5.14.0-570.49.1.el9_6.x86_64";
const REPOSITORY = "image-registry.openshift-image-registry.svc:5000/test/onload-kmod";
const NAMESPACE = "test";

let sandbox: Sandbox;
let kube: Kube;
before(async () => {
  sandbox = await startSandbox({ nodes: 2, secureBoot: true });
  kube = await Kube.fromKubeconfig(kubeconfigFile(sandbox.dir, "standins.kubeconfig"));
  await sandbox.kubectl(["create", "namespace", NAMESPACE]);
  Registry.open(sandbox.dir).push(`${REPOSITORY}:good`, { createdBy: "a test", config: {}, files: kmodFiles() });
  await kube
    .raw("POST", `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`, { metadata: { name: "default" } })
    .catch(() => undefined);
});
after(async () => {
  await Promise.all([...watches].map((each) => each.stop()));
  kube.close();
  await sandbox.stop({ purge: true });
});

function kmodFiles(): Record<string, ImageFile> {
  const root = `/opt/lib/modules/${KERNEL}`;
  const files: Record<string, ImageFile> = {
    [`${root}/kernel`]: { kind: "link", target: `/lib/modules/${KERNEL}/kernel` },
    [`${root}/modules.dep`]: {},
  };
  for (const module of ["onload", "sfc", "sfc_char", "sfc_resource"]) {
    files[`${root}/extra/${module}.ko`] = { kind: "kmod", module, kernel: KERNEL, version: "9.0.2.140" };
  }
  return files;
}

/** A pod as KMM makes it to load or unload. */
function workerPod(name: string, action: "Load" | "Unload", tag: string, node = "worker-1"): Pod {
  const image = `${REPOSITORY}:${tag}`;
  const config = {
    kernelVersion: KERNEL,
    containerImage: image,
    inTreeModulesToRemove: ["sfc"],
    modprobe: { moduleName: "onload", dirName: "/opt", modulesLoadingOrder: ["onload", "sfc"] },
  };
  return {
    metadata: {
      name,
      namespace: NAMESPACE,
      labels: { "kmm.node.kubernetes.io/worker-action": action },
      annotations: {
        // JSON is YAML.
        "kmm.node.kubernetes.io/worker-config": JSON.stringify(config),
        "kmm.node.kubernetes.io/modules-order": "softdep onload pre: sfc\n",
      },
    },
    spec: {
      nodeName: node,
      restartPolicy: "OnFailure",
      initContainers: [{ name: "image-extractor", image, command: ["/bin/sh"] }],
      containers: [{ name: "worker", image: "quay.io/kmm/worker:latest" }],
    },
  };
}

const pullPod = (name: string, tag: string): Pod => ({
  metadata: { name, namespace: NAMESPACE, labels: { "kmm.node.kubernetes.io/pull-pod-type": "one-time-pull" } },
  spec: {
    restartPolicy: "Never",
    containers: [{ name: "puller", image: `${REPOSITORY}:${tag}`, command: ["/bin/sh"] }],
  },
});

/** All that was ever watched: a state that never comes must not keep this process alive. */
const watches = new Set<Informer<Node | Pod>>();

/** From when it resolves on, every state of the object is looked at; `found` is the first that fits. */
async function watching<T extends Node | Pod>(
  resource: typeof NODES | typeof PODS,
  name: string,
  fits: (object: T) => boolean,
): Promise<{ found: Promise<T> }> {
  const first = Promise.withResolvers<T>();
  const scope = resource === PODS ? { namespace: NAMESPACE } : {};
  const changed = (object: Node | Pod): void => {
    if (object.metadata.name === name && fits(object as T)) first.resolve(object as T);
  };
  const informer = new Informer<Node | Pod>(kube, resource, { changed }, scope);
  watches.add(informer);
  await informer.synced();
  return { found: first.promise.finally(() => informer.stop()) };
}

/** Resolves with the first state of the object that fits, which stays. */
const until = async <T extends Node | Pod>(...what: Parameters<typeof watching<T>>): Promise<T> =>
  (await watching<T>(...what)).found;

const phase = (name: string, wanted: string): Promise<Pod> =>
  until<Pod>(PODS, name, (pod) => pod.status?.phase === wanted);
const waitsFor =
  (reason: string) =>
  ({ status }: Pod): boolean =>
    [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])].some(
      ({ state }) => state.waiting?.reason === reason,
    );
const waiting = (name: string, reason: string): Promise<Pod> => until<Pod>(PODS, name, waitsFor(reason));
const remove = (name: string): Promise<void> => kube.delete(PODS, { name, namespace: NAMESPACE });
const modules = async (node = "worker-1"): Promise<string[]> =>
  (await controlNode(sandbox.dir, node, "state"))?.modules.map(({ name }) => name) ?? [];

describe("KMM's pods", () => {
  test("a pull pod finds a node by itself; an image that is there succeeds, a missing one waits", async () => {
    await kube.create(PODS, pullPod("pull-good", "good"));
    assert.match((await phase("pull-good", "Succeeded")).spec?.nodeName ?? "", /^worker-/);
    // Only the first try is told as a failed pull: it is watched for from before there is one.
    const tried = await watching<Pod>(PODS, "pull-missing", waitsFor("ErrImagePull"));
    await kube.create(PODS, pullPod("pull-missing", "missing"));
    const { state } = (await tried.found).status?.containerStatuses?.[0] ?? {};
    assert.match(state?.waiting?.message ?? "", /manifest unknown$/);
    await waiting("pull-missing", "ImagePullBackOff");
    await remove("pull-missing");
  });

  test("with Secure Boot on, unsigned modules are refused: in-tree sfc is gone, and the container is restarted", async () => {
    await kube.create(PODS, workerPod("refused", "Load", "good"));
    await until<Pod>(PODS, "refused", ({ status }) => (status?.containerStatuses?.[0]?.restartCount ?? 0) > 1);
    assert.deepEqual(await modules(), []);
    assert.match(
      await sandbox.kubectl(["-n", NAMESPACE, "logs", "refused", "-c", "worker"]),
      /Key was rejected by service/,
    );
    await remove("refused");
  });

  test("with Secure Boot off they load in KMM's order, and unload", async () => {
    await controlNode(sandbox.dir, "worker-1", "secureBoot", { on: false });
    await kube.create(PODS, workerPod("load", "Load", "good"));
    await phase("load", "Succeeded");
    assert.deepEqual(await modules(), ["sfc_resource", "sfc_char", "mtd", "sfc", "onload"]);
    await kube.create(PODS, workerPod("unload", "Unload", "good"));
    await phase("unload", "Succeeded");
    assert.deepEqual(await modules(), []);
  });

  test("a worker whose image is missing hangs in its init container; deleted, it ends as Failed", async () => {
    const pod = workerPod("hung", "Load", "missing", "worker-2");
    await kube.create(PODS, { ...pod, metadata: { ...pod.metadata, finalizers: ["example.com/kept"] } });
    const hung = await waiting("hung", "ImagePullBackOff");
    assert.equal(hung.status?.containerStatuses?.[0]?.state.waiting?.reason, "PodInitializing");
    await remove("hung");
    await phase("hung", "Failed");
    await kube.patch(PODS, { name: "hung", namespace: NAMESPACE }, { metadata: { finalizers: null } });
    assert.deepEqual(await modules("worker-2"), ["mtd", "sfc"]);
  });
});

describe("a reboot, as the cluster sees it", () => {
  const readiness = (node: Node): string | undefined =>
    node.status?.conditions?.find(({ type }) => type === "Ready")?.status;

  test("Unknown and tainted while it is away, another boot ID and Ready when it is back; its pods were restarted", async () => {
    await sandbox.kubectl([
      "-n",
      NAMESPACE,
      "run",
      "app",
      "--image=app",
      "--overrides",
      '{"spec":{"nodeName":"worker-2"}}',
    ]);
    await phase("app", "Running");
    const before = (await kube.get(NODES, { name: "worker-2" })).status?.nodeInfo?.["bootID"];
    await sandbox.setSwitches({ "node.never-returns": "worker-2" });
    await controlNode(sandbox.dir, "worker-2", "reset");
    await until<Node>(NODES, "worker-2", (node) => readiness(node) === "Unknown");
    await until<Node>(
      NODES,
      "worker-2",
      ({ spec }) => spec?.taints?.some(({ key }) => key === "node.kubernetes.io/unreachable") === true,
    );
    await sandbox.setSwitches({ "node.never-returns": null });
    const back = await until<Node>(NODES, "worker-2", (node) => readiness(node) === "True");
    assert.notEqual(back.status?.nodeInfo?.["bootID"], before);
    await until<Node>(NODES, "worker-2", ({ spec }) => spec?.taints === undefined);
    await until<Pod>(PODS, "app", ({ status }) => status?.containerStatuses?.[0]?.restartCount === 1);
  });

  test("a Node that was deleted is registered again at the next boot, as the same machine", async () => {
    const { systemUuid } = (await controlNode(sandbox.dir, "worker-2", "state")) ?? {};
    await kube.delete(NODES, { name: "worker-2" });
    await controlNode(sandbox.dir, "worker-2", "reset");
    const back = await until<Node>(NODES, "worker-2", (node) => readiness(node) === "True");
    assert.equal(back.status?.nodeInfo?.["systemUUID"], systemUuid);
    assert.equal(back.metadata.labels?.["feature.node.kubernetes.io/pci-1924.present"], "true");
  });
});
