/** The machine's BMC: the sandbox's Redfish service over a file of UEFI variables, and the program's client of it. */
import { newBmc } from "@onload-kmm/sandbox/redfish/identity";
import { RedfishService } from "@onload-kmm/sandbox/redfish/service";
import { SignatureDatabase } from "../../steps/firmware/redfish/signatureDatabase.ts";
import { addToDb, readDb } from "@onload-kmm/secure-boot/varstore";

/** What a BMC is asked about: `variables` is a file that no machine runs with. */
export interface MachineBmc {
  readonly variables: string;
  readonly systemUuid: string;
  /** PEM. */
  readonly certificate: string;
}

/** Does `act` with the client, and ends both. Only what adds is played: the store is written by appending. */
export async function throughBmc<T>(
  { variables, systemUuid, certificate }: MachineBmc,
  act: (database: SignatureDatabase) => Promise<T>,
): Promise<T> {
  const identity = await newBmc();
  const system = {
    uuid: systemUuid,
    secureBoot: true,
    certificates: () => readDb(variables),
    add: (der: Buffer) => addToDb(variables, der),
    remove: () => Promise.reject(new Error("nothing can be taken out of this db")),
  };
  const service = new RedfishService({
    tls: identity,
    credentials: identity,
    systems: () => new Map([["machine", system]]),
  });
  const url = `https://127.0.0.1:${await service.listen()}/redfish/v1/Systems/machine`;
  const access = { ...identity, url };
  const database = new SignatureDatabase({ node: "machine", access, certificate, systemUuid });
  try {
    return await act(database);
  } finally {
    database.close();
    await service.close();
  }
}
