/** What came of plans: what was done, what was checked, and what was broken. */
import type { Accident } from "./plan.ts";

/** What must hold, by name. */
export const invariants = {
  width: "at most maxParallel nodes are out of service by us at any moment",
  turns: "nobody takes a Lease from a run that renews it",
  boots: "no node is rebooted twice for one wish",
  service: "no node is left cordoned by us over a green up",
  proofs: "proofs are true, by the machines' own records",
  key: "the signing key of the state stays the same",
  enrolments: "what a firmware has enrolled stays enrolled",
  objects: "every object of the state is in the cluster",
  gone: "a green destroy leaves nothing",
  others: "other people's cordons and taints stay",
  ends: "every operation ends",
  converges: "a quiet up at the end is green",
  rests: "the up after that has nothing to do",
} as const;

export type InvariantName = keyof typeof invariants;

/** An invariant that didn't hold. */
export interface Broken {
  readonly invariant: InvariantName;
  /** Place of the operation in the plan, from 1; the last is followed by the quiet `up`s. */
  readonly operation: number;
  readonly what: readonly string[];
}

/** Counts of one plan, or of several. */
export class Outcome {
  plans = 0;
  operations = 0;
  /** By kind: how often it happened, and how often its moment didn't come. */
  readonly accidents = new Map<Accident["kind"], { happened: number; missed: number }>();
  readonly checked = new Map<InvariantName, number>();
  readonly broken: Broken[] = [];

  met(kind: Accident["kind"], happened: boolean): void {
    const count = this.accidents.get(kind) ?? { happened: 0, missed: 0 };
    count[happened ? "happened" : "missed"] += 1;
    this.accidents.set(kind, count);
  }

  /** Notes that an invariant was looked at; sentences say how it is broken. */
  check(invariant: InvariantName, operation: number, what: readonly string[]): void {
    this.checked.set(invariant, (this.checked.get(invariant) ?? 0) + 1);
    if (what.length > 0) this.broken.push({ invariant, operation, what });
  }

  add(other: Outcome): void {
    this.plans += other.plans;
    this.operations += other.operations;
    for (const [kind, { happened, missed }] of other.accidents) {
      const count = this.accidents.get(kind) ?? { happened: 0, missed: 0 };
      this.accidents.set(kind, { happened: count.happened + happened, missed: count.missed + missed });
    }
    for (const [name, count] of other.checked) this.checked.set(name, (this.checked.get(name) ?? 0) + count);
    this.broken.push(...other.broken);
  }
}

/** The table at the end. */
export function tableOf({ plans, operations, accidents, checked, broken }: Outcome): string {
  const rows = [
    ...[...accidents]
      .sort()
      .map(([kind, { happened, missed }]) => [kind, `${happened} times; ${missed} had no moment`]),
    ...[...checked].map(([name, count]) => {
      const red = broken.filter(({ invariant }) => invariant === name).length;
      return [name, `checked ${count} times, broken ${red} times: ${invariants[name]}`];
    }),
  ];
  const width = Math.max(...rows.map(([name = ""]) => name.length));
  const lines = rows.map(([name = "", what = ""]) => `  ${name.padEnd(width)}  ${what}`);
  return [`${plans} plans, ${operations} operations`, ...lines].join("\n");
}
