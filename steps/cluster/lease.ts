import { hostname } from "node:os";
import { names } from "../../core/names.ts";
import { leaseSeconds, nodeLeaseSeconds } from "../../core/patience.ts";
import { every, now, timestamp } from "../lib/clock.ts";
import type { Kubectl, KubeObject } from "./kubectl.ts";
import { failedFor } from "./kubectlError.ts";
import { progress, StepError } from "../lib/step.ts";
import { waitUntil } from "../lib/wait.ts";

interface Lease extends KubeObject {
  readonly spec?: {
    readonly holderIdentity?: string;
    readonly renewTime?: string;
    readonly leaseDurationSeconds?: number;
  };
}

export interface LeaseRequest {
  /** Whose work it is: the stack's name. A Lease held for another owner is refused at once, for the same one awaited. */
  readonly owner: string;
  /** Any one of these will do. */
  readonly names: readonly string[];
  /** What the Lease stands for, for progress and errors. */
  readonly what: string;
  readonly timeoutSeconds: number;
}

/** A Lease that this process holds. */
export interface Turn {
  /**
   * @throws StepError when somebody else may be at work by now: this process stood still for longer than its Lease lasts,
   *   as on a laptop that slept
   */
  require(): Promise<void>;
}

/**
 * Runs `work` while this process alone holds one of the Leases.
 *
 * @throws StepError when another owner holds them, or when none becomes free in time
 */
export async function withLease<T>(
  kubectl: Kubectl,
  request: LeaseRequest,
  work: (turn: Turn) => Promise<T>,
): Promise<T> {
  const holder = `${request.owner}/${hostname()}/${process.pid}`;
  const waiting = {
    timeoutSeconds: request.timeoutSeconds,
    error: "OKMM-TURN-TIMEOUT" as const,
    remedy: "another run of this stack is at work: wait for it, or stop it and wait half a minute",
  };
  const taking = { holder, owner: request.owner, sightings: new Sightings() };
  const held = await waitUntil(request.what, waiting, async () => {
    const asked = now();
    const looks = await Promise.all(request.names.map((each) => tryToTake(kubectl, each, taking)));
    const taken = looks.flatMap((look) => ("taken" in look ? [look.taken] : []));
    // Of several free ones keep the first.
    await Promise.all(taken.slice(1).map((each) => release(kubectl, each, holder)));
    if (taken[0] !== undefined) return { done: new Held(kubectl, taken[0], { holder, what: request.what, asked }) };
    return { missing: looks.flatMap((look) => ("heldBy" in look ? [look.heldBy] : [])).join(", ") };
  });
  const endRenewal = every((leaseSeconds * 1000) / 3, () => held.renewInTime());
  try {
    return await work(held);
  } finally {
    endRenewal();
    await held.release();
  }
}

/** Takes what a killed run still holds, and gives it back: after `destroy` nobody would. What another run renews stays its own. */
export async function freeLeases(kubectl: Kubectl, owner: string, leases: readonly string[]): Promise<void> {
  const left = await Promise.all(leases.map(async (name) => ((await find(kubectl, name)) === undefined ? [] : [name])));
  const free = async (name: string) => {
    const request = { owner, names: [name], what: `the Lease ${name} of a run that was killed` };
    await withLease(kubectl, { ...request, timeoutSeconds: nodeLeaseSeconds }, () => Promise.resolve());
  };
  for (const freed of await Promise.allSettled(left.flat().map(free))) {
    if (freed.status === "rejected") progress(`left as it is: ${(freed.reason as Error).message}`);
  }
}

/** A Lease that was taken, until it is released. */
class Held implements Turn {
  readonly #kubectl: Kubectl;
  readonly #name: string;
  readonly #holder: string;
  readonly #what: string;
  /** When the last renewal that succeeded was asked for: nobody takes the Lease sooner than its duration after that. */
  #since: number;
  #renewal: Promise<void> = Promise.resolve();
  #isRenewing = false;

  constructor(kubectl: Kubectl, name: string, taken: { holder: string; what: string; asked: number }) {
    this.#kubectl = kubectl;
    this.#name = name;
    this.#holder = taken.holder;
    this.#what = taken.what;
    this.#since = taken.asked;
  }

  /** One at a time: a slow one that is forgotten would make the Lease anew after it was given back. */
  renewInTime(): void {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    this.#renewal = this.#renew()
      .catch((error: unknown) => progress(`could not renew the Lease ${this.#name}: ${String(error)}`))
      .finally(() => (this.#isRenewing = false));
  }

  async require(): Promise<void> {
    if (this.#isSafe()) return;
    await this.#renewal;
    if (!this.#isSafe()) await this.#renew();
    if (this.#isSafe()) return;
    throw new StepError(
      "OKMM-TURN-LOST",
      `this run stood still for longer than its Lease lasts, and has lost ${this.#what}; it changes nothing more there. Run again`,
    );
  }

  /** Deletes the Lease unless, after a long pause of this process, somebody else has it by now. */
  async release(): Promise<void> {
    await this.#renewal;
    await release(this.#kubectl, this.#name, this.#holder);
  }

  #isSafe(): boolean {
    return now() - this.#since < leaseSeconds * 1000;
  }

  /** Renews what is still ours; one that was deleted by hand is made again. */
  async #renew(): Promise<void> {
    const asked = now();
    const lease = await find(this.#kubectl, this.#name);
    if (lease !== undefined && lease.spec?.holderIdentity !== this.#holder) return;
    const isOurs =
      lease === undefined
        ? await write(this.#kubectl, this.#name, this.#holder, lease)
        : await touch(this.#kubectl, lease);
    if (isOurs) this.#since = asked;
  }
}

const find = (kubectl: Kubectl, name: string) =>
  kubectl.get<Lease>("leases.coordination.k8s.io", name, names.leaseNamespace);

interface Taking {
  readonly holder: string;
  readonly owner: string;
  readonly sightings: Sightings;
}

async function tryToTake(
  kubectl: Kubectl,
  name: string,
  { holder, owner, sightings }: Taking,
): Promise<{ taken: string } | { heldBy: string }> {
  const lease = await find(kubectl, name);
  const heldBy = lease?.spec?.holderIdentity ?? "";
  if (lease !== undefined && heldBy !== holder && !sightings.isAbandoned(name, lease)) {
    if (heldBy.startsWith(`${owner}/`) || hasExpired(lease)) return { heldBy };
    throw new StepError(
      "OKMM-TURN-OTHER",
      `${heldBy} holds the Lease ${names.leaseNamespace}/${name}; wait until it is done, then run again`,
    );
  }
  return (await write(kubectl, name, holder, lease))
    ? { taken: name }
    : { heldBy: "another process, which was quicker" };
}

/** Creates the Lease, or takes over an expired one; its resource version makes sure that only one wins. */
async function write(kubectl: Kubectl, name: string, holder: string, old: Lease | undefined): Promise<boolean> {
  const resourceVersion = old?.metadata.resourceVersion;
  const lease = {
    apiVersion: "coordination.k8s.io/v1",
    kind: "Lease",
    metadata: { name, namespace: names.leaseNamespace, ...(resourceVersion !== undefined && { resourceVersion }) },
    spec: {
      holderIdentity: holder,
      leaseDurationSeconds: leaseSeconds,
      acquireTime: microTime(),
      renewTime: microTime(),
    },
  };
  try {
    await kubectl.run([old === undefined ? "create" : "replace", "-f", "-"], JSON.stringify(lease));
    return true;
  } catch (error) {
    // One that isn't there any more was given back; without its namespace none can be made, ever.
    if (failedFor(error, ...(old === undefined ? ["AlreadyExists"] : ["Conflict", "NotFound"]))) return false;
    throw error;
  }
}

/** Renews the Lease as it was found; false when somebody else has changed it meanwhile. */
async function touch(kubectl: Kubectl, { metadata: { name, resourceVersion } }: Lease): Promise<boolean> {
  const patch = JSON.stringify({ metadata: { resourceVersion }, spec: { renewTime: microTime() } });
  try {
    await kubectl.run(["patch", "lease", name, "-n", names.leaseNamespace, "--type=merge", "-p", patch]);
    return true;
  } catch (error) {
    if (failedFor(error, "Conflict", "NotFound")) return false;
    throw error;
  }
}

/** Deletes the Lease unless, after a long pause of this process, somebody else has it by now. */
async function release(kubectl: Kubectl, name: string, holder: string): Promise<void> {
  const lease = await find(kubectl, name);
  if (lease?.spec?.holderIdentity !== holder) return;
  await kubectl.run(["delete", "lease", name, "-n", names.leaseNamespace, "--ignore-not-found", "--wait=false"]);
}

/** A MicroTime, as the API asks for. */
const microTime = (): string => timestamp().replace("Z", "000Z");

/** By this process's clock, with which the holder's need not agree. */
function hasExpired({ spec }: Lease): boolean {
  const until = Date.parse(spec?.renewTime ?? "") + (spec?.leaseDurationSeconds ?? 0) * 1000;
  return Number.isNaN(until) || until < now();
}

/**
 * Others' Leases, as this process has seen them. One is abandoned when it stayed the same for as long as it lasts, by this
 * process's own clock (so does client-go's leader election): two bastions' clocks may differ by more than that.
 */
class Sightings {
  readonly #seen = new Map<string, { readonly lease: string; readonly since: number }>();

  isAbandoned(name: string, { spec }: Lease): boolean {
    if (spec?.holderIdentity === undefined) return true;
    const lease = JSON.stringify(spec);
    const known = this.#seen.get(name);
    if (known?.lease !== lease) this.#seen.set(name, { lease, since: now() });
    return known?.lease === lease && now() - known.since >= (spec.leaseDurationSeconds ?? 0) * 1000;
  }
}
