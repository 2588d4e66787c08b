import assert from "node:assert/strict";
import { test } from "node:test";
import { runStep } from "../fakeCluster.ts";

const some = (input: string) => runStep("test/steps/lib/someStep.ts", input);
const asked = (act: string): string => JSON.stringify({ act, secret: "hunter2hunter2" });

test("a step answers with JSON on stdout, and nothing else", async () => {
  assert.deepEqual(await some(asked("answer")), { code: 0, stdout: '{"act":"answer","length":14}', stderr: "" });
});

test("a mistake that a person can fix is told with its name, without a stack trace", async () => {
  assert.deepEqual(await some(asked("mistake")), {
    code: 1,
    stdout: "",
    stderr: "nodes.worker-1: gone; remove it from the list [OKMM-NODE-GONE]\nsee docs/runbook.md#okmm-node-gone\n",
  });
});

test("a fault of the program is told with its stack trace", async () => {
  const { code, stdout, stderr } = await some(asked("crash"));
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^TypeError: x is not a function\n {4}at .*someStep\.ts/);
  assert.match(stderr, / \[OKMM-UNEXPECTED\]\n$/);
});

for (const input of ["", "{", '{"act": "answer", "secret": "hunter2hunter2"', "hunter2hunter2"]) {
  test(`${input === "" ? "no input" : `the input ${input}`} is refused without being quoted`, async () => {
    const { code, stdout, stderr } = await some(input);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^found no JSON object, expected this step's input/);
    assert.doesNotMatch(stderr, /hunter2|\n {4}at /);
  });
}

test("an input of another shape is refused by key, without its values", async () => {
  const { code, stderr } = await some(JSON.stringify({ act: "hunter2hunter2", secret: 7 }));
  assert.equal(code, 1);
  assert.match(stderr, /"act"[^]*"secret"/);
  assert.doesNotMatch(stderr, /hunter2/);
});

test("what a step starts doesn't inherit Pulumi's passphrase and token, and the rest it does", async (t) => {
  const given = { PULUMI_CONFIG_PASSPHRASE: "correct horse", PULUMI_ACCESS_TOKEN: "pul-1", KEPT_FOR_CHILDREN: "yes" };
  Object.assign(process.env, given);
  t.after(() => Object.keys(given).forEach((name) => Reflect.deleteProperty(process.env, name)));
  const { stderr } = await some(asked("child"));
  assert.match(stderr, /KEPT_FOR_CHILDREN=yes/);
  assert.doesNotMatch(stderr, /PASSPHRASE|correct horse|pul-1/);
});

/** Whether `line` is a cut one: 4 KiB at most, with what is missing said. */
function assertCut(line: string | undefined, start: RegExp): void {
  assert.match(line ?? "", start);
  assert.match(line ?? "", /x… \(\d+ bytes cut\)$/);
  assert.ok(Buffer.byteLength(line ?? "") <= 4096);
}

test("no line is longer than 4 KiB, be it progress or an error's: a longer one could hang `up`", async () => {
  const { code, stderr } = await some(asked("long"));
  assert.equal(code, 1);
  const [said, why, log, ...rest] = stderr.split("\n");
  assertCut(said, /^00:\d\d xxx/);
  assert.equal(why, "a build failed. Its log ends with:");
  assertCut(log, /^xxx/);
  assert.deepEqual(rest, ["fix it [OKMM-BUILD-FAILED]", "see docs/runbook.md#okmm-build-failed", ""]);
});

test("an error that nothing caught ends the step, cut like all lines, without a look at the source", async () => {
  const { code, stdout, stderr } = await some(asked("late"));
  assert.deepEqual([code, stdout], [1, ""]);
  assertCut(stderr.split("\n")[0], /^AssertionError \[ERR_ASSERTION\]: xxx/);
  assert.match(stderr, /\n {4}at .*someStep\.ts/);
  assert.doesNotMatch(stderr, /setTimeout\(\(\) =>/);
});

test("what others say is printed without what a terminal or a protocol would mind", async () => {
  const { code, stderr } = await some(asked("foreign"));
  assert.equal(code, 0);
  assert.match(stderr, /^00:\d\d a red line\ufffd with \ufffd half a smile\nand another\n$/);
});

test("progress stays below what Pulumi can keep and hand on, whole lines from the beginning", async () => {
  const { code, stdout, stderr } = await some(asked("talk"));
  assert.deepEqual([code, stdout], [0, '{"act":"talk","length":14}']);
  assert.ok(Buffer.byteLength(stderr) <= 24 * 1024);
  assert.ok(Buffer.byteLength(stderr) > 23 * 1024);
  const lines = stderr.trimEnd().split("\n");
  lines.forEach((line, index) => assert.match(line, new RegExp(`^00:\\d\\d line ${index}, and some more words$`)));
});
