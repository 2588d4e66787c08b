/** Compares what this program needs with the rules that an account has (Kubernetes, "Using RBAC Authorization"). */
import { kindOf, type Right } from "./rights.ts";

/** What one request needs, as an API server's authorizers see it. */
export interface Need extends Pick<Right, "group" | "resource"> {
  readonly verb: string;
  /** Absent: any. */
  readonly name?: string;
  /** Absent: in the whole cluster. */
  readonly namespace?: string;
}

/** A rule as a SelfSubjectRulesReview lists it. */
export interface Rule {
  readonly verbs: readonly string[];
  readonly apiGroups?: readonly string[] | null | undefined;
  readonly resources?: readonly string[] | null | undefined;
  /** Empty or absent: whatever the objects are called. */
  readonly resourceNames?: readonly string[] | null | undefined;
}

/** A right as single requests. */
export const needsOf = ({ group, resource, verbs, names, namespace }: Right): Need[] =>
  verbs.flatMap((verb) =>
    (names ?? [undefined]).map((name) => ({
      ...{ verb, group, resource },
      ...(name !== undefined && { name }),
      ...(namespace !== undefined && { namespace }),
    })),
  );

/** Whether one of the rules allows it, of which all hold in its namespace. */
export const isGranted = ({ verb, group, resource, name }: Need, rules: readonly Rule[]): boolean =>
  rules.some(
    ({ verbs, apiGroups, resources, resourceNames }) =>
      has(verbs, verb) &&
      has(apiGroups, group) &&
      (has(resources, resource) || has(resources, resource.replace(/^[^/]+(?=\/)/, "*"))) &&
      ((resourceNames ?? []).length === 0 || (name !== undefined && resourceNames?.includes(name) === true)),
  );

const has = (values: readonly string[] | null | undefined, value: string): boolean =>
  values?.some((each) => each === "*" || each === value) === true;

/** Needs in words, those on one kind in one place together: `list, watch secrets in namespace x`. */
export function inWords(needs: readonly Need[]): string[] {
  const verbs = new Map<string, string[]>();
  for (const need of needs) {
    const what = `${kindOf(need)}${need.name === undefined ? "" : ` "${need.name}"`} ${placeOf(need)}`;
    verbs.set(what, [...(verbs.get(what) ?? []), need.verb]);
  }
  return [...verbs].map(([what, each]) => `${each.join(", ")} ${what}`);
}

const placeOf = ({ namespace }: Need): string =>
  namespace === undefined ? "in the whole cluster" : `in namespace ${namespace}`;

/** What a person reads whose account can't do all that a stack needs. */
export const lackOfRights = (context: string, missing: readonly Need[]): string =>
  `the account of the context "${context}" may not:\n${inWords(missing)
    .map((line) => `      ${line}\n`)
    .join("")}    \`npm run rbac\` prints all rights that this stack needs, with reasons, as manifests that an ` +
  "administrator applies (docs/access.md); `pulumi destroy` deletes those in the stack's namespace with it";
