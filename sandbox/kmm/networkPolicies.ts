import { isAlreadyExists, ownerReference } from "../kube.ts";
import { type Context, targetOf } from "./context.ts";
import { PULL_POD_TYPE } from "./names.ts";
import { type Module, MODULES, NETWORK_POLICIES, type NetworkPolicy } from "./resources.ts";

/** By name. Workers and pull pods may talk to nobody; nobody may talk to build pods, be they KMM's or not. */
const POLICIES: Record<string, NetworkPolicy["spec"]> = {
  "kmm-worker": {
    podSelector: { matchLabels: { "app.kubernetes.io/component": "worker" } },
    policyTypes: ["Ingress", "Egress"],
  },
  "kmm-build-and-sign": {
    podSelector: { matchExpressions: [{ key: "openshift.io/build.name", operator: "Exists" }] },
  },
  "kmm-pull": {
    podSelector: { matchExpressions: [{ key: PULL_POD_TYPE, operator: "Exists" }] },
    policyTypes: ["Ingress", "Egress"],
  },
};

/** Puts the NetworkPolicies into the Module's namespace. They belong to all of its Modules, and go with the last. */
export async function isolate(context: Context, module: Module): Promise<void> {
  for (const [name, spec] of Object.entries(POLICIES)) await ensure(context, module, { name, spec });
}

async function ensure(
  context: Context,
  module: Module,
  { name, spec }: { name: string; spec: NetworkPolicy["spec"] },
): Promise<void> {
  const { namespace } = targetOf(module);
  const owner = ownerReference(MODULES, module, false);
  const found = await context.kube.find(NETWORK_POLICIES, { namespace, name });
  if (found === undefined) {
    const metadata = { namespace, name, ownerReferences: [owner] };
    await context.kube.create(NETWORK_POLICIES, { metadata, spec }).catch((error: unknown) => {
      if (!isAlreadyExists(error)) throw error;
    });
    return;
  }
  const owners = found.metadata.ownerReferences ?? [];
  if (owners.some(({ uid }) => uid === owner.uid)) return;
  const ownerReferences = [...owners, owner];
  await context.kube.patch(NETWORK_POLICIES, { namespace, name }, { metadata: { ownerReferences } });
}
