import assert from "node:assert/strict";
import { test } from "node:test";
import { runStep } from "../fakeCluster.ts";

const some = (input: string) => runStep("test/steps/lib/someStep.ts", input);
const asked = (act: string): string => JSON.stringify({ act, secret: "hunter2hunter2" });

test("a step answers with JSON on stdout, and nothing else", async () => {
  assert.deepEqual(await some(asked("answer")), { code: 0, stdout: '{"act":"answer","length":14}', stderr: "" });
});

test("a mistake that a person can mend is told without a stack trace", async () => {
  assert.deepEqual(await some(asked("mistake")), {
    code: 1,
    stdout: "",
    stderr: "nodes.worker-1: gone; take it off the list\n",
  });
});

test("a fault of the program is told with its stack trace", async () => {
  const { code, stdout, stderr } = await some(asked("crash"));
  assert.deepEqual([code, stdout], [1, ""]);
  assert.match(stderr, /^TypeError: x is not a function\n {4}at .*someStep\.ts/);
});

for (const input of ["", "{", '{"act": "answer", "secret": "hunter2hunter2"', "hunter2hunter2"]) {
  test(`${input === "" ? "no input" : `the input ${input}`} is refused without being quoted`, async () => {
    const { code, stdout, stderr } = await some(input);
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^stdin: found no JSON, expected this step's input/);
    assert.doesNotMatch(stderr, /hunter2|\n {4}at /);
  });
}

test("an input of another shape is refused by key, without its values", async () => {
  const { code, stderr } = await some(JSON.stringify({ act: "hunter2hunter2", secret: 7 }));
  assert.equal(code, 1);
  assert.match(stderr, /"act"[^]*"secret"/);
  assert.doesNotMatch(stderr, /hunter2/);
});

test("progress stays below what Pulumi can keep and hand on, whole lines from the beginning", async () => {
  const { code, stdout, stderr } = await some(asked("talk"));
  assert.deepEqual([code, stdout], [0, '{"act":"talk","length":14}']);
  assert.ok(Buffer.byteLength(stderr) <= 24 * 1024);
  assert.ok(Buffer.byteLength(stderr) > 23 * 1024);
  const lines = stderr.trimEnd().split("\n");
  lines.forEach((line, index) => assert.match(line, new RegExp(`^00:\\d\\d line ${index}, and some more words$`)));
});
