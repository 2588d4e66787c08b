import assert from "node:assert/strict";
import { test } from "node:test";
import { historyOf, type History } from "../../../core/report/history.ts";
import { measuredTurns } from "../../../core/report/turns.ts";
import { before, Recording } from "./runs.ts";

const nodes = ["w1", "w2", "w3"].map((name) => ({ name, hold: false, before: before() }));
const minutes = (count: number) => count * 60_000;

function history(recording: Recording): History {
  const found = historyOf(recording.records);
  assert.ok(found);
  return found;
}

test("the median of turns that ended well; a reboot's apart", () => {
  const first = new Recording(nodes).rolled("w1", 1, 10).rolled("w2", 12, 14).rolled("w3", 30, 11);
  const second = new Recording(nodes);
  second
    .step(1, "rollNode", { node: "w1" })
    .phase(2, "cordon")
    .phase(3, "load")
    .ends(4, { node: "w1", state: "loaded" });
  assert.deepEqual(measuredTurns([history(second), history(first)]), {
    reload: undefined,
    reboot: { each: minutes(11), turns: 3 },
  });
});

test("a turn without an end, or that failed, measures nothing; no run, no measure", () => {
  const cut = new Recording(nodes);
  cut.step(1, "rollNode", { node: "w1" }).phase(2, "enrol");
  assert.deepEqual(measuredTurns([history(cut)]), { reload: undefined, reboot: undefined });
  assert.deepEqual(measuredTurns([]), { reload: undefined, reboot: undefined });
});

test("the newest fifty count", () => {
  const old = Array.from({ length: 40 }, () => history(new Recording(nodes).rolled("w1", 1, 60)));
  const young = Array.from({ length: 26 }, () => history(new Recording(nodes).rolled("w1", 1, 9)));
  assert.deepEqual(measuredTurns([...young, ...old]).reboot, { each: minutes(9), turns: 50 });
});
