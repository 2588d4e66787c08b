import { Informer, Kube, WorkQueue } from "../kube.ts";
import { Registry } from "../openshift/registry.ts";
import { ServingPods } from "../openshift/servingPods.ts";
import { Switches } from "../switches.ts";
import { Fleet } from "./fleet.ts";
import { Kubelet } from "./kubelet.ts";
import type { Machine } from "./machine.ts";
import { NodeKeeper } from "./nodeKeeper.ts";
import { controlPlaneServes } from "./quorum.ts";
import { announceBoot, restartPods } from "./reboot.ts";
import { needsNode, schedule } from "./scheduler.ts";
import { NODES, PODS, type Node, type Pod } from "./shapes.ts";
import { SPEC_ANNOTATION, type NodeSpec } from "./spec.ts";
import { LogServer } from "./logServer.ts";
import { MachineStore } from "./store.ts";
import type { Readiness } from "./nodeStatus.ts";

/** A started stand-in; `stop` resolves when nothing of it is left. */
interface Running {
  stop(): Promise<void>;
}

/** The machines of a cluster, which its control plane runs on. */
interface Nodes extends Running {
  /** Whether the API server is reached. */
  serves(): boolean;
}

/** A queue of keys that reports its failures as lines. */
const queueOf = (name: string, log: (line: string) => void, reconcile: (key: string) => Promise<void>): WorkQueue =>
  new WorkQueue({
    reconcile,
    failed: (key, error) => log(`${name} ${key}: ${error instanceof Error ? error.message : String(error)}`),
    firstMs: 20,
    mostMs: 2000,
  });

/**
 * Starts the machines behind the Nodes that `installNodes` made, their kubelets for KMM's pods, and the scheduler.
 * `kubeconfig` and `stateDir` are paths.
 */
export async function startNodes(options: { kubeconfig: string; stateDir: string }): Promise<Nodes> {
  const log = (line: string): void => console.log(`nodes: ${line}`);
  const kube = await Kube.fromKubeconfig(options.kubeconfig);
  const store = MachineStore.open(options.stateDir);
  const registry = Registry.open(options.stateDir);
  const logs = new LogServer(options.stateDir, (namespace, pod) => kubelet.logOf(namespace, pod));
  const logPort = await logs.listen();

  // From here to the first `await` everything is made in one go: the informers' handlers use it all.
  const switches = new Switches(kube, { follower: "nodes", stateDir: options.stateDir });
  const nodes = new Informer<Node>(kube, NODES, { changed: (node) => nodeChanged(node) });
  const pods: Informer<Pod> = new Informer<Pod>(kube, PODS, {
    changed: (pod) => podChanged(pod),
    deleted: (pod) => {
      kubelet.deleted(pod);
      store.endPod(pod.metadata.uid ?? "");
    },
  });
  const keeper = new NodeKeeper({ kube, store, nodes, logPort });
  const registryPods = new ServingPods(kube, "openshift-image-registry", "docker-registry=default");
  const kubelet = new Kubelet({ kube, store, registry, registryPods, switches, pods, log });
  const scheduling = queueOf("scheduling", log, async (key) => {
    const pod = pods.get(key);
    if (pod !== undefined && needsNode(pod)) await schedule(kube, pod, nodes.list(), pods);
  });

  const fleet = new Fleet({ stateDir: options.stateDir, store, switches, report, log });

  const serves = (): boolean => controlPlaneServes(store.list());

  async function report(machine: Machine, readiness: Readiness): Promise<void> {
    if (!serves()) {
      // Nobody is there to notice a silent kubelet; one that speaks tries again.
      if (readiness === "unknown") return;
      throw new Error("the API server is away");
    }
    await keeper.post(machine, readiness);
    if (readiness === "starting") await announceBoot(kube, machine, nodes.get(machine.spec.name));
    if (readiness !== "ready") return;
    await restartPods(kube, machine, pods.list());
    kubelet.nodeStarted(machine.spec.name);
  }

  function podChanged(pod: Pod): void {
    if (needsNode(pod)) scheduling.add(keyFor(pod));
    else kubelet.changed(pod);
  }

  function nodeChanged(node: Node): void {
    const machine = machineOf(store, node);
    if (machine !== undefined) void fleet.add(machine).catch((error: unknown) => log(String(error)));
    for (const pod of pods.list()) if (needsNode(pod)) scheduling.add(keyFor(pod));
  }

  await Promise.all([nodes.synced(), pods.synced(), switches.ready()]);
  await fleet.start();
  for (const pod of pods.list()) podChanged(pod);
  const up = store.list().filter(({ power }) => power === "running");
  await Promise.all(up.map((machine) => keeper.post(machine, "ready")));
  return {
    serves,
    async stop() {
      keeper.stop();
      await Promise.all([fleet.stop(), logs.close()]);
      await Promise.all([nodes.stop(), pods.stop(), registryPods.stop(), switches.stop()]);
      await Promise.all([scheduling.stop(), kubelet.stop()]);
      kube.close();
    },
  };
}

const keyFor = (pod: Pod): string => `${pod.metadata.namespace ?? ""}/${pod.metadata.name ?? ""}`;

/** The machine behind a Node; undefined for a Node that isn't one of the sandbox's. */
function machineOf(store: MachineStore, node: Node): Machine | undefined {
  const known = store.get(node.metadata.name ?? "");
  const text = node.metadata.annotations?.[SPEC_ANNOTATION];
  if (known !== undefined || text === undefined) return known;
  const spec = JSON.parse(text) as NodeSpec;
  if (spec.external === true) return undefined;
  const { bootID = "", machineID = "", systemUUID = "" } = node.status?.nodeInfo ?? {};
  return store.ensure(spec, { bootId: bootID, machineId: machineID, systemUuid: systemUUID });
}
