import type { KubeObject } from "../../kube.ts";
import { CONTAINS_MODULES } from "../names.ts";

/** KMM's ValidatingWebhookConfiguration, with URLs in place of the Service that a cluster has. */
export function webhooks(url: string, caBundle: string): KubeObject {
  const common = { admissionReviewVersions: ["v1"], sideEffects: "None", failurePolicy: "Fail", timeoutSeconds: 10 };
  const client = (path: string): unknown => ({ url: `${url}${path}`, caBundle });
  const kmm = { apiGroups: ["kmm.sigs.x-k8s.io"], operations: ["CREATE", "UPDATE"], scope: "*" };
  const configuration = {
    metadata: { name: "kmm-operator-validating-webhook-configuration" },
    webhooks: [
      {
        ...common,
        name: "vmodule.kb.io",
        clientConfig: client("/validate-kmm-sigs-x-k8s-io-v1beta1-module"),
        rules: [{ ...kmm, apiVersions: ["v1beta1"], resources: ["modules"] }],
      },
      {
        ...common,
        name: "vpreflightvalidationocp.kb.io",
        clientConfig: client("/validate-kmm-sigs-x-k8s-io-v1beta2-preflightvalidationocp"),
        rules: [{ ...kmm, apiVersions: ["v1beta2"], resources: ["preflightvalidationsocp"] }],
      },
      {
        ...common,
        name: "namespace-deletion.kmm.sigs.k8s.io",
        clientConfig: client("/validate--v1-namespace"),
        rules: [
          { apiGroups: [""], apiVersions: ["v1"], operations: ["DELETE"], resources: ["namespaces"], scope: "Cluster" },
        ],
        namespaceSelector: { matchLabels: { [CONTAINS_MODULES]: "" } },
      },
    ],
  };
  return configuration;
}
