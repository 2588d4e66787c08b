import type { Registration } from "../components/harness.ts";

/**
 * A program's registrations as lines, `what type ← what it waits for`, each component above its children. The types'
 * last part is enough to tell them apart; what a resource waits for is named with its component.
 */
export function table(registrations: readonly Registration[]): string[] {
  const rank = ({ type }: Registration): number => story.findIndex((each) => type.endsWith(`:${each}`));
  // Resources are registered as soon as what they wait for is known: the order isn't the program's.
  const top = registrations.filter(({ parent }) => parent === undefined).sort((a, b) => rank(a) - rank(b));
  return top.flatMap((each) => [
    line(each),
    ...registrations
      .filter(({ parent }) => parent === each.name)
      .map((child) => `  ${line(child)}`)
      .sort(byName),
  ]);
}

/** Top-level resources in the program's order. */
const story = [
  "kubernetes",
  "ModuleNamespace",
  "SigningKey",
  "CopiedSecret",
  "SrpmImage",
  "EnrolmentPassword",
  "OnloadNode",
  "KernelModule",
  "Command",
];

function line({ name, type, dependencies, protect, read }: Registration): string {
  const marks = [...(protect ? ["protected"] : []), ...(read ? ["read"] : [])].map((mark) => ` (${mark})`).join("");
  const waits = dependencies.length === 0 ? "" : ` ← ${dependencies.join(", ")}`;
  return `${name} ${type.split(":").at(-1) ?? ""}${marks}${waits}`;
}

/** A node's resources in their order in time, others by name. */
function byName(a: string, b: string): number {
  const stage = (text: string): number => stages.findIndex((each) => text.includes(`-${each} `));
  return stage(a) - stage(b) || (a < b ? -1 : 1);
}

const stages = ["marks", "select", "claim", "import", "roll", "proof"];
