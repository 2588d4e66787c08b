/** What a plan consists of, counted by kinds: what the bare program has to register as many of. */

/** Resource types, and what the bare program registers for each. */
const kinds: Readonly<Record<string, Kind>> = {
  "command:local:Command": "command",
  "kubernetes:apiextensions.k8s.io/v1:CustomResource": "customResource",
  "kubernetes:build.openshift.io/v1:BuildConfig": "customResource",
  "kubernetes:core/v1:ConfigMap": "configMap",
  "kubernetes:core/v1:Namespace": "namespace",
  "kubernetes:core/v1:NodePatch": "nodePatch",
  "kubernetes:core/v1:Secret": "secret",
  "kubernetes:core/v1:ServiceAccount": "serviceAccount",
  "kubernetes:image.openshift.io/v1:ImageStream": "customResource",
  "kubernetes:kmm.sigs.x-k8s.io/v1beta1:Module": "customResource",
  "kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": "roleBinding",
  "tls:index/privateKey:PrivateKey": "privateKey",
  "tls:index/selfSignedCert:SelfSignedCert": "certificate",
};

export type Kind =
  | "certificate"
  | "command"
  | "component"
  | "configMap"
  | "customResource"
  | "namespace"
  | "nodePatch"
  | "privateKey"
  | "roleBinding"
  | "secret"
  | "serviceAccount"
  /** A command with a deletion, which costs a process when it is destroyed. */
  | "undoneCommand";

/** How many there are of each kind. */
export type Counts = Partial<Record<Kind, number>>;

/** A resource of a plan, as far as it matters here. */
export interface Planned {
  readonly type: string;
  readonly inputs?: Readonly<Record<string, unknown>> | undefined;
}

/**
 * Counts a plan's resources. Stack and providers are left out: there is one of each, whatever a program registers.
 *
 * @throws Error for a type that the bare program doesn't know: a comparison without it would flatter
 */
export function countKinds(plan: readonly Planned[]): Counts {
  const counts: Counts = {};
  for (const resource of plan) {
    if (resource.type.startsWith("pulumi:")) continue;
    const kind = kindOf(resource);
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

function kindOf({ type, inputs }: Planned): Kind {
  if (/^onload-kmm(-bare)?:/.test(type)) return "component";
  const kind = kinds[type];
  if (kind === undefined) throw new Error(`the bare program has nothing like ${type}: add it to test/bench/kinds.ts`);
  return kind === "command" && inputs?.["delete"] !== undefined ? "undoneCommand" : kind;
}

/** All of them. */
export const total = (counts: Counts): number => Object.values(counts).reduce((sum, count) => sum + count, 0);
