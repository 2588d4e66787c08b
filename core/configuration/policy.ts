import { z } from "zod";
import { quoted } from "../text.ts";
import { policyPrefix } from "../names.ts";
import { schema, type Settings } from "./settings.ts";

/**
 * How a stack works, as opposed to what it creates: widths, time limits, the mode of enrolment. It is in
 * annotations of the stack's namespace, one per setting, where every step reads it when it runs. So a changed time limit is one
 * line of a plan, `"15" => "20"`, and no reason to run a step on every node again.
 */
export interface Policy {
  readonly rollout: Settings["rollout"];
  readonly enrolment: Settings["enrolment"];
  readonly build: Pick<Settings["build"], "timeoutMinutes">;
  /** Names of the listed nodes, sorted; undefined on the namespace of an older version. */
  readonly nodes?: readonly string[] | undefined;
}

const sections = ["rollout", "enrolment", "build"] as const;
const nodeNames = z.array(z.string());
const nodesKey = `${policyPrefix}nodes`;

/** The namespace's annotations: `policy.onload-kmm.io/rollout.maxParallel: "1"` and so on, values as JSON. */
export function policyAnnotations({ rollout, enrolment, build, nodes }: Policy): Record<string, string> {
  const policy = { rollout, enrolment, build: { timeoutMinutes: build.timeoutMinutes } };
  const settings = sections.flatMap((section) =>
    Object.entries(policy[section]).map(([key, value]) => [`${policyPrefix}${section}.${key}`, JSON.stringify(value)]),
  );
  return { ...(Object.fromEntries(settings) as Record<string, string>), [nodesKey]: JSON.stringify(nodes ?? []) };
}

/**
 * Reads the annotations again; what is missing, on the namespace of an older version or on none, has the
 * configuration's default.
 *
 * @throws Error that names an unreadable annotation
 */
export function parsePolicy(annotations: Readonly<Record<string, string>> = {}): Policy {
  const found = Object.fromEntries(sections.map((section) => [section, membersOf(annotations, `${section}.`)]));
  const { rollout, enrolment, build } = schema.shape;
  const nodes = annotations[nodesKey];
  return {
    rollout: rollout.parse(found["rollout"]),
    enrolment: enrolment.parse(found["enrolment"]),
    build: { timeoutMinutes: build.parse(found["build"]).timeoutMinutes },
    nodes: nodeNames.optional().parse(nodes === undefined ? undefined : parsed(nodesKey, nodes)),
  };
}

function membersOf(annotations: Readonly<Record<string, string>>, section: string): Record<string, unknown> {
  const prefix = policyPrefix + section;
  return Object.fromEntries(
    Object.entries(annotations)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, value]) => [key.slice(prefix.length), parsed(key, value)]),
  );
}

function parsed(key: string, value: string): unknown {
  try {
    return JSON.parse(value);
  } catch {
    throw new Error(
      `the namespace's annotation ${key} holds ${quoted(value)}; run \`pulumi up --refresh\`, which sets it again`,
    );
  }
}
