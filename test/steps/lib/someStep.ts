/** A step for the tests of runStep: does what its input says. */
import { z } from "zod";
import { progress, runStep, StepError } from "../../../steps/lib/step.ts";

const input = z.object({ act: z.enum(["answer", "mistake", "crash", "talk"]), secret: z.string() });

await runStep(input, ({ act, secret }) => {
  if (act === "mistake") throw new StepError("nodes.worker-1: gone; take it off the list");
  if (act === "crash") throw new TypeError("x is not a function");
  if (act === "talk") for (let line = 0; line < 2000; line++) progress(`line ${line}, and some more words`);
  return Promise.resolve({ act, length: secret.length });
});
