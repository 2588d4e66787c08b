import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { look, step, type Step } from "../../components/step.ts";
import { contract } from "../../core/contracts/contract.ts";
import { keepIdentity } from "../../core/contracts/keepIdentity.ts";
import { rollNode } from "../../core/contracts/rollNode.ts";
import { leaks, onStack, shownOf, valueOf } from "./fixtures.ts";
import { named, record, unknown } from "./harness.ts";

const make = contract({
  program: "make",
  input: z.object({ node: z.string(), wanted: z.string().optional() }),
  answer: z.object({ image: z.string() }),
});
const takeBack = contract({
  program: "takeBack",
  input: z.object({ node: z.string(), user: z.object({ name: z.string(), password: z.string() }) }),
  secrets: ["user"],
  answer: z.object({}),
});
const user = { name: "u", password: pulumi.secret("correct horse") };

test("a step is this project's own Node on its program, so that a kill reaches it and older Nodes don't", async () => {
  const all = await record(() => step("a", { run: make, undo: takeBack }, { node: "w", user }, {}));
  assert.deepEqual(named(all, "a").inputs, {
    create: "exec node_modules/.bin/node steps/make.ts",
    delete: "exec node_modules/.bin/node steps/takeBack.ts",
    environment: { ONLOAD_KMM_INPUT: '{"node":"w"}' },
    stdin: { secret: '{"user":{"name":"u","password":"correct horse"}}' },
    addPreviousOutputInEnv: false,
    logging: "stderr",
  });
});

test("a step that only undoes something does nothing on create", async () => {
  const { inputs } = named(await record(() => step("a", { undo: make }, { node: "w" }, {})), "a");
  assert.deepEqual([inputs["create"], inputs["delete"]], ["true", "exec node_modules/.bin/node steps/make.ts"]);
});

test("a step without an undoing leaves nothing to run on delete, and one without secrets nothing on stdin", async () => {
  const { inputs } = named(await record(() => step("a", { run: make }, { node: "w" }, {})), "a");
  assert.ok(!("delete" in inputs));
  assert.ok(!("stdin" in inputs));
});

test("secrets go through stdin, where nobody sees them, and the rest where a preview shows it", async () => {
  const all = await record(() => step("a", { run: takeBack }, { user, node: "w" }, {}));
  assert.deepEqual(named(all, "a").inputs["stdin"], { secret: '{"user":{"name":"u","password":"correct horse"}}' });
  assert.deepEqual(named(all, "a").inputs["environment"], { ONLOAD_KMM_INPUT: '{"node":"w"}' });
  assert.deepEqual(leaks(all, "correct horse"), []);
});

test("a secret is none of the environment's, though its value isn't marked as one", async () => {
  const plain = { name: "u", password: "correct horse" };
  const all = await record(() => step("a", { undo: takeBack }, { node: "w", user: plain }, {}));
  assert.equal(shownOf(all, "a"), '{"node":"w"}');
});

test("a change never replaces a step: its old undoing would run after the new one's work", async () => {
  const all = await record(() => step("a", { run: make, undo: takeBack }, { node: "w", user }, {}));
  assert.ok(!("triggers" in named(all, "a").inputs));
});

test("an input that isn't known yet leaves the step for later", async () => {
  const later = pulumi.output(Promise.resolve("x"));
  const all = await record(
    () => {
      const first = step("first", { run: make }, { node: later }, {});
      step("second", { run: make }, { node: "w", wanted: first.answer.image }, {});
    },
    { preview: true },
  );
  assert.equal(shownOf(all, "second"), unknown);
  assert.deepEqual(named(all, "second").dependencies, ["first"]);
});

test("only a step whose contract says so is told what it answered last", async () => {
  const input = { stack: "dev", cluster: onStack.cluster, namespace: "onload-kmm" };
  const all = await record(() => {
    step("forgets", { run: make }, { node: "w" }, {});
    step("remembers", { run: keepIdentity }, input, {});
  });
  const told = (name: string) => named(all, name).inputs["addPreviousOutputInEnv"];
  assert.deepEqual([told("forgets"), told("remembers")], [false, true]);
});

const answering = (stdout: string) => ({ outputs: () => ({ stdout }) });

test("a step's answer has the type that its contract says, and keeps what the contract doesn't know", async () => {
  let made: Step<{ image: string }> | undefined;
  await record(() => (made = step("a", { run: make }, { node: "w" }, {})), answering('{"of":"later","image":"i"}'));
  assert.deepEqual(await valueOf(made?.answer ?? assert.fail()), { of: "later", image: "i" });
});

for (const [what, stdout, why] of [
  [
    "lacks a member",
    '{"picture":"hunter2"}',
    "the answer of the step make doesn't fit its contract: image: Invalid input: expected string, received undefined",
  ],
  [
    "is of another type",
    '{"image":["hunter2"]}',
    "the answer of the step make doesn't fit its contract: image: Invalid input: expected string, received array",
  ],
  ["is no JSON", "hunter2", "the answer of the step make is no JSON"],
] as const) {
  test(`an answer that ${what} ends the program with one sentence, which doesn't quote it`, async () => {
    const asked = record(() => look(make, { node: "w" }), { call: () => ({ stdout }) });
    await assert.rejects(asked, (error) => {
      assert.ok(pulumi.RunError.isInstance(error));
      assert.equal(error.message, why);
      return true;
    });
  });
}

/** Never run: `npm run check` fails when one of these compiles. */
export function misuses(): Step<object> {
  // @ts-expect-error a member is missing
  step("a", { run: rollNode }, { node: "w" }, {});
  // @ts-expect-error no contract knows the member
  step("a", { run: make }, { node: "w", nodes: 1 }, {});
  // @ts-expect-error a member has another type, though known later only
  step("a", { run: make }, { node: pulumi.output(7) }, {});
  // @ts-expect-error what undoes needs a user, too
  step("a", { run: make, undo: takeBack }, { node: "w" }, {});
  // @ts-expect-error a secret must be a member of the input
  contract({ program: "make", input: z.object({ node: z.string() }), secrets: ["password"], answer: z.object({}) });
  // @ts-expect-error the answer has no such member
  const misread: Step<{ digest: string }> = step("a", { run: make }, { node: "w" }, {});
  return misread;
}
