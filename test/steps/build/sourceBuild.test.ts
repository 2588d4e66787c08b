/** A source build, look by look, where the order of answers matters. */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kubectl } from "../../../steps/cluster/kubectl.ts";
import type { BuildLogs } from "../../../steps/build/builds.ts";
import { SourceBuild, type SourceBuildObject } from "../../../steps/build/sourceBuild.ts";

const build = (phase: string): SourceBuildObject => ({
  metadata: { name: "onload-srpm-1", uid: "uid-1" },
  spec: { output: { to: { name: "onload-srpm:tag" } } },
  status: { phase },
});

/** A build whose looks find these lists; before the third list comes back, the upload is answered. */
function scene(...lists: SourceBuildObject[][]): SourceBuild {
  let answer: (text: string) => void = () => undefined;
  let looks = 0;
  const kubectl = {
    list: async () => {
      const found = lists[looks] ?? [];
      looks += 1;
      if (looks === 3) {
        answer(JSON.stringify({ metadata: { name: "onload-srpm-1" } }));
        await new Promise(setImmediate);
      }
      return found;
    },
  } as unknown as Kubectl;
  const request = {
    ...{ namespace: "ns", selector: "", output: "onload-srpm:tag" },
    upload: () => new Promise<string>((resolve) => (answer = resolve)),
  };
  return new SourceBuild(kubectl, request, { follow: () => undefined } as unknown as BuildLogs);
}

// The first look asks twice: what is there, and what waits for an upload that was cut off.

test("a list that was asked for before the upload's answer needn't have the Build that the answer names", async () => {
  const source = scene([], [], [], [build("Complete")]);
  assert.deepEqual(await source.look(), { missing: "OpenShift to make a Build" });
  assert.deepEqual(await source.look(), { missing: "OpenShift to make a Build" });
  assert.deepEqual(await source.look(), { done: build("Complete") });
});

test("one that a later list lacks was deleted", async () => {
  const source = scene([], [], [build("Running")], []);
  assert.deepEqual(await source.look(), { missing: "OpenShift to make a Build" });
  assert.deepEqual(await source.look(), { missing: "onload-srpm-1 Running" });
  await assert.rejects(source.look(), { id: "OKMM-SOURCE-DELETED", message: /^Build onload-srpm-1 was deleted/ });
});
