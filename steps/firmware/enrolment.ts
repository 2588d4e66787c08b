/** The key's way into a node's firmware, and out again. */
import { isTrusted } from "../../core/node/machineState.ts";
import type { Finding } from "../../core/node/obstacles.ts";
import { giveToBmc, notInDb } from "./bmcEnrolment.ts";
import { passFirmware, type EnrolmentContext } from "./firmwareBoot.ts";
import { progress } from "../lib/step.ts";

/** MokManager takes the request when it starts: one that is still there has never been seen by it. */
const missed: Finding = {
  error: "OKMM-MOK-MISSED",
  text:
    "came back with the request still pending: its firmware booted past shim and MokManager, by another boot entry (network, removable " +
    "disk). The node stays cordoned; put the disk's own entry first in its firmware's boot order, and run the same command again",
};

/**
 * Reboots a drained node with the request pending, and sees it come back with the key trusted.
 *
 * @throws StepError when the node comes back without the key, or not at all
 */
export async function enrol(context: EnrolmentContext): Promise<void> {
  const { name, machine, enrolment } = context;
  if (enrolment.mode === "redfish") {
    await passFirmware(context, {
      phase: "reboot",
      ask: (node, state) => giveToBmc(context, node, state),
      isDone: isTrusted,
      failure: notInDb,
    });
    return;
  }
  await passFirmware(context, {
    request: "enrol",
    phase: "reboot",
    // An earlier request may bear another password: asked again, it is ours.
    ask: async (_node, { key }) => {
      await machine.requestEnrolment(enrolment.passwordHash);
      progress(`${name}: key ${key ?? "unknown"}, enrolment requested again`);
    },
    isDone: isTrusted,
    failure: ({ key }) =>
      key === "pending"
        ? missed
        : {
            error: "OKMM-MOK-NOTENROLLED",
            text:
              `came back without the key enrolled (${key ?? "unknown"}): nobody gave MokManager the password, and it forgot the request. ` +
              "The node stays cordoned; run `pulumi up` again, with somebody at the console",
          },
  });
}

/**
 * As {@link enrol}, the other way: the drained node comes back without the key in its MokList.
 *
 * @throws StepError when the key is still enrolled, or the node doesn't come back
 */
export async function removeKey(context: EnrolmentContext): Promise<void> {
  const { machine, enrolment } = context;
  await passFirmware(context, {
    request: "delete",
    phase: "remove",
    ask: () => machine.requestDeletion(enrolment.passwordHash),
    isDone: ({ key }) => key !== "enrolled",
    failure: ({ deletionPending }) =>
      deletionPending === true
        ? missed
        : {
            error: "OKMM-MOK-NOTDELETED",
            text:
              "came back with the key still enrolled: nobody gave MokManager the password, and it forgot the request to delete the key. " +
              "The node stays cordoned; run the same command again, with somebody at the console",
          },
  });
}
