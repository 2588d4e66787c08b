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

const version = z.looseObject({ version: z.string() });
const apiGroups = z.looseObject({
  groups: z.array(
    z.looseObject({ name: z.string(), versions: z.array(version).optional(), preferredVersion: version.optional() }),
  ),
});

const absence = z.looseObject({ reason: z.literal("NotFound"), details: z.looseObject({ name: z.string() }) });

/** One object. @throws StepError when it is none */
export function objectIn(json: string, command: string): unknown {
  return checked(kubeObject, json, command);
}

/** The items of a List. @throws StepError when it is none */
export function listIn(json: string, command: string): unknown[] {
  return checked(z.looseObject({ items: z.array(kubeObject) }), json, command).items;
}

/** The server's API groups by name, each with its versions, the preferred one first. @throws StepError when it is no list of them */
export const groupsIn = (json: string): Map<string, string[]> =>
  new Map(
    checked(apiGroups, json, "get --raw /apis").groups.map(({ name, versions = [], preferredVersion: first }) => {
      const all = [...(first === undefined ? [] : [first]), ...versions].map((each) => each.version);
      return [name, [...new Set(all)]];
    }),
  );

/** Whether a Status says that there is no object of this name; one of an unknown kind names none. */
export const isAbsent = (json: string, name: string): boolean =>
  absence.safeParse(parsed(json)).data?.details.name === name;

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
  checked(z.array(rules).length(lists), `[${printed.trim().split("\n").join(",")}]`, "create -f -");

/** As it was printed: what isn't known here stays. */
function checked<Schema extends z.ZodType>(schema: Schema, json: string, command: string): z.infer<Schema> {
  const value = parsed(json);
  const { error } = schema.safeParse(value);
  if (error === undefined) return value as z.infer<Schema>;
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
