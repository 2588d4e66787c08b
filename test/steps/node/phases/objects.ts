/** The objects of the fake cluster, before a run. */
import { parsePolicy, policyAnnotations } from "../../../../core/configuration/policy.ts";
import { annotations, kmm, labels, names } from "../../../../core/names.ts";
import type { Stored } from "../../fakeKubectl/store.ts";
import { kernel } from "../../../core/node/machines.ts";
import type { Setup } from "./fakeMachine.ts";

export type Mode = "attended" | "operator" | "console" | "redfish" | "off";

export interface SceneSetup extends Setup {
  readonly mode: Mode;
  readonly removeOnDestroy?: boolean;
  /** The Module's version that the node runs; none by default. */
  readonly runs?: "v0" | "v1";
  readonly drain?: boolean;
  readonly maxParallel?: number;
}

export const stack = "prod";
export const namespace = "onload-kmm";
export const target = {
  namespace,
  name: "onload",
  version: "v1",
  image: "image-registry.openshift-image-registry.svc:5000/onload-kmm/onload-kmod:v1-${KERNEL_FULL_VERSION}",
};
export const gate = kmm.versionLabel(namespace, target.name);
export const ready = kmm.readyLabel(namespace, target.name);
export const imageOf = (version: string): string =>
  target.image.replace("v1-${KERNEL_FULL_VERSION}", `${version}-${kernel}`);

export interface Module {
  readonly name: string;
  readonly namespace: string;
  readonly config: { readonly containerImage: string; readonly kernelVersion: string };
  readonly bootId?: string;
}

export interface ModulesConfig {
  readonly spec: { modules: Module[] };
  readonly status: { modules: Module[] };
}

export interface NodeObject extends Stored {
  spec: { unschedulable?: boolean };
  status: { conditions: { type: string; status: string }[]; nodeInfo: Record<string, string> };
}

export const entryOf = (version: string): Module => ({
  name: target.name,
  namespace,
  config: { containerImage: imageOf(version), kernelVersion: kernel },
});

export function clusterObjects(setup: SceneSetup): Stored[] {
  const { mode, removeOnDestroy = false, runs, drain = true, maxParallel = 1 } = setup;
  const defaults = parsePolicy();
  const policy = policyAnnotations({
    ...defaults,
    enrolment: { ...defaults.enrolment, mode, removeOnDestroy, timeoutMinutes: 1 },
    rollout: { ...defaults.rollout, drain, maxParallel, loadTimeoutMinutes: 1 },
    nodes: ["w1", "w2"],
  });
  const signed = JSON.stringify({ [`v1-${kernel}`]: "sha256:1" });
  const node: NodeObject = {
    kind: "Node",
    metadata: {
      name: "w1",
      uid: "uid-w1",
      labels: { [labels.stack]: stack, ...(runs !== undefined && { [gate]: runs, [ready]: "" }) },
    },
    spec: {},
    status: {
      conditions: [{ type: "Ready", status: "True" }],
      nodeInfo: { bootID: "boot-1", machineID: "m", systemUUID: "s", kernelVersion: kernel },
    },
  };
  const modules = runs === undefined ? [] : [entryOf(runs)];
  return [
    { kind: "Namespace", metadata: { name: "kube-system", uid: "uid-kube-system" } },
    {
      kind: "Namespace",
      metadata: { name: namespace, uid: "uid-ns", annotations: { ...policy, [annotations.signed]: signed } },
    },
    { kind: "ServiceAccount", metadata: { name: names.serviceAccount, namespace, uid: "uid-sa" } },
    {
      kind: "Module",
      metadata: { name: target.name, namespace, uid: "uid-module" },
      spec: { moduleLoader: { container: { version: target.version } } },
    },
    node,
    {
      kind: "NodeModulesConfig",
      metadata: { name: "w1", uid: "uid-nmc" },
      spec: { modules },
      status: { modules: modules.map((entry) => ({ ...entry, bootId: "boot-1" })) },
    },
    // Its application holds the driver that is there.
    { kind: "Pod", metadata: { name: "web", namespace: "default", uid: "uid-web" }, spec: { nodeName: "w1" } },
  ];
}
