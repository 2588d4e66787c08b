/** Looks at everything after each operation, and holds it against the invariants. */
import { namespace, type Scene } from "../faults/scene.ts";
import { falseProofs, leftBehind, leftOut, lostEnrolments, lostKey, missingObjects } from "./invariants.ts";
import { takenFromLiving, type LeaseWatch } from "./leases.ts";
import type { Ran } from "./operate.ts";
import type { Outcome } from "./outcome.ts";
import type { Hands } from "./place.ts";
import type { Plan } from "./plan.ts";
import { bootsOf, machinesOf, takeSnapshot, type MachineFacts, type Snapshot } from "./snapshot.ts";
import { looksIn, needlessBoots, outAt, tooManyOut, type BootCount, type NodeLook, type Period } from "./timeline.ts";
import { nameOf } from "./wanted.ts";

interface Observed {
  readonly plan: Plan;
  readonly scene: Scene;
  readonly hands: Hands;
  readonly leases: LeaseWatch;
  readonly outcome: Outcome;
}

export class Checks {
  readonly #observed: Observed;
  readonly #names: readonly string[];
  readonly #periods: Period[] = [];
  /** By node: mainboards with keys that their firmware has taken. */
  readonly #enrolled = new Map<string, Set<string>>();
  #before: Snapshot | undefined;
  #bootsBefore = new Map<string, number>();
  /** Entries of the audit log that are from before the first operation. */
  #entriesBefore = 0;

  constructor(observed: Observed) {
    this.#observed = observed;
    this.#names = Array.from({ length: observed.plan.nodes }, (_, index) => nameOf(index + 1));
  }

  /** What there is before the first operation. */
  async begin(): Promise<void> {
    const { scene } = this.#observed;
    this.#bootsBefore = await bootsOf(scene);
    this.#entriesBefore = (await scene.stack.sandbox.auditLog()).length;
    await this.meet();
  }

  begins(period: Period): void {
    this.#periods.push(period);
  }

  /** Looks at the machines alone, before their records are changed by hand. */
  async meet(): Promise<void> {
    this.#count(await machinesOf(this.#observed.scene, this.#names));
  }

  async after(ran: Ran, number: number): Promise<void> {
    const { outcome } = this.#observed;
    const now = await takeSnapshot(this.#observed.scene, this.#names);
    this.#count(now.machines);
    outcome.check("ends", number, ran.hasEnded ? [] : ["it had to be killed"]);
    outcome.check("others", number, ran.lifted);
    await this.#checkTimes(number);
    if (this.#before !== undefined) {
      outcome.check("enrolments", number, lostEnrolments(this.#before.machines, now.machines));
      if (ran.verb !== "destroy") outcome.check("key", number, lostKey(this.#before, now));
    }
    this.#before = now;
    if (ran.isGreen && ran.wasAlone) this.#checkGreen(ran, now, number);
  }

  async #checkTimes(number: number): Promise<void> {
    const { scene, plan, leases, outcome } = this.#observed;
    outcome.check("turns", number, takenFromLiving(leases.looks));
    const looks = looksIn((await scene.stack.sandbox.auditLog()).slice(this.#entriesBefore));
    outcome.check("width", number, tooManyOut(looks, this.#periods, plan.maxParallel));
    outcome.check("boots", number, needlessBoots(await this.#boots(looks)));
  }

  #checkGreen(ran: Ran, now: Snapshot, number: number): void {
    const { outcome } = this.#observed;
    if (ran.verb === "destroy") outcome.check("gone", number, leftBehind(now, namespace));
    if (ran.verb !== "up") return;
    outcome.check("service", number, leftOut(now, ran));
    if (ran.hasLost) return;
    outcome.check("proofs", number, falseProofs(now, ran));
    outcome.check("objects", number, missingObjects(now));
  }

  async #boots(looks: readonly NodeLook[]): Promise<BootCount[]> {
    const { scene, hands } = this.#observed;
    const boots = await bootsOf(scene);
    return this.#names.map((node) => {
      const byHand = hands.boots.filter((boot) => boot.node === node);
      return {
        node,
        booted: (boots.get(node) ?? 0) - (this.#bootsBefore.get(node) ?? 0),
        enrolled: this.#enrolled.get(node)?.size ?? 0,
        handBoots: byHand.length,
        handBootsWhileOut: byHand.filter(({ at }) => outAt(looks, at).has(node)).length,
      };
    });
  }

  #count(machines: readonly MachineFacts[]): void {
    for (const { name, systemUuid, enrolled } of machines) {
      const known = this.#enrolled.get(name) ?? new Set();
      for (const key of enrolled) known.add(`${systemUuid} ${key}`);
      this.#enrolled.set(name, known);
    }
  }
}
