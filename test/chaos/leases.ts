/** Who held which Lease when, seen by a watch of its own, and what must never be seen in it. */
import { kubeconfigFile } from "@onload-kmm/sandbox/controlPlane/credentials";
import { Informer, Kube } from "@onload-kmm/sandbox/kube";
import { LEASES, type Lease } from "@onload-kmm/sandbox/nodes/shapes";
import { names } from "../../core/names.ts";

/** A Lease of this program as one write left it. */
export interface LeaseLook {
  /** When it was seen, in milliseconds since 1970, by this process's clock alone. */
  readonly at: number;
  readonly name: string;
  /** Another one after each deletion: who deletes a Lease gives it back. */
  readonly uid: string;
  readonly holder: string;
}

/** Follows the Leases until it is stopped, past the gateway; an API server that is away is waited for. */
export class LeaseWatch {
  readonly looks: LeaseLook[] = [];
  readonly #kube: Kube;
  readonly #informer: Informer<Lease>;

  private constructor(kube: Kube) {
    this.#kube = kube;
    const scope = { namespace: names.leaseNamespace };
    this.#informer = new Informer<Lease>(kube, LEASES, { changed: (lease) => this.#look(lease) }, scope);
  }

  static async start(dir: string): Promise<LeaseWatch> {
    return new LeaseWatch(await Kube.fromKubeconfig(kubeconfigFile(dir, "standins.kubeconfig")));
  }

  async stop(): Promise<void> {
    await this.#informer.stop();
    this.#kube.close();
  }

  #look({ metadata: { name = "", uid = "" }, spec }: Lease): void {
    if (!name.startsWith("onload-kmm-") || spec === undefined) return;
    this.looks.push({ at: Date.now(), name, uid, holder: spec.holderIdentity });
  }
}

/** Milliseconds: a Lease lasts 30 s without renewal, and a watch on a busy machine may tell of the last one late. */
const surelyAlive = 20_000;

/** Each time that a Lease went to another holder although its own had just renewed it. */
export function takenFromLiving(looks: readonly LeaseLook[]): string[] {
  const last = new Map<string, LeaseLook>();
  return looks.flatMap((look) => {
    const before = last.get(look.uid);
    last.set(look.uid, look);
    if (before === undefined || before.holder === look.holder || look.at - before.at >= surelyAlive) return [];
    const seconds = ((look.at - before.at) / 1000).toFixed(0);
    return [`${look.holder} took the Lease ${look.name} ${seconds} s after ${before.holder} had renewed it`];
  });
}
