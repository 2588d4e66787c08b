import { told, type ErrorId, type Told } from "../errors.ts";
import { RE2JS } from "re2js";
import { z } from "zod";
import { domain, kmm, labels, moduleName, names } from "../names.ts";
import { kmmKernel } from "../build/imageTag.ts";
import { kernelProblems } from "../build/kernelChecks.ts";
import type { BuildObject } from "../build/moduleBuild.ts";
import type { LiveModule, Remade } from "./ownObjects.ts";
import type { ClusterOperator, MachineConfigPool } from "../node/maintenance.ts";
import type { NodeReality } from "../node/reality.ts";
import { registryProblems, type RegistryFacts } from "../build/registryTrust.ts";
import { strategies } from "../configuration/choices.ts";
import { registry } from "../configuration/settings.ts";
import type { NodeIdentity } from "../node/nodeIdentity.ts";
import type { NodeModulesConfig, RollNode } from "../node/nodeState.ts";

/** What the program is about to do, as far as the cluster must fit it. */
export const intent = z.object({
  stack: z.string(),
  namespace: z.string(),
  nodes: z.array(z.object({ name: z.string(), hold: z.boolean() })).readonly(),
  kernels: z.string(),
  strategy: z.enum(strategies),
  /** Whether images for kernels are wanted that no node runs yet. */
  nextKernels: z.boolean().optional(),
  /** Absent: images go to the cluster's internal registry. */
  registry: registry.optional(),
  /** PEM of an existing signing pair's certificate; absent where the stack makes its own. */
  certificate: z.string().optional(),
});
export type Intent = z.infer<typeof intent>;

interface Meta {
  readonly name: string;
  readonly namespace?: string;
  readonly uid: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly deletionTimestamp?: string;
}

export interface ModuleObject {
  readonly metadata: Meta;
  readonly spec: {
    readonly moduleLoader?: { readonly container?: { readonly modprobe?: { readonly moduleName?: string } } };
  };
}

/** What the cluster answered; `undefined` where it has no such object or kind. */
export interface ClusterFacts {
  readonly nodes: readonly RollNode[];
  readonly nmcs: readonly (NodeModulesConfig & { readonly metadata: { readonly name: string } })[];
  readonly hasKmm: boolean;
  readonly kmmVersion?: string | undefined;
  /** Modules of all namespaces. */
  readonly modules: readonly ModuleObject[];
  /** `ClusterVersion.status.capabilities.enabledCapabilities`; undefined where it isn't OpenShift. */
  readonly capabilities?: readonly string[] | undefined;
  /** `spec.managementState` of the image registry's operator. */
  readonly registryState?: string | undefined;
  /** What `onload-kmm:registry` stands on; undefined where it isn't set. */
  readonly registry?: RegistryFacts | undefined;
  readonly hasPrivilegedScc: boolean;
  /** Empty where the cluster has none, as a hosted one. */
  readonly pools: readonly MachineConfigPool[];
  /** The ClusterOperator of etcd; undefined where etcd isn't the cluster's own affair. */
  readonly etcd?: ClusterOperator | undefined;
  /** KMM's Builds for the stack's Module: one that went well is gone at once. */
  readonly kmmBuilds: readonly BuildObject[];
  readonly namespace?: { readonly metadata: Meta } | undefined;
  /** Names of all namespaces that bear this stack's label. */
  readonly ownNamespaces: readonly string[];
  /** The stack's own Module; undefined when it isn't there. */
  readonly module?: LiveModule | undefined;
  /** Own objects that somebody deleted: `secret/onload-signing-key-…`. */
  readonly missing: readonly string[];
  /** Which of the own objects were made again, or are to be now. */
  readonly remade: Remade;
  /** Stems of image tags that must not be used again (core/build/imageMemory.ts). */
  readonly spoilt: readonly string[];
  /** Tags of the images that KMM has built and signed for this stack. */
  readonly signed: readonly string[];
  /** The certificate that modules are signed for now, in PEM; empty before the first `up`. */
  readonly certificate: string;
  readonly hasEntitlement: boolean;
  /** Tags of the Driver Toolkit's ImageStream; absent where nobody asks for them. */
  readonly toolkitTags?: readonly string[] | undefined;
}

/** Each reason why `up` would fail, or do harm, on this cluster; empty when it may start. */
export function clusterProblems(intent: Intent, facts: ClusterFacts): Told[] {
  return [
    ...platformProblems(intent, facts),
    ...registryProblems(intent.registry, facts.registry),
    ...namespaceProblems(intent, facts),
    ...moduleProblems(intent, facts),
    ...entitlementProblems(intent, facts),
    ...nodeProblems(intent, facts),
    ...kernelProblems(intent, facts),
  ];
}

/** The listed nodes as they are now, in the list's order; those that don't exist are left out. */
export function listedNodes({ nodes }: Intent, facts: ClusterFacts): Pick<NodeReality, "node" | "nmc">[] {
  return nodes.flatMap(({ name }) => {
    const node = facts.nodes.find(({ metadata }) => metadata.name === name);
    const nmc = facts.nmcs.find(({ metadata }) => metadata.name === name);
    return node === undefined ? [] : [{ node: trimmed(node), nmc }];
  });
}

/** Names of the nodes that bear the stack's label, and aren't listed any more. */
export function leavingNodes({ stack, nodes: listed }: Intent, { nodes }: ClusterFacts): string[] {
  return nodes
    .filter(({ metadata }) => metadata.labels?.[labels.stack] === stack)
    .map(({ metadata }) => metadata.name)
    .filter((name) => !listed.some((node) => node.name === name));
}

/** Who a Node is. */
export function identityOf({ metadata, status }: RollNode): NodeIdentity {
  const { machineID, systemUUID, kernelVersion } = status.nodeInfo;
  return {
    name: metadata.name,
    uid: metadata.uid,
    machineId: machineID,
    systemUuid: systemUUID,
    kernel: kernelVersion,
  };
}

/** Without what no roll-out looks at: a Node's heartbeats, images and addresses are most of it. */
function trimmed({ metadata, spec, status }: RollNode): RollNode {
  const { name, uid, labels, annotations } = metadata;
  return {
    metadata: { name, uid, labels: ofOurs(labels), annotations: ofOurs(annotations) },
    spec: { ...(spec?.unschedulable === true && { unschedulable: true }) },
    status: {
      nodeInfo: status.nodeInfo,
      conditions: (status.conditions ?? [])
        .filter(({ type }) => type === "Ready")
        .map(({ type, status }) => ({ type, status })),
    },
  };
}

/** Those that are ours, or of KMM for us. */
const ofOurs = (marks: Readonly<Record<string, string>> = {}): Record<string, string> =>
  Object.fromEntries(Object.entries(marks).filter(([key]) => key.includes(domain) || key.startsWith(kmm.prefix)));

function platformProblems({ registry }: Intent, facts: ClusterFacts): Told[] {
  const problems: Told[] = [];
  const add = (error: ErrorId, text: string) => problems.push(told(error, `cluster: ${text}`));
  if (!facts.hasKmm) {
    const text = "the Kernel Module Management operator isn't installed (no modules.kmm.sigs.x-k8s.io)";
    add("OKMM-KMM-MISSING", `${text}; install it from OperatorHub`);
  } else if (facts.kmmVersion !== undefined && isTooOld(facts.kmmVersion)) {
    add("OKMM-KMM-OLD", `found KMM ${facts.kmmVersion}, expected 2.4 or later; upgrade the operator`);
  }
  for (const capability of registry === undefined ? ["Build", "ImageRegistry"] : ["Build"]) {
    if (facts.capabilities === undefined || facts.capabilities.includes(capability)) continue;
    add(
      "OKMM-CLUSTER-CAPABILITY",
      `the capability ${capability} is disabled; add it to ClusterVersion/version spec.capabilities.additionalEnabledCapabilities`,
    );
  }
  if (facts.capabilities === undefined) {
    add("OKMM-CLUSTER-CAPABILITY", "no ClusterVersion; this program needs OpenShift's Build and Image API");
  } else if (registry === undefined) {
    problems.push(...internalRegistryProblems(facts));
  }
  if (facts.capabilities !== undefined && !facts.hasPrivilegedScc) {
    add("OKMM-CLUSTER-CAPABILITY", "no SecurityContextConstraints named privileged, which KMM's worker pods need");
  }
  return problems;
}

/** On bare metal without shared storage it is Removed from the cluster's birth on. */
function internalRegistryProblems({ registryState }: ClusterFacts): Told[] {
  if (registryState === "Managed") return [];
  return [
    told(
      "OKMM-REGISTRY-INTERNAL",
      `cluster: the internal image registry is ${registryState ?? "not configured"}, expected Managed; ` +
        "set onload-kmm:registry to use a registry of your own (docs/registry.md), or set spec.managementState of " +
        "configs.imageregistry.operator.openshift.io/cluster and give it storage",
    ),
  ];
}

/** Facts and tests are of 2.4.1; 1.x has another API. */
function isTooOld(kmmVersion: string): boolean {
  const [major = 0, minor = 0] = kmmVersion.split(".").map(Number);
  return major < 2 || (major === 2 && minor < 4);
}

function namespaceProblems({ namespace, stack }: Intent, facts: ClusterFacts): Told[] {
  const others = facts.ownNamespaces.filter((name) => name !== namespace);
  if (others.length > 0) {
    return [
      told(
        "OKMM-STACK-MOVED",
        `onload-kmm:namespace: found "${namespace}", but the stack "${stack}" lives in ${others.join(", ")}; a stack keeps its namespace for ` +
          "life: changing it would unload all of its nodes at once. Set it back, or run `pulumi destroy` with the old one first",
      ),
    ];
  }
  const meta = facts.namespace?.metadata;
  if (meta === undefined) return [];
  if (meta.deletionTimestamp !== undefined) {
    return [
      told(
        "OKMM-NAMESPACE-DELETING",
        `cluster: namespace ${namespace} is being deleted; wait until it is gone. If it hangs, a Module in it does: ` +
          "reboot the nodes that still have it loaded (docs/kmm.md)",
      ),
    ];
  }
  const owner = meta.labels?.[labels.stack];
  if (owner === stack) return [];
  const whose = owner === undefined ? "was not made by this program" : `belongs to the stack "${owner}"`;
  return [
    told(
      "OKMM-NAMESPACE-TAKEN",
      `cluster: namespace ${namespace} exists and ${whose}; set onload-kmm:namespace to another name, or remove it`,
    ),
  ];
}

function moduleProblems({ namespace, stack }: Intent, facts: ClusterFacts): Told[] {
  return facts.modules
    .filter(({ metadata }) => metadata.labels?.[labels.stack] === undefined)
    .filter(({ metadata, spec }) => {
      const loads = spec.moduleLoader?.container?.modprobe?.moduleName ?? "";
      return metadata.name === moduleName || ["onload", "sfc"].includes(loads);
    })
    .map(({ metadata }) =>
      told(
        "OKMM-MODULE-FOREIGN",
        `cluster: Module ${metadata.namespace ?? ""}/${metadata.name} loads OpenOnload already and wasn't made by stack "${stack}" ` +
          `(namespace ${namespace}); delete it and wait until it is gone, then run again (docs/kmm.md, "Migrating a hand-made Module")`,
      ),
    );
}

function entitlementProblems({ strategy }: Intent, facts: ClusterFacts): Told[] {
  if (strategy !== "entitled-ubi" || facts.hasEntitlement) return [];
  return [
    told(
      "OKMM-BUILD-ENTITLEMENT",
      `onload-kmm:build.strategy: found "entitled-ubi", but the cluster has no Secret ${names.entitlementSecret} in ` +
        `${names.entitlementNamespace}; register the cluster with the Insights operator (Simple Content Access), or use "driver-toolkit", ` +
        "which needs no entitlement",
    ),
  ];
}

function nodeProblems(intent: Intent, facts: ClusterFacts): Told[] {
  const known = facts.nodes.map(({ metadata }) => metadata.name);
  return intent.nodes.flatMap(({ name }, index) => {
    const key = `onload-kmm:nodes[${index}].name`;
    const node = facts.nodes.find(({ metadata }) => metadata.name === name);
    if (node === undefined) {
      const text = `${key}: found "${name}", expected a node of the cluster: ${known.join(", ")}`;
      return [told("OKMM-NODE-UNKNOWN", text)];
    }
    const problems: Told[] = [];
    const owner = node.metadata.labels?.[labels.stack];
    if (owner !== undefined && owner !== intent.stack) {
      const text = `${key}: ${name} belongs to the stack "${owner}"; remove it from that stack's list first, and run that stack's \`up\``;
      problems.push(told("OKMM-NODE-TAKEN", text));
    }
    const kernel = node.status.nodeInfo.kernelVersion;
    if (!RE2JS.compile(intent.kernels).matcher(kmmKernel(kernel)).find()) {
      const text = `onload-kmm:build.kernels: found "${intent.kernels}", which doesn't match ${name}'s kernel ${kernel}`;
      problems.push(told("OKMM-KERNEL-PATTERN", text));
    }
    return problems;
  });
}
