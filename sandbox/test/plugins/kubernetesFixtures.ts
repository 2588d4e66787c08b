import type { PropertyMap } from "../../plugins/core/values.ts";

/** Resources that tests make. */
export const CONFIG_MAP = { type: "kubernetes:core/v1:ConfigMap", name: "cm" };
export const SECRET = { type: "kubernetes:core/v1:Secret", name: "secret" };
export const MODULE = { type: "kubernetes:kmm.sigs.x-k8s.io/v1beta1:Module", name: "module" };
export const NODE_PATCH = { type: "kubernetes:core/v1:NodePatch", name: "patch" };

/** The same types as the API server has them. */
export const CONFIG_MAPS = { group: "", version: "v1", plural: "configmaps", kind: "ConfigMap", namespaced: true };
export const MODULES = {
  group: "kmm.sigs.x-k8s.io",
  version: "v1beta1",
  plural: "modules",
  kind: "Module",
  namespaced: true,
};
export const NODES = { group: "", version: "v1", plural: "nodes", kind: "Node", namespaced: false };

/** Inputs of a ConfigMap in the namespace `default`. */
export function configMap(name: string, data: PropertyMap = { key: "value" }): PropertyMap {
  return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "default" }, data };
}

/** Inputs of a Module in the namespace `default`, which has no controller here. */
export function module(name: string, spec: PropertyMap, annotations: PropertyMap = {}): PropertyMap {
  return {
    apiVersion: "kmm.sigs.x-k8s.io/v1beta1",
    kind: "Module",
    metadata: { name, namespace: "default", ...(Object.keys(annotations).length > 0 && { annotations }) },
    spec,
  };
}
