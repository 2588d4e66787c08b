import { Informer, isAlreadyExists, type Kube, type KubeObject, type Resource, WorkQueue } from "../kube.ts";
import type { Running } from "../gateway/gateway.ts";

interface Namespace extends KubeObject {
  status?: { phase?: string };
}

const core = { group: "", version: "v1" } as const;
const namespaces: Resource<Namespace> = { ...core, plural: "namespaces", kind: "Namespace", namespaced: false };
const serviceAccounts: Resource = { ...core, plural: "serviceaccounts", kind: "ServiceAccount", namespaced: true };

/** The service accounts that OpenShift makes in every namespace beside Kubernetes' `default`. */
const ACCOUNTS = ["builder", "deployer"];

/** Makes the service accounts that builds run as in every namespace, and again when one is missing at its next change. */
export async function startNamespaceController(kube: Kube): Promise<Running> {
  const informer = new Informer(kube, namespaces, { changed: ({ metadata }) => queue.add(metadata.name ?? "") });
  const queue = new WorkQueue({
    reconcile: async (name) => {
      const namespace = informer.get(name);
      if (namespace === undefined || namespace.metadata.deletionTimestamp !== undefined) return;
      for (const account of ACCOUNTS) await createAccount(kube, name, account);
    },
    mostMs: 2_000,
  });
  await informer.synced();
  return {
    async stop() {
      await informer.stop();
      await queue.stop();
    },
  };
}

async function createAccount(kube: Kube, namespace: string, name: string): Promise<void> {
  try {
    await kube.create(serviceAccounts, { metadata: { namespace, name } });
  } catch (error) {
    if (!isAlreadyExists(error)) throw error;
  }
}
