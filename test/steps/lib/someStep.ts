/** A step for the tests of runStep: does what its input says. */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { z } from "zod";
import { contract } from "../../../core/contracts/contract.ts";
import { progress, runStep, StepError } from "../../../steps/lib/step.ts";

const someStep = contract({
  program: "someStep",
  input: z.object({
    act: z.enum(["answer", "mistake", "crash", "talk", "long", "foreign", "late", "child"]),
    secret: z.string(),
  }),
  answer: z.object({ act: z.string(), length: z.number() }),
});

await runStep(someStep, ({ act, secret }) => {
  if (act === "mistake") throw new StepError("OKMM-NODE-GONE", "nodes.worker-1: gone; remove it from the list");
  if (act === "crash") throw new TypeError("x is not a function");
  if (act === "talk") for (let line = 0; line < 2000; line++) progress(`line ${line}, and some more words`);
  // What a program inherits that the step starts.
  if (act === "child") progress(execFileSync("env", { encoding: "utf8" }).replaceAll("\n", " "));
  const long = "x".repeat(200_000);
  if (act === "long") {
    progress(long);
    throw new StepError("OKMM-BUILD-FAILED", `a build failed. Its log ends with:\n${long}\nfix it`);
  }
  // What a console, a log or half a character in one may bring along.
  if (act === "foreign") progress("a \u001b[31mred\u001b[0m line\u0007 with \ud83d half a smile\r\nand another");
  // Nothing awaits this one: Node itself would print it, and end the process.
  if (act === "late") return new Promise(() => setTimeout(() => assert.fail(long)));
  return Promise.resolve({ act, length: secret.length });
});
