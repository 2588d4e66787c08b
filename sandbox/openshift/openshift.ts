import type { Running } from "../gateway/gateway.ts";
import { Kube, type KubeObject, type Resource } from "../kube.ts";
import { Switches, SWITCHES_TARGET } from "../switches.ts";
import { startBuildAdmission } from "./buildAdmission.ts";
import { startBuildController } from "./buildController.ts";
import { preloadImages } from "./images.ts";
import { startEtcdOperator } from "./etcdOperator.ts";
import { startImageStreamController } from "./imageStreamController.ts";
import { startMachineConfigOperator } from "./machineConfigOperator.ts";
import { startNamespaceController } from "./namespaceController.ts";
import { Registry } from "./registry.ts";

const events: Resource = { group: "", version: "v1", plural: "events", kind: "Event", namespaced: true };

/**
 * Starts what OpenShift adds to Kubernetes and this project needs: builds, the internal registry's records,
 * ImageStreams, the service accounts in every namespace. `installOpenshift` must have run before.
 */
export async function startOpenshift(options: { kubeconfig: string; stateDir: string }): Promise<Running> {
  const kube = await Kube.fromKubeconfig(options.kubeconfig);
  const registry = Registry.open(options.stateDir);
  preloadImages(registry);
  const switches = new Switches(kube, { follower: "openshift", stateDir: options.stateDir });
  await switches.ready();
  switches.onChange(() => void refuseUnknown(kube, switches));
  const parts = await Promise.all([
    startNamespaceController(kube),
    startImageStreamController(kube, registry),
    startBuildAdmission(kube),
    startMachineConfigOperator(kube),
    startEtcdOperator(kube),
    startBuildController({ kube, stateDir: options.stateDir, registry, switches }),
  ]);
  return {
    async stop() {
      await Promise.all(parts.map((part) => part.stop()));
      await switches.stop();
      kube.close();
    },
  };
}

/** A switch with a slip of the pen would silently do nothing: it is said in the log and by an Event. */
async function refuseUnknown(kube: Kube, switches: Switches): Promise<void> {
  for (const message of switches.faults()) {
    console.error(`openshift: ${message}`);
    const time = new Date().toISOString();
    const event: KubeObject & Record<string, unknown> = {
      metadata: { namespace: SWITCHES_TARGET.namespace, generateName: "switches-" },
      involvedObject: { apiVersion: "v1", kind: "ConfigMap", ...SWITCHES_TARGET },
      type: "Warning",
      reason: "UnknownSwitch",
      message,
      source: { component: "sandbox" },
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
    };
    await kube.create(events, event).catch((error: unknown) => console.error(`openshift: ${String(error)}`));
  }
}
