import assert from "node:assert/strict";
import { test } from "node:test";
import { countKinds, total } from "./kinds.ts";

test("resources are counted by what the bare program registers for them; stack and providers aren't", () => {
  const counts = countKinds([
    { type: "pulumi:pulumi:Stack" },
    { type: "pulumi:providers:kubernetes" },
    { type: "onload-kmm:index:OnloadNode" },
    { type: "onload-kmm-bare:index:Part" },
    { type: "command:local:Command", inputs: { create: "true" } },
    { type: "command:local:Command", inputs: { create: "true", delete: "true" } },
    { type: "kubernetes:kmm.sigs.x-k8s.io/v1beta1:Module" },
    { type: "kubernetes:image.openshift.io/v1:ImageStream" },
  ]);
  assert.deepEqual(counts, { component: 2, command: 1, undoneCommand: 1, customResource: 2 });
  assert.equal(total(counts), 6);
});

test("a type that the bare program has nothing for is refused: a comparison without it would flatter", () => {
  assert.throws(
    () => countKinds([{ type: "random:index/randomPassword:RandomPassword" }]),
    /RandomPassword.*kinds\.ts/,
  );
});
