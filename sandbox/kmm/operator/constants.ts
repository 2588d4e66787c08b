/** The operator's namespace, and the ConfigMap that its programs read their settings from. */
export const OPERATOR_NAMESPACE = "openshift-kmm";
export const SETTINGS = "kmm-operator-manager-config";

/** Unix sockets between the halves of KMM's webhook server: relative, for a socket's path may have 107 bytes only. */
export const sockets = { api: "kmm/api.sock", webhook: "kmm/webhook.sock" } as const;
