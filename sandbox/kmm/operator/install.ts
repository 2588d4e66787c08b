import { stringify } from "yaml";
import { type Kube, type KubeObject, readObjects, type Resource } from "../../kube.ts";
import { webhooks } from "../admission/webhooks.ts";
import { CONFIG_MAPS } from "../resources.ts";
import { OPERATOR_NAMESPACE, SETTINGS } from "./constants.ts";
import type { OperatorFiles } from "./folder.ts";

const configurations: Resource = {
  group: "admissionregistration.k8s.io",
  version: "v1",
  plural: "validatingwebhookconfigurations",
  kind: "ValidatingWebhookConfiguration",
  namespaced: false,
};

/** The types of this KMM. */
export async function readTypes({ crds }: OperatorFiles): Promise<KubeObject[]> {
  return (await Promise.all(crds.map((file) => readObjects(file)))).flat();
}

/** The operator's settings: one program of each, no metrics, nothing that others could reach. */
export async function applySettings(kube: Kube, ports: { webhook: number; health: number }): Promise<void> {
  const settings = {
    healthProbeBindAddress: `127.0.0.1:${ports.health}`,
    leaderElection: { enabled: false },
    metrics: { bindAddress: "0" },
    webhook: { disableHTTP2: true, port: ports.webhook },
  };
  const object: KubeObject & { data: Record<string, string> } = {
    metadata: { namespace: OPERATOR_NAMESPACE, name: SETTINGS },
    data: { "controller_config.yaml": stringify(settings) },
  };
  await kube.apply(CONFIG_MAPS, object);
}

/** Has the API server ask KMM's webhook server on this port, which has this certificate (PEM). */
export async function registerWebhooks(kube: Kube, port: number, certificate: string): Promise<void> {
  const caBundle = Buffer.from(certificate).toString("base64");
  await kube.apply(configurations, webhooks(`https://127.0.0.1:${port}`, caBundle), "kmm");
}
