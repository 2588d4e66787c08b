import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MICS, PREFLIGHTS, PREFLIGHTS_OCP, type PreflightResult } from "../../kmm/resources.ts";
import { builds } from "../../openshift/resources.ts";
import { KERNEL, type Lab, NEXT_KERNEL, until } from "./lab.ts";

/** Preflight validation for a coming kernel. */
export function preflight(lab: () => Lab): void {
  const create = (name: string, kernelVersion: string, more: Record<string, unknown> = {}) =>
    lab().kube.create(PREFLIGHTS_OCP, { metadata: { name }, spec: { kernelVersion, ...more } });
  const result = async (name: string, namespace: string): Promise<PreflightResult | undefined> =>
    (await lab().kube.get(PREFLIGHTS_OCP, { name })).status?.modules?.find((each) => each.namespace === namespace);

  describe("preflight", () => {
    test("builds the image for the coming kernel under the Module's preflight name, and cleans up", async (t) => {
      const scene = await lab().scene(t, "preflight-build");
      await scene.apply("t1");
      await scene.untilState("t1", "Exists");
      t.after(() => lab().kube.delete(PREFLIGHTS_OCP, { name: "next" }));
      await create("next", NEXT_KERNEL, { pushBuiltImage: false });
      const done = await until("the result", async () => {
        const found = await result("next", scene.namespace);
        return found?.verificationStage === "Done" && found;
      });
      assert.deepEqual([done.verificationStatus, done.statusReason], ["Success", "verified image exists"]);
      // "Exists" it is said to be, be it pushed or not; before 2.5 it is in spite of pushBuiltImage: false.
      const pushed = lab().registry.resolve(scene.image("t1").replace(KERNEL, NEXT_KERNEL)) !== undefined;
      assert.equal(pushed, !lab().line.pushesAsAsked);
      await lab().kube.delete(PREFLIGHTS_OCP, { name: "next" });
      const target = { namespace: scene.namespace, name: "onload-preflight" };
      // The garbage collector learns of new types every 30 s only.
      await until("its objects to go", async () => (await lab().kube.find(MICS, target)) === undefined);
      assert.equal(await lab().kube.find(PREFLIGHTS, { name: "next" }), undefined);
    });

    test("a Module without a mapping fails at once; one without build and sign never does", async (t) => {
      const unmapped = await lab().scene(t, "preflight-unmapped");
      const mapping = { literal: KERNEL, containerImage: unmapped.image("t1") };
      await unmapped.apply("t1", { kernelMappings: [mapping] });
      const imageless = await lab().scene(t, "preflight-imageless");
      await imageless.apply("t1", { build: undefined } as never);
      t.after(() => lab().kube.delete(PREFLIGHTS_OCP, { name: "other" }));
      await create("other", NEXT_KERNEL);
      const failed = await until("the failure", () => result("other", unmapped.namespace));
      assert.deepEqual([failed.verificationStatus, failed.statusReason], ["Failure", "mapping not found"]);
      await until("the pull pod to fail", async () => {
        const pods = await lab().sandbox.kubectl([
          "get",
          "pods",
          "-n",
          imageless.namespace,
          "-o",
          "jsonpath={.items[*].status.containerStatuses[0].state.waiting.reason}",
        ]);
        return pods.includes("ImagePullBackOff");
      });
      const waiting = await result("other", imageless.namespace);
      assert.deepEqual([waiting?.verificationStatus, waiting?.verificationStage], ["InProgress", "Image"]);
      assert.deepEqual((await lab().kube.list(builds, { namespace: imageless.namespace })).items, []);
    });

    test("a kernel version with fewer than three parts is refused", async () => {
      await assert.rejects(
        create("bad", "5.14"),
        /admission webhook "vpreflightvalidationocp.kb.io" denied the request: invalid kernelVersion 5\.14$/,
      );
      await assert.rejects(create("bad", ""), /denied the request: kernelVersion cannot be empty$/);
    });
  });
}
