import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { judgeBuild } from "../../../core/build/moduleBuild.ts";
import { build, image, mbsc, mic, realTime, view, want } from "./buildView.ts";

describe("two Builds at once", () => {
  test("for one image: KMM (2.4.1) is stuck, and starts over", () => {
    const verdict = judgeBuild(
      view({
        mic: mic({ [image("t2")]: "NeedsBuilding" }),
        mbsc: mbsc([image("t2")]),
        builds: [build("onload-build-b", "Complete"), build("onload-build-a", "Running")],
      }),
    );
    assert.ok(verdict.kind === "forget");
    assert.match(verdict.reason, /made onload-build-a and onload-build-b for one image/);
  });

  test("one of which is going: its successor is waited for", () => {
    const going = build("onload-build-a", "Running", { deletionTimestamp: "2026-01-01T00:00:00Z" });
    const verdict = judgeBuild(
      view({
        mic: mic({ [image("t2")]: "NeedsBuilding" }),
        mbsc: mbsc([image("t2")]),
        builds: [going, build("onload-build-b")],
      }),
    );
    assert.equal(verdict.kind, "wait");
  });

  test("for two kernels, one of them being signed: they are waited for", () => {
    const verdict = judgeBuild(
      view({
        wanted: [want("t2"), want("t2", realTime)],
        mic: mic({ [image("t2")]: "NeedsSigning", [image("t2", realTime)]: "NeedsBuilding" }),
        mbsc: mbsc([image("t2"), image("t2", realTime)]),
        builds: [
          build("onload-build-a", "Complete"),
          build("onload-sign-a", "Running"),
          build("onload-build-b", "Running", { kernel: realTime }),
        ],
      }),
    );
    assert.equal(verdict.kind, "wait");
  });
});
