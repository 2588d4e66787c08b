/**
 * `npm run bench:rollout [-- --nodes 7 --boot-seconds 20 --widths 1,2,3]`: how long a roll-out with enrolment takes on the
 * sandbox, against the ideal (1 + ⌈(N−1)/k⌉)·R. R is the mean time of one node out of service, by the API server's audit
 * log. Prints ratios, and judges nothing.
 */
import { parseArgs } from "node:util";
import { Enrolling } from "../faults/nodes/enrolling.ts";
import { outages, type Change } from "../stack/outages.ts";

const { values } = parseArgs({
  options: {
    nodes: { type: "string", default: "7" },
    /** How long kernel and kubelet take: on a real machine most of R, and none of this computer's work. */
    "boot-seconds": { type: "string", default: "20" },
    widths: { type: "string", default: "1,2,3" },
  },
});

const all = Array.from({ length: Number(values.nodes) }, (_, index) => `worker-${index + 1}`);
const nodes = await Enrolling.start({ nodes: all.length, mode: "console" });
try {
  await nodes.recovers();
  await nodes.scene.set({ "node.boot.seconds": values["boot-seconds"] });
  process.stdout.write(["nodes", "k", "R", "ideal", "measured", "ratio"].map(cell).join("") + "\n");
  for (const width of values.widths.split(",").map(Number)) process.stdout.write(`${await measure(width)}\n`);
} finally {
  await nodes.end();
}

/** Rolls all nodes, with new mainboards, `width` at a time. */
async function measure(width: number): Promise<string> {
  await Promise.all(all.map((node) => nodes.renew(node)));
  await nodes.limit({}, { maxParallel: width });
  const before = (await nodes.scene.stack.sandbox.auditLog()).length;
  await nodes.recovers();
  const changes = outages((await nodes.scene.stack.sandbox.auditLog()).slice(before), all);
  const one = all.reduce((sum, node) => sum + secondsOut(changes, node), 0) / all.length;
  const ideal = (1 + Math.ceil((all.length - 1) / width)) * one;
  const measured = ((changes.at(-1)?.at ?? NaN) - (changes[0]?.at ?? NaN)) / 1000;
  const seconds = [one, ideal, measured].map((time) => `${time.toFixed(1)} s`);
  return [String(all.length), String(width), ...seconds, (measured / ideal).toFixed(2)].map(cell).join("");
}

/** From the first time that it went out to the last time that it came back. */
function secondsOut(changes: readonly Change[], node: string): number {
  const own = changes.filter((change) => change.node === node);
  return ((own.at(-1)?.at ?? NaN) - (own[0]?.at ?? NaN)) / 1000;
}

function cell(text: string): string {
  return text.padStart(10);
}
