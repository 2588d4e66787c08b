import { verbs, type Results } from "./results.ts";
import { mostRolled, sizes } from "./sizes.ts";

/** What docs/performance.md is to tell of, and can't: nothing is estimated. */
export function missingIn({ series, starts, turns }: Omit<Results, "machine">): string[] {
  const absent = sizes.flatMap((nodes) => {
    const left = verbs.filter((verb) => !series.some((each) => each.verb === verb && each.nodes === nodes));
    return left.length === 0 ? [] : [`at ${nodes} nodes: ${left.join(", ")}${reasonAt(nodes)}`];
  });
  return [
    ...absent,
    ...(starts.length === 0 ? ["the program's start"] : []),
    ...(turns.some(({ what }) => what === "roll-out with enrolment") ? [] : ["roll-outs with enrolment"]),
    "`assets/build-kmod.sh` against a build of everything: that needs AMD's source release, which isn't part of this project",
  ];
}

/** Why it isn't only a question of asking for it. */
function reasonAt(nodes: number): string {
  if (nodes > mostRolled) {
    return `: each simulated roll-out costs the machine seconds of CPU; above ${mostRolled} nodes only \`preview\` is tried`;
  }
  return "";
}
