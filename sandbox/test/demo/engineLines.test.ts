import assert from "node:assert/strict";
import { test } from "node:test";
import { parseResourceLine, planSentences, resourceCounts, whyFailed } from "../../demo/engineLines.ts";

test("a resource's line tells its name, what is done to it, how far that is, and what it says of itself", () => {
  const lines = {
    " +  command:local:Command worker-1-roll creating (0s) ": ["worker-1-roll", "create", "begun", ""],
    " +  command:local:Command worker-1-roll creating (14s) 00:14 worker-1: cordoned": [
      ...["worker-1-roll", "create", "begun", "worker-1: cordoned"],
    ],
    " +  kubernetes:kmm.sigs.x-k8s.io/v1beta1:Module module created (0.04s) ": ["module", "create", "done", ""],
    " ~  command:local:Command module-build updated (2s) 00:01 built": ["module-build", "update", "done", "built"],
    " ++ command:local:Command worker-1-claim creating replacement (1s)": [
      ...["worker-1-claim", "create", "begun", "replacement (1s)"],
    ],
    " -  command:local:Command worker-1-claim deleting (3s) 00:02 worker-1: unloaded": [
      ...["worker-1-claim", "delete", "begun", "worker-1: unloaded"],
    ],
    " +  command:local:Command module-build **creating failed** 1 error": [
      ...["module-build", "create", "failed", "1 error"],
    ],
  };
  for (const [line, [name, op, stage, message]] of Object.entries(lines)) {
    assert.deepEqual(parseResourceLine(line), { name, op, stage, message }, line);
  }
});

test("other lines are none: the engine's dots, a plan, diagnostics", () => {
  for (const line of [
    "@ updating....",
    "Updating (dev):",
    " +  command:local:Command worker-1-roll create ",
    "  command:local:Command (worker-1-roll):",
    "    worker-1: created by hand",
  ]) {
    assert.equal(parseResourceLine(line), undefined, line);
  }
});

const preview = [
  " +  pulumi:pulumi:Stack onload-kmm-dev create What will happen to the nodes:",
  "Diagnostics:",
  "  pulumi:pulumi:Stack (onload-kmm-dev):",
  "    warning: using pulumi-language-nodejs from $PATH at /some/where/pulumi-language-nodejs",
  "    What will happen to the nodes:",
  "      - 2 nodes are drained.",
  "      - About 30 min.",
  "    pulumi-resource-tls: a stand-in for version 5.6.1 of the real plugin",
  "",
  "Resources:",
  "    + 49 to create",
  "    2 unchanged",
  "",
  "Duration: 4s",
];

test("of a preview the sentences on nodes are kept, and how many resources are meant", () => {
  assert.deepEqual(planSentences(preview), ["2 nodes are drained.", "About 30 min."]);
  assert.equal(resourceCounts(preview), "49 to create, 2 unchanged");
  assert.deepEqual([planSentences([]), resourceCounts([])], [[], undefined]);
});

test("why it failed is in the diagnostics, without a word on plugins; before there are any, in the last lines", () => {
  assert.deepEqual(whyFailed(preview, 2), ["      - 2 nodes are drained.", "      - About 30 min."]);
  assert.deepEqual(whyFailed(["error: one", "", "error: no stack"], 1), ["error: no stack"]);
});
