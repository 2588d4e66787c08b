import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { step } from "../../components/step.ts";
import { leaks, shownOf } from "./fixtures.ts";
import { named, record, unknown } from "./harness.ts";

test("a step is this project's own Node on its program, so that a kill reaches it and older Nodes don't", async () => {
  const all = await record(() => step("a", { run: "rollNode", undo: "leaveNode", input: { node: "w" } }, {}));
  assert.deepEqual(named(all, "a").inputs, {
    create: "exec node_modules/.bin/node steps/rollNode.ts",
    delete: "exec node_modules/.bin/node steps/leaveNode.ts",
    environment: { ONLOAD_KMM_INPUT: '{"node":"w"}' },
    addPreviousOutputInEnv: false,
    logging: "stderr",
  });
});

test("a step that only undoes something does nothing on create", async () => {
  const { inputs } = named(await record(() => step("a", { undo: "leaveNode", input: {} }, {})), "a");
  assert.deepEqual([inputs["create"], inputs["delete"]], ["true", "exec node_modules/.bin/node steps/leaveNode.ts"]);
});

test("a step without an undoing leaves nothing to run on delete", async () => {
  const { inputs } = named(await record(() => step("a", { run: "proveNode", input: {} }, {})), "a");
  assert.ok(!("delete" in inputs));
});

test("secrets go through stdin, where nobody sees them, and the rest where a preview shows it", async () => {
  const secrets = { password: pulumi.secret("correct horse"), user: "u" };
  const all = await record(() => step("a", { run: "rollNode", input: { node: "w" }, secrets }, {}));
  assert.deepEqual(named(all, "a").inputs["stdin"], { secret: '{"password":"correct horse","user":"u"}' });
  assert.deepEqual(named(all, "a").inputs["environment"], { ONLOAD_KMM_INPUT: '{"node":"w"}' });
  assert.deepEqual(leaks(all, "correct horse"), []);
});

test("a change never replaces a step: its old undoing would run after the new one's work", async () => {
  const all = await record(() => step("a", { run: "rollNode", undo: "leaveNode", input: {} }, {}));
  assert.ok(!("triggers" in named(all, "a").inputs));
});

test("an input that isn't known yet leaves the step for later", async () => {
  const later = pulumi.output(Promise.resolve("x"));
  const all = await record(
    () => {
      const first = step("first", { run: "proveNode", input: { later } }, {});
      step("second", { run: "proveNode", input: { answer: first.stdout } }, {});
    },
    { preview: true },
  );
  assert.equal(shownOf(all, "second"), unknown);
  assert.deepEqual(named(all, "second").dependencies, ["first"]);
});
