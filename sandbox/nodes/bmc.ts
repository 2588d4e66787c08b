import { isPortTaken, type PortClaims } from "../ports.ts";
import { newBmc, readBmc, writeBmc, type BmcIdentity } from "../redfish/identity.ts";
import type { RedfishSystem } from "../redfish/resources.ts";
import { refusal, RedfishService } from "../redfish/service.ts";
import type { Switches } from "../switches.ts";
import type { Machine } from "./machine.ts";
import type { MachineStore } from "./store.ts";

/** What the BMCs need of their surroundings. */
interface BmcOptions {
  stateDir: string;
  store: MachineStore;
  switches: Pick<Switches, "matches">;
  claims: PortClaims;
}

/** The BMCs of all machines of a sandbox. They go on while a machine is off. */
export class Bmcs {
  readonly #options: BmcOptions;
  #identity: BmcIdentity | undefined;
  #service: RedfishService | undefined;

  constructor(options: BmcOptions) {
    this.#options = options;
  }

  /** Known once started. */
  get identity(): BmcIdentity {
    if (this.#identity === undefined) throw new Error("the BMCs haven't been started");
    return this.#identity;
  }

  /** Serves with the certificate that it had before, if any, and at the port of before where it can be had. */
  async start(): Promise<void> {
    const { stateDir, switches } = this.#options;
    const before = readBmc(stateDir);
    const identity = before ?? (await newBmc());
    this.#service = new RedfishService({
      tls: identity,
      credentials: identity,
      systems: () => this.#systems(),
      instead: ({ system }) =>
        switches.matches("bmc.busy", system)
          ? refusal(503, "ServiceTemporarilyUnavailable", "The service is temporarily unavailable. Retry in 1 seconds.")
          : undefined,
    });
    const port = await this.#listen(this.#service, before?.port);
    this.#identity = { ...identity, port };
    writeBmc(stateDir, this.#identity);
  }

  async #listen(service: RedfishService, before: number | undefined): Promise<number> {
    for (;;) {
      const port = await this.#options.claims.take(before);
      try {
        return await service.listen(port);
      } catch (error) {
        if (!isPortTaken(error)) throw error;
      }
    }
  }

  async stop(): Promise<void> {
    await this.#service?.close();
  }

  #systems(): Map<string, RedfishSystem> {
    const { store } = this.#options;
    return new Map(store.list().map((machine) => [machine.spec.name, systemOf(machine, () => store.save(machine))]));
  }
}

const systemOf = (machine: Machine, save: () => void): RedfishSystem => ({
  uuid: machine.systemUuid,
  secureBoot: machine.firmware.secureBoot,
  certificates: () => machine.firmware.db.map(({ der }) => Buffer.from(der, "base64")),
  add: (der) => {
    addToDb(machine, der.toString("base64"));
    save();
  },
  remove: (der) => {
    const { firmware } = machine;
    firmware.dbNext = (firmware.dbNext ?? firmware.db).filter((entry) => entry.der !== der.toString("base64"));
    save();
  },
});

/** Has the firmware add a certificate (DER in base64) to `db` at the next power-on; what is there already stays once. */
export function addToDb({ firmware }: Machine, der: string): void {
  const next = firmware.dbNext ?? firmware.db;
  firmware.dbNext = next.some((entry) => entry.der === der) ? next : [...next, { der }];
}
