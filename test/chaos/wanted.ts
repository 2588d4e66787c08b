/** The configuration that a plan's changes lead to. */
import type { StackConfig } from "../stack/stack.ts";
import type { Change } from "./plan.ts";

/** What of the configuration changes in a plan. */
export interface Wanted {
  /** Values that `rebuild` has had, the present one last. */
  readonly rebuilds: readonly number[];
  /** Numbers of the listed nodes, in the order of the list. */
  readonly listed: readonly number[];
  readonly held: readonly number[];
  readonly drain: boolean;
}

/** What a stack on so many nodes begins with. */
export const firstWanted = (nodes: number): Wanted => ({
  rebuilds: [0],
  listed: Array.from({ length: nodes }, (_, index) => index + 1),
  held: [],
  drain: true,
});

export const nameOf = (node: number): string => `worker-${node}`;

/** What is wanted after a change; what is done to machines changes nothing here. */
export function changed(wanted: Wanted, change: Change): Wanted {
  switch (change.kind) {
    case "rebuild":
      return { ...wanted, rebuilds: rebuilt(wanted.rebuilds, change.to) };
    case "order":
      return { ...wanted, listed: [...wanted.listed.slice(1), ...wanted.listed.slice(0, 1)] };
    case "hold":
      return { ...wanted, held: toggled(wanted.held, change.node) };
    case "list": {
      const listed = toggled(wanted.listed, change.node);
      return listed.length === 0 ? wanted : { ...wanted, listed };
    }
    case "drain":
      return { ...wanted, drain: !wanted.drain };
    case "mainboard":
      return wanted;
  }
}

const toggled = (nodes: readonly number[], node: number): number[] =>
  nodes.includes(node) ? nodes.filter((each) => each !== node) : [...nodes, node];

function rebuilt(rebuilds: readonly number[], to: "new" | "old"): number[] {
  const next = to === "new" ? Math.max(...rebuilds) + 1 : rebuilds.at(-2);
  return next === undefined ? [...rebuilds] : [...rebuilds, next];
}

/** Minutes: an accident that is waited for in vain is over soon. */
const soon = 3;

/** Writes what is wanted into a stack's configuration; `entries` are the sandbox's nodes as it has listed them. */
export function configure(
  stack: StackConfig,
  { rebuilds, listed, held, drain }: Wanted,
  { entries, maxParallel }: { readonly entries: readonly { readonly name: string }[]; readonly maxParallel: number },
): StackConfig {
  const nodes = listed.flatMap((node) => {
    const entry = entries.find(({ name }) => name === nameOf(node));
    return entry === undefined ? [] : [held.includes(node) ? { ...entry, hold: true } : entry];
  });
  const config = {
    ...stack.config,
    "onload-kmm:nodes": nodes,
    "onload-kmm:rebuild": rebuilds.at(-1) ?? 0,
    "onload-kmm:rollout": { maxParallel, drain, drainTimeoutMinutes: 0.5, loadTimeoutMinutes: soon },
    "onload-kmm:enrolment": { mode: "console", timeoutMinutes: soon },
    "onload-kmm:build": { timeoutMinutes: soon },
  };
  return { ...stack, config };
}
