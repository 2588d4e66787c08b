import type { Toleration } from "../resources.ts";

const EFFECTS = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const NAME = /^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)$/;
const NAME_RULE =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric " +
  "character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is " +
  "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/** A rule: its message about a toleration that breaks it. */
type Rule = (toleration: Toleration) => string | undefined;

/** In the order in which KMM looks. */
const RULES: Rule[] = [
  ({ key = "" }) => (key === "" || isName(key) ? undefined : `invalid key '${key}': ${NAME_RULE}`),
  ({ key = "", operator }) =>
    key === "" && operator !== "Exists" ? "operator must be 'Exists' when key is empty" : undefined,
  ({ tolerationSeconds, effect }) =>
    tolerationSeconds !== undefined && effect !== "NoExecute"
      ? "effect must be 'NoExecute' when tolerationSeconds is set"
      : undefined,
  ({ operator = "" }) =>
    ["", "Equal", "Exists"].includes(operator)
      ? undefined
      : `invalid operator '${operator}', allowed values are ['Equal', 'Exists']`,
  ({ operator, value = "" }) =>
    operator === "Exists" && value !== "" ? "value must be empty when operator is 'Exists'" : undefined,
  ({ effect = "" }) =>
    effect === "" || EFFECTS.includes(effect)
      ? undefined
      : `invalid effect '${effect}', allowed values are ['NoSchedule', 'PreferNoSchedule', 'NoExecute']`,
];

/** A qualified name: an optional DNS prefix, a slash, and the name. */
const isName = (key: string): boolean => {
  const parts = key.split("/");
  const name = parts.at(-1) ?? "";
  return parts.length <= 2 && name.length <= 63 && NAME.test(name);
};

/** What is wrong with a Module's tolerations; undefined when nothing is. */
export function tolerationFault(tolerations: Toleration[]): string | undefined {
  for (const [index, toleration] of tolerations.entries()) {
    const fault = RULES.map((rule) => rule(toleration)).find((each) => each !== undefined);
    if (fault !== undefined) return `failed to validate Module's tolerations: Toleration[${index}] ${fault}`;
  }
  return undefined;
}
