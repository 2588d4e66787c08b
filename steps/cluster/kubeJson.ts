/** Objects as kubectl prints them: known as far as every object is, before anything looks into one. */
import { z } from "zod";
import type { Rule } from "../../core/cluster/rightsGranted.ts";
import { excerpt } from "../../core/text.ts";
import { StepError } from "../lib/step.ts";

const marks = z.record(z.string(), z.string()).nullish();

/** What the API server gives every object (Kubernetes API conventions, "Metadata"), as far as it is read here. */
const kubeObject = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().optional(),
    labels: marks,
    annotations: marks,
    deletionTimestamp: z.string().nullish(),
  }),
});

const apiGroups = z.looseObject({ groups: z.array(z.looseObject({ name: z.string() })) });

/** One object. @throws StepError when it is none */
export function objectIn(json: string, command: string): unknown {
  return checked(kubeObject, json, command);
}

/** The items of a List. @throws StepError when it is none */
export function listIn(json: string, command: string): unknown[] {
  return (checked(z.looseObject({ items: z.array(kubeObject) }), json, command) as { items: unknown[] }).items;
}

/** The names in a list of the server's API groups. @throws StepError when it is none */
export const groupsIn = (json: string): string[] =>
  (checked(apiGroups, json, "get --raw /apis") as z.infer<typeof apiGroups>).groups.map(({ name }) => name);

const rules = z.array(
  z.looseObject({
    verbs: z.array(z.string()),
    apiGroups: z.array(z.string()).nullish(),
    resources: z.array(z.string()).nullish(),
    resourceNames: z.array(z.string()).nullish(),
  }),
);

/** One list of a user's rules a line, as `jsonpath` prints so many. @throws StepError when they are none */
export const ruleListsIn = (printed: string, lists: number): Rule[][] =>
  checked(z.array(rules).length(lists), `[${printed.trim().split("\n").join(",")}]`, "create -f -") as Rule[][];

/** As it was printed: what isn't known here stays. */
function checked(schema: z.ZodType, json: string, command: string): unknown {
  const value = parsed(json);
  const { error } = schema.safeParse(value);
  if (error === undefined) return value;
  const [first] = error.issues;
  const where = first === undefined || first.path.length === 0 ? "" : `${first.path.join(".")}: `;
  throw new StepError(
    "OKMM-KUBECTL-FAILED",
    `kubectl ${excerpt(command, longestWords)}: printed what is no answer of an API server (${where}${first?.message ?? ""}); is it ` +
      "another program under that name, or a proxy's?",
  );
}

/** Characters of a command that a message repeats. */
const longestWords = 500;

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // JSON.parse quotes what it can't read, and an object may be a Secret.
    return undefined;
  }
}
