import { Kube, type Resource } from "../kube.ts";
import { installNodes } from "../nodes/install.ts";
import type { NodeSpec } from "../nodes/spec.ts";
import { installOpenshift } from "../openshift/install.ts";
import { kubeconfigFile } from "./credentials.ts";
import type { State } from "./state.ts";

const kernel = "5.14.0-570.49.1.el9_6.x86_64";
const osImage = "Red Hat Enterprise Linux CoreOS 9.6.20251015-1 (Plow)";

const namespaces: Resource = { group: "", version: "v1", plural: "namespaces", kind: "Namespace", namespaced: false };
const configMaps: Resource = { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true };

/** One control-plane node without Solarflare interfaces, and workers with them; or nodes that are both, and no others. */
function defaultNodes({ workers, compact, secureBoot }: State): NodeSpec[] {
  const common = { kernel, osImage, secureBoot };
  if (compact) {
    const names = Array.from({ length: workers }, (_, i) => `node-${i + 1}`);
    return names.map((name) => ({ name, role: "both", solarflare: true, ...common }));
  }
  const names = Array.from({ length: workers }, (_, i) => `worker-${i + 1}`);
  return [
    { name: "master-0", role: "control-plane", solarflare: false, ...common },
    ...names.map((name): NodeSpec => ({ name, role: "worker", solarflare: true, ...common })),
  ];
}

/** Everything that is created once in a new cluster. Can be run again after it was cut. */
export async function installAll(dir: string, state: State): Promise<void> {
  const kubeconfig = kubeconfigFile(dir, "standins.kubeconfig");
  await installSwitches(kubeconfig);
  await installOpenshift(kubeconfig);
  await installNodes(kubeconfig, defaultNodes(state));
}

/** ConfigMap `switches` in namespace `sandbox`: what it says makes the stand-ins fail on purpose. Empty at first. */
async function installSwitches(kubeconfig: string): Promise<void> {
  const kube = await Kube.fromKubeconfig(kubeconfig);
  try {
    await kube.apply(namespaces, { metadata: { name: "sandbox" } });
    await kube.apply(configMaps, { metadata: { name: "switches", namespace: "sandbox" } });
  } finally {
    kube.close();
  }
}
