import assert from "node:assert/strict";
import { test } from "node:test";
import { estimate, formatElapsed, longLine, shortLine, type Stand } from "../../toolchain/pace.ts";
import { tools } from "../../toolchain/tools.ts";

/** The first of two tools, 6 and 4 minutes, after a minute in which a sixth of it was compiled. */
const stand: Stand = {
  elapsedMs: 60_000,
  builtMinutes: 0,
  minutes: 6,
  laterMinutes: 4,
  packages: { total: 600, cached: 0, compiled: 100 },
};

function close(value: number, expected: number): void {
  assert.ok(Math.abs(value - expected) < 0.01, `${value} instead of ${expected}`);
}

test("at the quiet pace, what is left is what the tools are worth", () => {
  const { done, toolMinutes, allMinutes } = estimate(stand);
  close(done, 1 / 6);
  close(toolMinutes, 5);
  close(allMinutes, 9);
});

test("a machine that is three times slower makes all that is left longer, the tools to come too", () => {
  const later = { ...stand, elapsedMs: 9 * 60_000, packages: { total: 600, cached: 0, compiled: 300 } };
  const { toolMinutes, allMinutes } = estimate(later);
  assert.ok(toolMinutes > 7.5 && toolMinutes < 9, String(toolMinutes));
  assert.ok(allMinutes > 17 && allMinutes < 21, String(allMinutes));
});

test("a build that was cut goes on at its percentage, and what was cached doesn't make it look fast", () => {
  const resumed = { ...stand, packages: { total: 600, cached: 300, compiled: 100 } };
  const { done, toolMinutes } = estimate(resumed);
  close(done, 2 / 3);
  close(toolMinutes, 2);
});

test("nothing compiled yet: the quiet time, growing while nothing comes; never endless, never below nothing", () => {
  const nothing = { ...stand, elapsedMs: 0, packages: { total: 600, cached: 0, compiled: 0 } };
  close(estimate(nothing).allMinutes, 10);
  assert.ok(estimate({ ...nothing, elapsedMs: 30_000 }).allMinutes > 10);
  for (const packages of [
    { total: 0, cached: 0, compiled: 0 },
    { total: 600, cached: 600, compiled: 0 },
    { total: 600, cached: 590, compiled: 20 },
  ]) {
    const { done, toolMinutes, allMinutes } = estimate({ ...stand, packages });
    assert.ok(done >= 0 && done <= 1);
    assert.equal(toolMinutes, 0);
    assert.ok(Number.isFinite(allMinutes) && allMinutes > 0);
  }
});

test("a line names what is done and what is left", () => {
  assert.equal(shortLine(stand), "16 %, about 5 min left, all tools 9 min");
  assert.equal(longLine(stand), "16 % (100 of 600 packages), about 5 min left; all tools: about 9 min left");
  assert.equal(shortLine({ ...stand, laterMinutes: 0 }), "16 %, about 5 min left");
});

test("on a terminal it fits in 80 columns for each tool, even after hours", () => {
  for (const { name, version } of tools) {
    const slow = { ...stand, elapsedMs: 10 * 3_600_000, packages: { total: 9999, cached: 0, compiled: 5000 } };
    const line = `[4/4] ${name} ${version}: ${formatElapsed(slow.elapsedMs)}, ${shortLine(slow)}`;
    assert.ok(line.length <= 80, line);
  }
});

test("elapsed time is told in minutes and seconds", () => {
  assert.equal(formatElapsed(0), "00:00");
  assert.equal(formatElapsed(190_999), "03:10");
  assert.equal(formatElapsed(3_600_000), "60:00");
});
