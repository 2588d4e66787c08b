import assert from "node:assert/strict";
import { test } from "node:test";
import { z } from "zod";
import { cardsOf, cardSummary } from "../../core/node/cards.ts";
import { driverProblems, hostPorts, isTrusted, machineState } from "../../core/node/machineState.ts";
import { toolInput } from "../../core/node/nodeTool.ts";
import { answerIn } from "../../steps/node/nodeMachine.ts";
import { machine } from "../core/node/machines.ts";
import { answered, assertShowable, hostile } from "./hostile.ts";
import { damagedJson, damagedText } from "./inputs.ts";
import fc from "fast-check";

const printed = fc.oneof(
  damagedJson(machine()).map((value) => JSON.stringify(value)),
  damagedText(JSON.stringify(machine())),
);

/** Every string in an answer, names of members too. */
const stringsIn = (value: unknown): string[] =>
  typeof value === "string"
    ? [value]
    : typeof value === "object" && value !== null
      ? Object.entries(value).flatMap(([key, member]) => [key, ...stringsIn(member)])
      : [];

hostile("node's answer", printed, async (stdout) => {
  const state = await answered(() => answerIn(stdout, machineState, "worker-0: state.sh"));
  if (state === undefined) return;
  machineState.parse(state);
  for (const text of stringsIn(Object.values(state))) assertShowable(text, 100_000);
  for (const text of stringsIn({ ...state, modules: {} })) assertShowable(text, 2100);
  assertShowable(cardSummary(cardsOf(state)), 100_000);
  for (const problem of driverProblems(state)) assertShowable(problem, 10_000);
  assert.ok(hostPorts(state).every((port) => state.ports.includes(port)));
  assert.equal(typeof isTrusted(state), "boolean");
});

test("a module's name that no kernel has is refused, and not repeated as it came", async () => {
  const { modules, ...rest } = machine();
  const [live] = Object.values(modules);
  for (const name of ["\u001b[".repeat(3000), "x".repeat(56), "a b", ""]) {
    const stdout = JSON.stringify({ ...rest, modules: { ...modules, [name]: live ?? null } });
    assert.equal(await answered(() => answerIn(stdout, machineState, "worker-0: state.sh")), undefined);
  }
});

test("what a tool prints comes as it is", () => {
  assert.deepEqual(answerIn(JSON.stringify(machine()), machineState, "w"), machine());
  const strange = answerIn('{"a":"\\u001b[31mred\\u009b"}', z.object({ a: z.string() }), "w");
  assert.deepEqual(strange, { a: "red\u{fffd}" });
});

test("no value for a tool is two values", () => {
  assert.throws(() => toolInput({ "boot-id": "b\ntimeout=1" }), /boot-id .* more than one line/);
});
