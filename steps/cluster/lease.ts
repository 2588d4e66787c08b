import { hostname } from "node:os";
import { names } from "../../core/names.ts";
import { leaseSeconds } from "../../core/patience.ts";
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

/**
 * Runs `work` while this process alone holds one of the Leases.
 *
 * @throws StepError when another owner holds them, or when none becomes free in time
 */
export async function withLease<T>(kubectl: Kubectl, request: LeaseRequest, work: () => Promise<T>): Promise<T> {
  const holder = `${request.owner}/${hostname()}/${process.pid}`;
  const waiting = {
    timeoutSeconds: request.timeoutSeconds,
    error: "OKMM-TURN-TIMEOUT" as const,
    remedy: "another run of this stack is at work: wait for it, or stop it and wait half a minute",
  };
  const name = await waitUntil(request.what, waiting, async () => {
    const looks = await Promise.all(request.names.map((each) => tryToTake(kubectl, each, holder, request.owner)));
    const taken = looks.flatMap((look) => ("taken" in look ? [look.taken] : []));
    // Of several free ones keep the first.
    await Promise.all(taken.slice(1).map((each) => release(kubectl, each, holder)));
    if (taken[0] !== undefined) return { done: taken[0] };
    return { missing: looks.flatMap((look) => ("heldBy" in look ? [look.heldBy] : [])).join(", ") };
  });
  const endRenewal = every((leaseSeconds * 1000) / 3, () => void renew(kubectl, name));
  try {
    return await work();
  } finally {
    endRenewal();
    await release(kubectl, name, holder);
  }
}

const find = (kubectl: Kubectl, name: string) =>
  kubectl.get<Lease>("leases.coordination.k8s.io", name, names.leaseNamespace);

async function tryToTake(
  kubectl: Kubectl,
  name: string,
  holder: string,
  owner: string,
): Promise<{ taken: string } | { heldBy: string }> {
  const lease = await find(kubectl, name);
  const heldBy = lease?.spec?.holderIdentity ?? "";
  if (lease !== undefined && heldBy !== holder && !hasExpired(lease)) {
    if (heldBy.startsWith(`${owner}/`)) return { heldBy };
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

async function renew(kubectl: Kubectl, name: string): Promise<void> {
  const patch = JSON.stringify({ spec: { renewTime: microTime() } });
  await kubectl
    .run(["patch", "lease", name, "-n", names.leaseNamespace, "--type=merge", "-p", patch])
    .catch((error: unknown) => progress(`could not renew the Lease ${name}: ${String(error)}`));
}

/** Deletes the Lease unless, after a long pause of this process, somebody else has it by now. */
async function release(kubectl: Kubectl, name: string, holder: string): Promise<void> {
  const lease = await find(kubectl, name);
  if (lease?.spec?.holderIdentity !== holder) return;
  await kubectl.run(["delete", "lease", name, "-n", names.leaseNamespace, "--ignore-not-found", "--wait=false"]);
}

/** A MicroTime, as the API asks for. */
const microTime = (): string => timestamp().replace("Z", "000Z");

function hasExpired({ spec }: Lease): boolean {
  const until = Date.parse(spec?.renewTime ?? "") + (spec?.leaseDurationSeconds ?? 0) * 1000;
  return Number.isNaN(until) || until < now();
}
