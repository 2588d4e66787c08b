/**
 * The kinds that the stand-in has, by type token, with the real provider's replacement rules.
 * Source of the rules: pulumi-kubernetes, `forceNewProperties`.
 */

/** One kind. */
export interface Kind {
  apiVersion: string;
  kind: string;
  /** Inputs at the top level, which are also what `Kind.get` takes over from the live object. */
  fields: readonly string[];
  /** Paths whose change replaces the object, besides its name and namespace. */
  replaceOn: readonly string[];
  /** A kind of Kubernetes itself: its inputs are normalized as the API server would. */
  builtin: boolean;
  /** A `…Patch` resource: it owns fields of an object that somebody else made. */
  patch: boolean;
}

const COMMON = ["apiVersion", "kind", "metadata"];

function builtin(apiVersion: string, kind: string, fields: string[], replaceOn: string[] = []): Kind {
  return { apiVersion, kind, fields: [...COMMON, ...fields], replaceOn, builtin: true, patch: false };
}

function custom(apiVersion: string, kind: string): Kind {
  return { apiVersion, kind, fields: [...COMMON, "spec"], replaceOn: [], builtin: false, patch: false };
}

const KINDS: Record<string, Kind> = {
  "core/v1:Namespace": builtin("v1", "Namespace", ["spec"]),
  "core/v1:ServiceAccount": builtin("v1", "ServiceAccount", [
    "automountServiceAccountToken",
    "imagePullSecrets",
    "secrets",
  ]),
  "core/v1:ConfigMap": builtin("v1", "ConfigMap", ["binaryData", "data", "immutable"], ["binaryData", "data"]),
  "core/v1:Secret": builtin(
    "v1",
    "Secret",
    ["data", "immutable", "stringData", "type"],
    ["type", "stringData", "data"],
  ),
  "core/v1:NodePatch": { ...builtin("v1", "Node", ["spec"]), patch: true },
  "rbac.authorization.k8s.io/v1:RoleBinding": builtin(
    "rbac.authorization.k8s.io/v1",
    "RoleBinding",
    ["roleRef", "subjects"],
    ["roleRef"],
  ),
  "rbac.authorization.k8s.io/v1:ClusterRoleBinding": builtin(
    "rbac.authorization.k8s.io/v1",
    "ClusterRoleBinding",
    ["roleRef", "subjects"],
    ["roleRef"],
  ),
  "kmm.sigs.x-k8s.io/v1beta1:Module": custom("kmm.sigs.x-k8s.io/v1beta1", "Module"),
  "image.openshift.io/v1:ImageStream": custom("image.openshift.io/v1", "ImageStream"),
  "build.openshift.io/v1:BuildConfig": custom("build.openshift.io/v1", "BuildConfig"),
};

/** The kind of a type token (`kubernetes:core/v1:Secret`), or nothing when the stand-in doesn't have it. */
export function kindOfType(type: string): Kind | undefined {
  return type.startsWith("kubernetes:") ? KINDS[type.slice("kubernetes:".length)] : undefined;
}
