import assert from "node:assert/strict";
import { test } from "node:test";
import { kmmFeatures, type CrdObject } from "../../../core/cluster/kmmFeatures.ts";

const modules = (...fields: string[]): CrdObject => {
  const properties = Object.fromEntries(["moduleLoader", ...fields].map((field) => [field, {}]));
  const versions = [{ schema: { openAPIV3Schema: { properties: { spec: { properties } } } } }];
  return { metadata: { name: "modules.kmm.sigs.x-k8s.io" }, spec: { versions } };
};
const boot: CrdObject = { metadata: { name: "bootmoduleconfigs.kmm.sigs.x-k8s.io" } };

for (const [line, crds] of [
  ["2.4", [modules()]],
  ["2.5", [modules(), boot]],
  ["2.6", [modules("imageRebuildTriggerGeneration"), boot]],
  ["2.7", [modules("imageRebuildTriggerGeneration", "dra"), boot]],
] as const) {
  test(`KMM ${line} is known by what its CRDs have, and signs ${line === "2.7" ? "in place" : "aside"}`, () => {
    assert.deepEqual(kmmFeatures(crds), { line, signsInPlace: line === "2.7" });
  });
}

test("a cluster without KMM's CRDs has no feature of a later line", () => {
  assert.deepEqual(kmmFeatures([]), { line: "2.4", signsInPlace: false });
});
