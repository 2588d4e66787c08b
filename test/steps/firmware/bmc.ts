/** A BMC for one test: the sandbox's Redfish service over a machine in memory, and what it was asked. */
import type { TestContext } from "node:test";
import { X509Certificate } from "node:crypto";
import { newBmc } from "@onload-kmm/sandbox/redfish/identity";
import { RedfishService, type RedfishAnswer } from "@onload-kmm/sandbox/redfish/service";
import type { BmcAccess } from "../../../core/firmware/bmcAccess.ts";
import { liveBy } from "../../../steps/lib/clock.ts";
import { SignatureDatabase, type Errand } from "../../../steps/firmware/redfish/signatureDatabase.ts";
import { VirtualClock } from "../virtualClock.ts";

export const uuid = "7d1f3c52-0e7a-4b1c-9a53-6c1f0c9d2e11";
export const credentials = { user: "admin", password: "of the BMC" };

/** Answers in the place of the service's own: the first whose pattern fits "METHOD path" is used up by that. */
type Fault = [pattern: RegExp, answer: RedfishAnswer | (() => RedfishAnswer)];

liveBy(new VirtualClock());

const identity = await newBmc();

export class Bmc {
  readonly access: BmcAccess;
  readonly asked: string[] = [];
  /** `db`, in PEM; what is asked of it is done at once unless `boots` is false. */
  readonly db: string[];
  readonly faults: Fault[] = [];
  boots = true;

  private constructor(port: number, db: string[]) {
    this.db = db;
    const url = `https://127.0.0.1:${port}/redfish/v1/Systems/worker-1`;
    this.access = { url, fingerprint: identity.fingerprint, ...credentials };
  }

  static async start(context: Pick<TestContext, "after">, ...db: string[]): Promise<Bmc> {
    const system = {
      uuid,
      secureBoot: true,
      certificates: () => bmc.db.map((pem) => new X509Certificate(pem).raw),
      add: (der: Buffer) => {
        if (bmc.boots) bmc.db.push(new X509Certificate(der).toString());
      },
      remove: (der: Buffer) => {
        const index = bmc.db.findIndex((pem) => new X509Certificate(pem).raw.equals(der));
        if (bmc.boots) bmc.db.splice(index, 1);
      },
    };
    const service = new RedfishService({
      tls: identity,
      credentials,
      systems: () => new Map([["worker-1", system]]),
      instead: ({ method, path }) => bmc.#fault(`${method} ${path}`),
    });
    const bmc: Bmc = new Bmc(await service.listen(), [...db]);
    context.after(() => service.close());
    return bmc;
  }

  /** What the client under test is made with. */
  database(context: Pick<TestContext, "after">, certificate: string, more: Partial<Errand> = {}): SignatureDatabase {
    const errand = { node: "worker-1", access: this.access, certificate, systemUuid: uuid, patience: 10, ...more };
    const database = new SignatureDatabase(errand);
    context.after(() => database.close());
    return database;
  }

  /** What was asked that changes something. */
  get changes(): string[] {
    return this.asked.filter((request) => !request.startsWith("GET "));
  }

  #fault(request: string): RedfishAnswer | undefined {
    this.asked.push(request);
    const index = this.faults.findIndex(([pattern]) => pattern.test(request));
    const answer = index < 0 ? undefined : this.faults.splice(index, 1)[0]?.[1];
    return typeof answer === "function" ? answer() : answer;
  }
}
