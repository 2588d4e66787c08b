import type { ClusterFacts, Intent, ModuleObject } from "../../core/cluster/inspection.ts";
import type { BuildObject } from "../../core/build/moduleBuild.ts";
import { kmm, labels, moduleName, names } from "../../core/names.ts";
import type { NodeModulesConfig, RollNode } from "../../core/node/nodeState.ts";
import type { LiveModule } from "../../core/cluster/ownObjects.ts";
import type { ClusterOperator, MachineConfigPool } from "../../core/node/maintenance.ts";
import type { Kubectl, KubeObject } from "./kubectl.ts";
import { readToolkitTags } from "../build/imageStream.ts";
import { readOwnObjects } from "./ownObjects.ts";
import { readRegistry } from "../build/registry/access.ts";

/** Namespace of Red Hat's operator; if it is installed elsewhere, its version is unknown. */
const operatorNamespace = "openshift-kmm";

interface ClusterVersion extends KubeObject {
  readonly status?: { readonly capabilities?: { readonly enabledCapabilities?: string[] } };
}
interface RegistryConfig extends KubeObject {
  readonly spec?: { readonly managementState?: string };
}
interface ClusterServiceVersion extends KubeObject {
  readonly spec?: { readonly version?: string };
  readonly status?: { readonly phase?: string };
}

/**
 * Reads what a plan depends on, each kind once for the whole cluster, and only kinds that the cluster has.
 *
 * @param patience seconds for a registry outside of the cluster
 */
export async function readCluster(kubectl: Kubectl, intent: Intent, patience: number): Promise<ClusterFacts> {
  const groups = await kubectl.apiGroups();
  const when: When = (group, read) => (groups.has(group) ? read() : Promise.resolve(undefined));
  const { registry: wanted } = intent;
  const [platform, operator, stack, toolkitTags, registry] = await Promise.all([
    readPlatform(kubectl, when),
    readKmm(kubectl, when, intent.namespace),
    readStack(kubectl, intent),
    intent.strategy === "driver-toolkit" ? when("image.openshift.io", () => readToolkitTags(kubectl)) : undefined,
    wanted && readRegistry(kubectl, wanted, patience),
  ]);
  const own = await readOwnObjects(kubectl, intent, { ...operator, ...stack });
  return { ...platform, ...operator, ...stack, ...own, toolkitTags, registry };
}

type When = <T>(group: string, read: () => Promise<T>) => Promise<T | undefined>;

async function readPlatform(kubectl: Kubectl, when: When) {
  const config = "config.openshift.io";
  const [version, etcd, registry, scc, pools = []] = await Promise.all([
    when(config, () => kubectl.getKnown<ClusterVersion>(`clusterversions.${config}`, "version")),
    when(config, () => kubectl.getKnown<KubeObject & ClusterOperator>(`clusteroperators.${config}`, "etcd")),
    when("imageregistry.operator.openshift.io", () =>
      kubectl.getKnown<RegistryConfig>("configs.imageregistry.operator.openshift.io", "cluster"),
    ),
    when("security.openshift.io", () =>
      kubectl.getKnown("securitycontextconstraints.security.openshift.io", "privileged"),
    ),
    when("machineconfiguration.openshift.io", () =>
      kubectl.listKnown<KubeObject & MachineConfigPool>("machineconfigpools.machineconfiguration.openshift.io"),
    ),
  ]);
  return {
    pools,
    etcd,
    capabilities: version === undefined ? undefined : (version.status?.capabilities?.enabledCapabilities ?? []),
    registryState: registry?.spec?.managementState,
    hasPrivilegedScc: scc !== undefined,
  };
}

async function readKmm(kubectl: Kubectl, when: When, namespace: string) {
  const group = "kmm.sigs.x-k8s.io";
  const ofModule = ["-n", namespace, "-l", `${kmm.moduleNameLabel}=${moduleName}`];
  const [modules, nmcs = [], csvs, kmmBuilds = []] = await Promise.all([
    when(group, () => kubectl.list<KubeObject & ModuleObject & LiveModule>(`modules.${group}`, "-A")),
    when(group, () => kubectl.listKnown<KubeObject & NodeModulesConfig>(`nodemodulesconfigs.${group}`)),
    when("operators.coreos.com", () =>
      kubectl.list<ClusterServiceVersion>("clusterserviceversions.operators.coreos.com", "-n", operatorNamespace),
    ),
    when("build.openshift.io", () => kubectl.list<KubeObject & BuildObject>("builds.build.openshift.io", ...ofModule)),
  ]);
  // A hub's operator has its own name; during an upgrade the next version is there beside the serving one.
  const versions = csvs?.filter(({ metadata }) => metadata.name.startsWith("kernel-module-management.")) ?? [];
  const operator = versions.find(({ status }) => status?.phase === "Succeeded") ?? versions[0];
  return {
    hasKmm: modules !== undefined,
    modules: modules ?? [],
    nmcs,
    kmmVersion: operator?.spec?.version,
    kmmBuilds,
  };
}

async function readStack(kubectl: Kubectl, { stack, namespace, strategy }: Intent) {
  const [nodes, own, ofStack, entitlement] = await Promise.all([
    kubectl.list<KubeObject & RollNode>("nodes"),
    kubectl.get("namespaces", namespace),
    kubectl.list("namespaces", "-l", `${labels.stack}=${stack}`),
    strategy === "entitled-ubi" && hasEntitlement(kubectl),
  ]);
  return {
    nodes,
    namespace: own,
    ownNamespaces: ofStack.map(({ metadata }) => metadata.name),
    hasEntitlement: entitlement,
  };
}

async function hasEntitlement(kubectl: Kubectl): Promise<boolean> {
  const found = await kubectl.existing([`secret/${names.entitlementSecret}`], names.entitlementNamespace);
  return found.length > 0;
}
