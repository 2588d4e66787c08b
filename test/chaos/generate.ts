/** Makes plans from seeds: the same seed, the same plan. */
import fc from "fast-check";
import {
  deletables,
  failures,
  moments,
  planSchema,
  victims,
  type Accident,
  type Change,
  type MomentName,
  type Operation,
  type Plan,
} from "./plan.ts";

/** How large a plan is. */
export interface Size {
  readonly nodes: number;
  readonly operations: number;
}

const keys = <Key extends string>(table: Readonly<Record<Key, unknown>>): Key[] => Object.keys(table) as Key[];

/** The plan of this seed. */
export function planOf(seed: number, { nodes, operations }: Size): Plan {
  const plan = fc.record({
    seed: fc.constant(seed),
    nodes: fc.constant(nodes),
    maxParallel: fc.integer({ min: 1, max: Math.max(1, nodes - 1) }),
    operations: fc
      .array(operation(nodes), { minLength: operations, maxLength: operations })
      // Nothing can be destroyed, nor looked at, before there is something.
      .map(([first, ...others]) => [{ ...first, verb: "up", changes: [] }, ...others] as Operation[]),
  });
  const [made] = fc.sample(fc.noBias(plan), { seed, numRuns: 1 });
  if (made === undefined) throw new Error(`no plan for the seed ${seed}`);
  // fast-check's records have no prototype; a saved plan's have.
  return planSchema.parse(made);
}

function operation(nodes: number): fc.Arbitrary<Operation> {
  return fc.record({
    verb: weighted<Operation["verb"]>([8, "up"], [1, "preview"], [2, "destroy"]),
    skewSeconds: weighted([6, 0], [1, 90], [1, -90]),
    changes: fc.array(change(nodes), { minLength: 1, maxLength: 2, size: "max" }),
    accidents: fc.array(accident(nodes), { maxLength: 3, size: "max" }),
  });
}

function change(nodes: number): fc.Arbitrary<Change> {
  const node = fc.integer({ min: 1, max: nodes });
  return fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ kind: fc.constant("rebuild" as const), to: weighted([3, "new"], [2, "old"]) }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("order" as const) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("hold" as const), node }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("list" as const), node }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("drain" as const) }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("mainboard" as const), node }) },
  );
}

function accident(nodes: number): fc.Arbitrary<Accident> {
  const when = fc.record({
    says: fc.constantFrom(...(keys(moments) as [MomentName])),
    afterMs: fc.integer({ min: 0, max: 3000 }),
  });
  const node = fc.integer({ min: 1, max: nodes });
  const seconds = fc.integer({ min: 2, max: 20 });
  const victim = fc.constantFrom(...victims);
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("kill" as const), when, victim }) },
    {
      weight: 3,
      // A Lease lasts 30 s.
      arbitrary: fc.record({ kind: fc.constant("stop" as const), when, victim, seconds: weighted([1, 5], [2, 40]) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("second bastion" as const),
        when,
        skewSeconds: weighted([2, 0], [1, 60], [1, -60]),
      }),
    },
    {
      weight: 3,
      arbitrary: fc
        .record({
          kind: fc.constant("service" as const),
          when,
          service: fc.constantFrom("kube-apiserver" as const, "etcd" as const, "stand-ins" as const),
          how: weighted([2, "pause"], [1, "kill"]),
          seconds,
        })
        .map((made) => (made.service === "stand-ins" ? { ...made, how: "pause" as const } : made)),
    },
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant("failure" as const),
        when,
        failure: fc.constantFrom(...keys(failures)),
        node,
        seconds,
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("taint" as const),
        when,
        node,
        effect: fc.constantFrom("NoSchedule" as const, "NoExecute" as const),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("reboot" as const), when, node }) },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("delete" as const), when, what: fc.constantFrom(...deletables), node }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("busy" as const), when, node, seconds }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("cordon" as const), when, node }) },
  );
}

/** One of the values, each as often as its number says. */
function weighted<const T>(...choices: readonly (readonly [number, T])[]): fc.Arbitrary<T> {
  return fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));
}
