/** Enrolment through a node's BMC: the firmware takes the certificate into its signature database, and asks nobody. */
import type { MachineState } from "../../core/node/machineState.ts";
import type { RollNode } from "../../core/node/nodeState.ts";
import type { Finding } from "../../core/node/obstacles.ts";
import type { FirmwareAccess } from "./firmwareAccess.ts";
import type { EnrolmentContext } from "./firmwareBoot.ts";
import { progress, StepError } from "../lib/step.ts";

type Errand = Pick<EnrolmentContext, "name" | "enrolment" | "certificate" | "firmware">;

type Database = ReturnType<FirmwareAccess["openDatabase"]>;

/** A BMC that can't do it, or isn't the node's, is found out before the node goes out of service; read-only. */
export async function requireDatabase(errand: Errand, node: RollNode): Promise<void> {
  await withDatabase(errand, node, (database) => database.lists());
}

/** Has the firmware take the certificate at the next boot; the node is drained, and up. */
export async function giveToBmc(context: EnrolmentContext, node: RollNode, state: MachineState): Promise<void> {
  const { name, machine } = context;
  const answer = await withDatabase(context, node, (database) => database.add());
  progress(`${name}: its BMC ${answer === "listed" ? "lists the certificate in db" : "was given the certificate"}`);
  // A request of another mode would open MokManager at this very boot.
  if (state.key === "pending" || state.deletionPending === true) await machine.revokeRequests();
}

/** What went wrong when the node comes back without trusting the key, and what to do. */
export const notInDb = ({ key }: MachineState): Finding => ({
  error: "OKMM-DB-NOTENROLLED",
  text:
    `came back without the certificate in db (${key ?? "unknown"}): the firmware didn't accept what its BMC was given. ` +
    "The node stays cordoned; check the BMC's tasks and log (docs/redfish.md), then run `pulumi up` again",
});

/**
 * Has the firmware of a node that leaves take the certificate out again. A BMC that is away doesn't keep the node.
 *
 * @param node absent when it is gone: its BMC may be there all the same
 */
export async function takeOutOfDb(errand: Errand, node: RollNode | undefined): Promise<void> {
  try {
    const asked = await withDatabase(errand, node, (database) => database.remove());
    const told = asked
      ? "the firmware takes the certificate out of db at the next boot"
      : "db holds no certificate of ours";
    progress(`${errand.name}: ${told}`);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    progress(`${errand.name}: still trusts the certificate; remove it from db by hand: ${error.message}`);
  }
}

async function withDatabase<T>(
  { name, enrolment, certificate, firmware }: Errand,
  node: RollNode | undefined,
  act: (database: Database) => Promise<T>,
): Promise<T> {
  const { bmc } = enrolment;
  if (bmc === undefined)
    throw new StepError("OKMM-BMC-MISSING", `${name}: found no bmc in the step's input, expected one in mode redfish`);
  const systemUuid = node?.status.nodeInfo.systemUUID;
  const database = firmware.openDatabase({ node: name, access: bmc, certificate, systemUuid });
  return act(database).finally(() => database.close());
}
