import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { stripVTControlCharacters } from "node:util";
import { Milestones } from "../../demo/milestones.ts";
import { Story, wrap } from "../../demo/story.ts";

/** All that is written, on a terminal of this width or on none. */
function page(columns?: number) {
  const written: string[] = [];
  const write = (text: string) => written.push(text);
  return { written, page: columns === undefined ? { write } : { write, isTTY: true, columns } };
}

test("where there is no terminal, a step is one line of 80 columns when it ends, without escape codes", () => {
  mock.timers.enable({ apis: ["Date", "setInterval"], now: 0 });
  const { written, page: paper } = page();
  const step = new Story(paper).begin("A step");
  mock.timers.tick(65_000);
  step.now("half-way");
  assert.deepEqual(written, []);
  step.end(true);
  mock.timers.reset();
  assert.deepEqual(written, [`✔ ${"A step".padEnd(72)} 01:05\n`]);
});

test("on a terminal the last line follows what goes on, is never wider, and gives way to what is told", () => {
  mock.timers.enable({ apis: ["Date", "setInterval"], now: 0 });
  const { written, page: screen } = page(50);
  const story = new Story(screen);
  const step = story.begin("A step with a sentence that is far too long for this terminal");
  step.now("half-way");
  mock.timers.tick(2_000);
  assert.equal(written.at(-1), `\r\u001b[K… ${"half-way".padEnd(42)} 00:02`);
  for (const text of written) assert.ok(stripVTControlCharacters(text).trim().length <= 50, text);
  step.end(false);
  assert.match(written.join(""), /\r\u001b\[K\S*✘\S* A step with a sentence that is far too lo… 00:02\n$/);
  const before = written.length;
  mock.timers.tick(10_000);
  mock.timers.reset();
  assert.equal(written.length, before, "nothing goes on any more");
});

test("text is wrapped between words, with its indentation kept", () => {
  assert.deepEqual(wrap("  one two three", 9), ["  one two", "  three"]);
  assert.deepEqual(wrap("a-word-that-is-longer b", 9), ["a-word-that-is-longer", "b"]);
});

test("of a command's resources those are told that a person would ask about; what didn't end has failed", () => {
  const { written, page: paper } = page();
  const milestones = new Milestones(new Story(paper));
  const common = { op: "create", message: "" } as const;
  milestones.saw({ ...common, name: "onload-guard", stage: "done" });
  milestones.saw({ ...common, name: "worker-1-roll", stage: "begun" });
  milestones.saw({ ...common, name: "worker-1-roll", stage: "begun", message: "cordoned" });
  milestones.saw({ ...common, name: "worker-1-roll", stage: "done" });
  milestones.saw({ ...common, op: "delete", name: "worker-1-roll", stage: "done" });
  milestones.saw({ ...common, name: "worker-1-proof", stage: "begun" });
  milestones.end();
  const lines = written.join("").split("\n");
  assert.deepEqual(
    lines.map((line) => line.slice(0, 12)),
    ["✔ worker-1: ", "✘ worker-1: ", ""],
  );
});
