/**
 * How long a roll-out with enrolment takes, at several widths. Most of it is the machines' boot, which is none of this
 * computer's work: what is above the ideal is the program's, and the cluster's.
 */
import { Enrolling } from "../faults/nodes/enrolling.ts";
import type { Turns } from "./results.ts";
import { turnsIn } from "./turns.ts";

const size = 7;
const widths = [1, 2, 3];
/** Of kernel and kubelet. */
const bootSeconds = 20;

/** Rolls all nodes out once for each width, with new mainboards, whose firmware doesn't know the key. */
export async function measureRollOuts(): Promise<Turns[]> {
  const all = Array.from({ length: size }, (_, index) => `worker-${index + 1}`);
  const nodes = await Enrolling.start({ nodes: size, mode: "console" });
  const turns: Turns[] = [];
  try {
    await nodes.recovers();
    await nodes.scene.set({ "node.boot.seconds": String(bootSeconds) });
    for (const width of widths) {
      await Promise.all(all.map((node) => nodes.renew(node)));
      await nodes.limit({}, { maxParallel: width });
      const before = (await nodes.scene.stack.sandbox.auditLog()).length;
      await nodes.recovers();
      const log = (await nodes.scene.stack.sandbox.auditLog()).slice(before);
      const turn = turnsIn(log, all, { what: "roll-out with enrolment", width });
      if (turn !== undefined) turns.push(turn);
    }
    return turns;
  } finally {
    await nodes.end();
  }
}
