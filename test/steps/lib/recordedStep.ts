/** A step for the tests of reports: it may begin a run, as the first step of a `destroy` does, and ends as its input says. */
import { z } from "zod";
import { contract } from "../../../core/contracts/contract.ts";
import { progress, runStep, StepError } from "../../../steps/lib/step.ts";

const recordedStep = contract({
  program: "leaveNode",
  input: z.object({ stack: z.string(), node: z.string(), act: z.enum(["answer", "mistake", "late", "die"]) }),
  beginsRun: true,
  answer: z.object({ node: z.string(), left: z.string() }),
});

await runStep(recordedStep, ({ node, act }) => {
  progress(`${node}: begins`);
  if (act === "mistake") throw new StepError("OKMM-NODE-GONE", `${node}: gone`);
  if (act === "die") process.kill(process.pid, "SIGKILL");
  // Nothing awaits this one.
  if (act === "late") return new Promise(() => setTimeout(fail));
  return Promise.resolve({ node, left: "unloaded" });
});

function fail(): void {
  throw new Error("late");
}
