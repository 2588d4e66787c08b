/**
 * What every stand-in uses to talk to the API server: typed generic requests, informers that survive the server's
 * restarts, and a keyed work queue. Connection and credentials come from a kubeconfig by `@kubernetes/client-node`.
 */
export * from "./kube/client.ts";
export * from "./kube/error.ts";
export * from "./kube/informer.ts";
export * from "./kube/objects.ts";
export * from "./kube/workQueue.ts";
export * from "./kube/applyYaml.ts";
