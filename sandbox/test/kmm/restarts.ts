import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MODULES } from "../../kmm/resources.ts";
import { type Lab, until } from "./lab.ts";

/** KMM and OpenShift's controllers live through what a single-node cluster does to its API server. */
export function restarts(lab: () => Lab): void {
  describe("restarts", () => {
    for (const name of ["kube-apiserver", "etcd"] as const) {
      test(`a build and all after it go on when ${name} was away`, async (t) => {
        const scene = await lab().scene(t, `restart-${name}`);
        await lab().set({ "build.hang": `^restart-${name}/` });
        await scene.apply("t1");
        await until("the build to run", async () => (await scene.livingBuilds())[0]?.status?.phase === "Running");
        await lab().set({ "build.hang": null });
        await lab().sandbox.restart(name);
        await until("the image", () =>
          scene.state("t1").then(
            (state) => state === "Exists",
            () => false,
          ),
        );
        assert.ok(lab().registry.resolve(scene.image("t1")) !== undefined);
      });
    }

    test("a Module can't be changed while KMM is away, and its deletion ends when KMM is back", async (t) => {
      const scene = await lab().scene(t, "no-webhook");
      await scene.apply("t1");
      await scene.untilState("t1", "Exists");
      await lab().killKmm();
      await assert.rejects(scene.apply("t2"), /failed calling webhook "vmodule\.kb\.io"/);
      await lab().kube.delete(MODULES, scene.target);
      assert.ok((await lab().kube.find(MODULES, scene.target)) !== undefined);
      await lab().startKmm();
      await until("the Module to go", async () => (await lab().kube.find(MODULES, scene.target)) === undefined);
    });
  });
}
