import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { StepError } from "../../../../steps/lib/step.ts";
import { runPhases } from "../../../../steps/node/phases/phase.ts";

const phases = (["first", "second", "third"] as const).map((name) => ({
  ...{ name, title: `do the ${name}`, when: "", left: "as it was", rerun: "" },
}));

/** Runs three phases; `acts` are the ones that were run, `lines` what was said. */
async function run(t: TestContext, { skips = "", fails = "" } = {}) {
  const lines: string[] = [];
  t.mock.method(process.stderr, "write", (line: string) => lines.push(line.replace(/^\d\d:\d\d /, "").trim()));
  const acts: string[] = [];
  const act = (name: string) => ({
    applies: () => Promise.resolve(name !== skips),
    run: (context: { name: string }) => {
      acts.push(`${name} of ${context.name}`);
      return name === fails ? Promise.reject(new StepError("OKMM-NODE-TOOL", `${name} failed`)) : Promise.resolve();
    },
  });
  const what = { first: act("first"), second: act("second"), third: { run: act("third").run } };
  const failure = await runPhases(phases, what, { name: "w1" }).then(
    () => undefined,
    (error: unknown) => error,
  );
  return { acts, lines, failure };
}

test("phases are run in the list's order, each said by its title", async (t) => {
  const { acts, lines, failure } = await run(t);
  assert.deepEqual(acts, ["first of w1", "second of w1", "third of w1"]);
  assert.deepEqual(lines, [
    "w1: first (1 of 3): do the first",
    "w1: second (2 of 3): do the second",
    "w1: third (3 of 3): do the third",
  ]);
  assert.equal(failure, undefined);
});

test("one that doesn't apply is neither run nor said", async (t) => {
  const { acts, lines } = await run(t, { skips: "second" });
  assert.deepEqual(acts, ["first of w1", "third of w1"]);
  assert.equal(lines.length, 2);
});

test("the first failure ends the list", async (t) => {
  const { acts, failure } = await run(t, { fails: "second" });
  assert.deepEqual(acts, ["first of w1", "second of w1"]);
  assert.ok(failure instanceof StepError && failure.message === "second failed");
});
