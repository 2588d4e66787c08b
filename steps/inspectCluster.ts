/**
 * Looks at the cluster and its nodes before the first change, in `preview` too: one read-only call for everything.
 * Answers with its findings and exit code 0, so that the program can report all mistakes at once.
 */
import { z } from "zod";
import {
  clusterProblems,
  nodeIdentities,
  type ClusterFacts,
  type Intent,
  type ModuleObject,
  type NodeObject,
} from "../core/inspection.ts";
import { names } from "../core/names.ts";
import { connect, type Kubectl, type KubeObject } from "./lib/kubectl.ts";
import { machineSchema, reach } from "./lib/reach.ts";
import { clusterSchema, runStep, StepError } from "./lib/step.ts";

const input = z.object({
  cluster: clusterSchema,
  intent: z.object({
    stack: z.string(),
    namespace: z.string(),
    nodes: z.array(z.object({ name: z.string(), hold: z.boolean() })),
    kernels: z.string(),
    strategy: z.enum(["driver-toolkit", "entitled-ubi"]),
  }),
  /** How the nodes are reached that roll-outs don't pass by. */
  machines: z.array(machineSchema),
});

/** Seconds: who runs `preview` wants to hear soon that the VPN is down. */
const patience = 10;

/** Namespace of Red Hat's operator; where it is installed elsewhere its version stays unknown. */
const operatorNamespace = "openshift-kmm";

interface ClusterVersion extends KubeObject {
  readonly status?: { readonly capabilities?: { readonly enabledCapabilities?: string[] } };
}
interface RegistryConfig extends KubeObject {
  readonly spec?: { readonly managementState?: string };
}
interface ClusterServiceVersion extends KubeObject {
  readonly spec?: { readonly version?: string };
}

async function readCluster(kubectl: Kubectl, { namespace, strategy }: Intent): Promise<ClusterFacts> {
  const groups = await apiGroups(kubectl);
  const when = <T>(group: string, read: () => Promise<T>): Promise<T | undefined> =>
    groups.has(group) ? read() : Promise.resolve(undefined);
  const [nodes, modules, csvs, version, registry, scc, own, entitlement] = await Promise.all([
    kubectl.list<KubeObject & NodeObject>("nodes"),
    when("kmm.sigs.x-k8s.io", () => kubectl.list<KubeObject & ModuleObject>("modules.kmm.sigs.x-k8s.io", "-A")),
    when("operators.coreos.com", () =>
      kubectl.list<ClusterServiceVersion>("clusterserviceversions.operators.coreos.com", "-n", operatorNamespace),
    ),
    when("config.openshift.io", () => kubectl.get<ClusterVersion>("clusterversions.config.openshift.io", "version")),
    when("imageregistry.operator.openshift.io", () =>
      kubectl.get<RegistryConfig>("configs.imageregistry.operator.openshift.io", "cluster"),
    ),
    when("security.openshift.io", () => kubectl.get("securitycontextconstraints.security.openshift.io", "privileged")),
    kubectl.get("namespaces", namespace),
    strategy === "entitled-ubi" && hasEntitlement(kubectl),
  ]);
  const kmmVersion = csvs?.find(({ metadata }) => metadata.name.startsWith("kernel-module-management"))?.spec?.version;
  return {
    nodes,
    hasKmm: modules !== undefined,
    kmmVersion,
    modules: modules ?? [],
    capabilities: version === undefined ? undefined : (version.status?.capabilities?.enabledCapabilities ?? []),
    registryState: registry?.spec?.managementState,
    hasPrivilegedScc: scc !== undefined,
    namespace: own,
    hasEntitlement: entitlement,
  };
}

/** By name only: what is in the Secret isn't needed here, and not everybody may read it. */
async function hasEntitlement(kubectl: Kubectl): Promise<boolean> {
  const where = ["-n", names.entitlementNamespace, "-o", "name", "--ignore-not-found"];
  return (await kubectl.run(["get", "secrets", names.entitlementSecret, ...where])) !== "";
}

async function apiGroups(kubectl: Kubectl): Promise<Set<string>> {
  const { groups } = JSON.parse(await kubectl.run(["get", "--raw", "/apis"])) as { groups: { name: string }[] };
  return new Set(groups.map(({ name }) => name));
}

await runStep(input, async ({ cluster, intent, machines }) => {
  const reached = reach(machines);
  try {
    const kubectl = await connect(cluster, patience);
    const facts = await readCluster(kubectl, intent);
    const { problems, warnings } = await reached;
    return {
      problems: [...clusterProblems(intent, facts), ...problems],
      warnings,
      nodes: nodeIdentities(intent, facts),
    };
  } catch (error) {
    await reached;
    if (error instanceof StepError) return { problems: [`cluster: ${error.message}`], warnings: [], nodes: [] };
    throw error;
  }
});
