/** What must hold after each operation. Each answers sentences about what doesn't; none means that it holds. */
import { kernelModules } from "../../core/names.ts";
import type { MachineFacts, NodeFacts, Snapshot } from "./snapshot.ts";

/** Names of nodes, as an operation was told of them. */
interface Told {
  /** The listed ones that aren't held. */
  readonly rolled: readonly string[];
  /** Those that somebody's hand may have changed after the program was done with them. */
  readonly disturbed: readonly string[];
}

/** No node is left cordoned by us, or half-way, over a green `up`. */
export function leftOut({ nodes }: Pick<Snapshot, "nodes">, { rolled }: Pick<Told, "rolled">): string[] {
  return nodes
    .filter(({ name }) => rolled.includes(name))
    .flatMap(({ name, ours, phase }) => {
      if (ours) return [`${name} is still cordoned by this stack`];
      return phase === undefined ? [] : [`${name} still bears the note ${phase}`];
    });
}

/** Each node that is rolled has a proof, and the machine's own records say the same. */
export function falseProofs(snapshot: Snapshot, { rolled, disturbed }: Told): string[] {
  return rolled
    .filter((name) => !disturbed.includes(name))
    .flatMap((name) => {
      const machine = snapshot.machines.find((each) => each.name === name);
      return machine === undefined ? [`${name} has no machine`] : untrueOf(machine, snapshot);
    });
}

function untrueOf(machine: MachineFacts, { state }: Snapshot): string[] {
  const proof = state.proofs.find(({ node }) => node === machine.name);
  if (proof === undefined) return [`${machine.name} isn't proven`];
  if (proof.bootId !== machine.bootId) return [`${machine.name} was proven in another boot`];
  const image = machine.images[proof.image];
  if (image === undefined) return [`${machine.name} was never given ${proof.image}`];
  const { certificate = "" } = state;
  const key = machine.secureBoot && !machine.enrolled.includes(certificate) ? ["doesn't trust the key"] : [];
  const modules = kernelModules.flatMap((name) => {
    const live = machine.modules.find((each) => each.name === name);
    const file = image.modules.find((each) => each.name === name);
    if (live?.outOfTree !== true || !live.verified) return [`${name} isn't live, or not verified`];
    if (live.srcversion !== file?.srcversion) return [`${name} isn't the one of ${proof.image}`];
    return file.signerFingerprint === certificate ? [] : [`${name} is signed by another key`];
  });
  return [...key, ...modules].map((what) => `${machine.name}: ${what}`);
}

/** Every Kubernetes object of the state is in the cluster. */
export function missingObjects({ state, objects }: Pick<Snapshot, "state" | "objects">): string[] {
  return state.objects.filter((object) => !objects.has(object)).map((object) => `${object} is gone`);
}

/** The stack's key pair stays the same between two operations, unless it was destroyed. */
export function lostKey(before: Pick<Snapshot, "state">, after: Pick<Snapshot, "state">): string[] {
  const [old, now] = [before.state.certificate, after.state.certificate];
  if (old === undefined || old === now) return [];
  return [
    now === undefined ? "the state has lost the signing certificate" : "the state has another signing certificate",
  ];
}

/** What a mainboard's firmware has enrolled stays enrolled. */
export function lostEnrolments(before: readonly MachineFacts[], after: readonly MachineFacts[]): string[] {
  return before.flatMap(({ name, systemUuid, enrolled }) => {
    const now = after.find((machine) => machine.name === name && machine.systemUuid === systemUuid);
    if (now === undefined) return [];
    const lost = enrolled.filter((key) => !now.enrolled.includes(key));
    return lost.map((key) => `${name}'s MokList has lost ${key}`);
  });
}

/** A green `destroy` leaves nothing of the stack in the cluster. */
export function leftBehind({ nodes, objects }: Pick<Snapshot, "nodes" | "objects">, namespace: string): string[] {
  const own = [...objects].filter((object) => isOfStack(object, namespace));
  const marked = nodes.flatMap(({ name, marks }) => (marks.length > 0 ? [`${name} bears ${marks.join(", ")}`] : []));
  return [...own.map((object) => `${object} is left`), ...marked];
}

const isOfStack = (object: string, namespace: string): boolean =>
  object === `v1 Namespace ${namespace}` || object.includes(` ${namespace}/`) || object.includes("/onload-kmm-");

/** Somebody else's cordons and taints are left alone. */
export function liftedByUs(
  nodes: readonly NodeFacts[],
  {
    cordoned,
    tainted,
    taint,
  }: { readonly cordoned: readonly string[]; readonly tainted: readonly string[]; readonly taint: string },
): string[] {
  return nodes.flatMap(({ name, cordoned: isCordoned, taints }) => [
    ...(cordoned.includes(name) && !isCordoned ? [`${name} isn't cordoned any more, which somebody else did`] : []),
    ...(tainted.includes(name) && !taints.includes(taint) ? [`${name} has lost somebody else's taint`] : []),
  ]);
}
