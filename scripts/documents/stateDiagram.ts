/** The picture and the table of docs/states.md, from the phases that the program goes by. */
import { leavePhases, rollPhases, type PhaseAccount } from "../../core/node/phases.ts";
import { between } from "./between.ts";
import { table } from "./nodeTables.ts";

/** Mermaid's identifiers have no blanks; the same phase is another state in each of the two lists. */
const idOf = (list: string, { name }: PhaseAccount): string => `${list}_${name.replaceAll(" ", "_")}`;

/** A list of phases in their order, from one of the two resting states to the other. */
function chain(list: string, phases: readonly PhaseAccount[], from: string, to: string): string[] {
  const ids = [from, ...phases.map((phase) => idOf(list, phase)), to];
  return [
    ...phases.map((phase) => `  state "${phase.name}: ${phase.title}" as ${idOf(list, phase)}`),
    ...ids.slice(1).map((id, index) => `  ${ids[index] ?? from} --> ${id}`),
  ];
}

const diagram = [
  "```mermaid",
  "stateDiagram-v2",
  '  state "in service, the kernel\'s own driver" as own',
  '  state "in service, OpenOnload proven" as proven',
  "  [*] --> own",
  ...chain("roll", rollPhases, "own", "proven"),
  `  proven --> ${idOf("roll", rollPhases[0])} : another version, key or kernel`,
  ...chain("leave", leavePhases, "proven", "own"),
  "```",
].join("\n");

const rows = (phases: readonly PhaseAccount[]): string =>
  table(
    ["printed", "cut here, the node is", "a rerun"],
    phases.map(({ name, title, left, rerun }, index) => [
      `\`NODE: ${name} (${index + 1} of ${phases.length}): ${title}\``,
      left,
      rerun,
    ]),
  );

/** docs/states.md with its picture and tables. */
export const withStates = (text: string): string =>
  Object.entries({ diagram, "roll-out": rows(rollPhases), leaving: rows(leavePhases) }).reduce(
    (page, [name, content]) => between(page, name, `\n${content}\n`),
    text,
  );
