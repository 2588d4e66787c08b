/** Makes plans from seeds: the same seed, the same plan. */
import fc from "fast-check";
import {
  deletables,
  failures,
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
  return weighted<Operation["verb"]>([8, "up"], [1, "preview"], [2, "destroy"]).chain((verb) =>
    fc.record({
      verb: fc.constant(verb),
      skewSeconds: weighted([6, 0], [1, 90], [1, -90]),
      changes: fc.array(change(nodes), { minLength: 1, maxLength: 2, size: "max" }),
      accidents: fc.array(mishap(nodes, verb), { minLength: 1, maxLength: 2, size: "max" }).map((each) => each.flat()),
    }),
  );
}

function change(nodes: number): fc.Arbitrary<Change> {
  const node = fc.integer({ min: 1, max: nodes });
  const kind = <const Kind extends Change["kind"]>(name: Kind) => fc.constant(name);
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: kind("rebuild"), to: weighted([3, "new"], [2, "old"]) }) },
    { weight: 1, arbitrary: fc.record({ kind: kind("order") }) },
    { weight: 1, arbitrary: fc.record({ kind: kind("hold"), node }) },
    { weight: 1, arbitrary: fc.record({ kind: kind("list"), node }) },
    { weight: 1, arbitrary: fc.record({ kind: kind("drain") }) },
    { weight: 4, arbitrary: fc.record({ kind: kind("mainboard"), node }) },
  );
}

/** Points that an operation passes, and how often each is chosen; a `preview` prints nothing on its way. */
const passes: Readonly<Record<Operation["verb"], fc.Arbitrary<MomentName>>> = {
  up: weighted<MomentName>(
    [1, "from the beginning"],
    [2, "a resource is made"],
    [1, "the source is built"],
    [2, "a kernel is built for"],
    [2, "an image is signed"],
    [3, "a node is checked"],
    [4, "a node is cordoned"],
    [3, "a node is drained"],
    [3, "a node reboots"],
    [1, "a node is back"],
    [4, "KMM may load"],
    [3, "a node is proven"],
  ),
  preview: fc.constant("from the beginning"),
  destroy: weighted<MomentName>(
    [1, "from the beginning"],
    [2, "a resource is made"],
    [2, "a node is cordoned"],
    [2, "a node is drained"],
    [2, "KMM unloads"],
  ),
};

/** What happens at one moment: an accident, or two that matter together. */
function mishap(nodes: number, verb: Operation["verb"]): fc.Arbitrary<Accident[]> {
  const when = fc.record({ says: passes[verb], afterMs: fc.integer({ min: 0, max: 3000 }) });
  const node = fc.integer({ min: 1, max: nodes });
  // A Lease lasts 30 s: who is stopped for longer has lost it, and somebody else may be at work by then.
  const suspended = fc
    .record({ when, victim: fc.constantFrom(...victims), early, skewSeconds })
    .map(({ when, victim, early, skewSeconds }): Accident[] => [
      { kind: "stop", when, victim, seconds: 45 },
      { kind: "second bastion", when: early, skewSeconds },
    ]);
  return fc.oneof(
    { weight: 20, arbitrary: accident(when, node).map((one) => [one]) },
    { weight: verb === "up" ? 3 : 0, arbitrary: suspended },
  );
}

/** A run takes a while until it is at the nodes: one that shall meet another there begins with it. */
const early = fc.record({
  says: weighted<MomentName>([1, "from the beginning"], [1, "a resource is made"]),
  afterMs: fc.integer({ min: 0, max: 3000 }),
});

const skewSeconds = weighted([2, 0], [1, 60], [1, -60]);

function accident(when: fc.Arbitrary<Accident["when"]>, node: fc.Arbitrary<number>): fc.Arbitrary<Accident> {
  const seconds = fc.integer({ min: 2, max: 20 });
  const victim = fc.constantFrom(...victims);
  const kind = <const Kind extends Accident["kind"]>(name: Kind) => ({ kind: fc.constant(name), when });
  const service = weighted([2, "kube-apiserver"], [1, "etcd"]);
  const effect = weighted([1, "NoSchedule"], [1, "NoExecute"]);
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ ...kind("kill"), victim }) },
    { weight: 2, arbitrary: fc.record({ ...kind("stop"), victim, seconds: weighted([2, 5], [1, 40]) }) },
    { weight: 2, arbitrary: fc.record({ ...kind("second bastion"), when: early, skewSeconds }) },
    {
      weight: 2,
      arbitrary: fc.record({ ...kind("service"), service, how: weighted([2, "pause"], [1, "kill"]), seconds }),
    },
    // The nodes, KMM and the way to the API server at once: everything is slow.
    {
      weight: 1,
      arbitrary: fc.record({
        ...kind("service"),
        service: weighted([1, "stand-ins"]),
        how: weighted([1, "pause"]),
        seconds,
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ ...kind("failure"), failure: fc.constantFrom(...keys(failures)), node, seconds }),
    },
    { weight: 2, arbitrary: fc.record({ ...kind("taint"), node, effect }) },
    { weight: 2, arbitrary: fc.record({ ...kind("reboot"), node }) },
    { weight: 3, arbitrary: fc.record({ ...kind("delete"), what: fc.constantFrom(...deletables), node }) },
    { weight: 1, arbitrary: fc.record({ ...kind("busy"), node, seconds }) },
    { weight: 1, arbitrary: fc.record({ ...kind("cordon"), node }) },
  );
}

/** One of the values, each as often as its number says. */
function weighted<const T>(...choices: readonly (readonly [number, T])[]): fc.Arbitrary<T> {
  return fc.oneof(...choices.map(([weight, value]) => ({ weight, arbitrary: fc.constant(value) })));
}
