/** Asks the API server what the kubeconfig's user may do: all at once, and before anything fails half-way for the lack of it. */
import { isGranted, needsOf, type Need, type Rule } from "../../core/cluster/rightsGranted.ts";
import { rightsOf, type RightsFor } from "../../core/cluster/rights.ts";
import { ruleListsIn } from "./kubeJson.ts";
import type { Kubectl } from "./kubectl.ts";
import { failedFor } from "./kubectlError.ts";

/**
 * What a stack needs and this user may not do; empty where nobody may ask that. Needs that only make messages say more don't
 * count.
 */
export async function missingRights(kubectl: Kubectl, settings: RightsFor): Promise<Need[]> {
  const needs = rightsOf(settings)
    .filter(({ isForWords }) => isForWords !== true)
    .flatMap(needsOf);
  try {
    const rules = await rulesIn(kubectl, [...new Set(needs.map(({ namespace }) => namespace ?? settings.namespace))]);
    const missing = needs.filter((need) => !isGranted(need, rules.get(need.namespace ?? settings.namespace) ?? []));
    return missing.length === 0 ? [] : await refused(kubectl, missing);
  } catch (error) {
    // Every user may ask about itself, unless somebody took that right away: whatever lacks then is told as it is met.
    if (failedFor(error, "Forbidden")) return [];
    throw error;
  }
}

/** The user's rules by namespace, those of the whole cluster among them. */
async function rulesIn(kubectl: Kubectl, namespaces: readonly string[]): Promise<ReadonlyMap<string, readonly Rule[]>> {
  const reviews = namespaces.map((namespace) => review("SelfSubjectRulesReview", { namespace }));
  const printed = await ask(kubectl, reviews, "{.status.resourceRules}");
  const rules = ruleListsIn(printed, namespaces.length);
  return new Map(namespaces.map((namespace, index) => [namespace, rules[index] ?? []]));
}

/** Rules are only what RBAC lists, and another authorizer may allow more: of these needs those that really are refused. */
async function refused(kubectl: Kubectl, needs: readonly Need[]): Promise<Need[]> {
  const reviews = needs.map((need) => review("SelfSubjectAccessReview", { resourceAttributes: attributesOf(need) }));
  const allowed = (await ask(kubectl, reviews, "{.status.allowed}")).split("\n");
  return needs.filter((_, index) => allowed[index] !== "true");
}

function attributesOf({ resource, ...rest }: Need): object {
  const [plural, subresource] = resource.split("/");
  return { ...rest, resource: plural, ...(subresource !== undefined && { subresource }) };
}

const review = (kind: string, spec: object): object => ({ apiVersion: "authorization.k8s.io/v1", kind, spec });

/** One line for each review: what stands at this path of its answer. */
const ask = (kubectl: Kubectl, reviews: readonly object[], path: string): Promise<string> =>
  kubectl.run(
    ["create", "-f", "-", "-o", `jsonpath=${path}{"\\n"}`],
    JSON.stringify({ apiVersion: "v1", kind: "List", items: reviews }),
  );
