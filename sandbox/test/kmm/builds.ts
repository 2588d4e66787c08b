import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { loopbackCertificate } from "../../kmm/admission/certificate.ts";
import { MBSCS, MICS, EVENTS, CONFIG_MAPS } from "../../kmm/resources.ts";
import type { KubeObject } from "../../kube.ts";
import { BAD, GOOD, type Lab, FIXED, type Scene, SIGNED_FILE, until } from "./lab.ts";

/** KMM's defects around builds and signatures, each on a Module written by somebody who trusts KMM. */
export function buildDefects(lab: () => Lab): void {
  const untilListed = (scene: Scene, tag: string): Promise<unknown> =>
    until(`${tag} to reach the ModuleBuildSignConfig`, async () =>
      (await lab().kube.find(MBSCS, scene.target))?.spec.images?.some(({ image }) => image === scene.image(tag)),
    );

  describe("builds", () => {
    test("a good build: the image exists, the Build vanishes", async (t) => {
      const scene = await lab().scene(t, "good-build");
      await scene.apply("t1");
      await scene.untilState("t1", "Exists");
      await until("the Build to vanish", async () => (await scene.livingBuilds()).length === 0);
      await until("the Build to have been seen", () => Promise.resolve(scene.builds().length > 0));
      assert.deepEqual(
        scene.builds().map(({ type, tag }) => ({ type, tag })),
        [{ type: "BuildImage", tag: "t1" }],
      );
      assert.ok(lab().registry.resolve(scene.image("t1")) !== undefined);
    });

    test("a failed build stays and is not retried; a new tag inherits the failure without a build of its own", async (t) => {
      const scene = await lab().scene(t, "inherits-failure", { dockerfile: BAD });
      await scene.apply("t1");
      await scene.untilState("t1", "DoesNotExist");
      await scene.apply("t2");
      await scene.untilState("t2", "DoesNotExist");
      assert.deepEqual(
        (await scene.allBuilds()).map(({ tag, phase }) => ({ tag, phase })),
        [{ tag: "t1", phase: "Failed" }],
      );
    });

    test("fixed under a new tag: the old tag is built again, and the new one is falsely said to exist", async (t) => {
      const scene = await lab().scene(t, "rebuilds-old-tag", { dockerfile: BAD });
      await scene.apply("t1");
      await scene.untilState("t1", "DoesNotExist");
      // Held until KMM has heard of the new tag, for it may look at the Dockerfile before.
      await lab().set({ "build.hang": "^rebuilds-old-tag/" });
      // The failed Build goes between two of KMM's rounds. Within one, KMM may hear of it after the old tag's turn and before
      // the new one's, and builds that: a race of its own.
      const letGo = await scene.holdFailedBuild();
      await scene.setDockerfile(FIXED);
      await scene.apply("t3");
      await untilListed(scene, "t3");
      await letGo();
      await until("the next build to run", async () => (await scene.livingBuilds())[0]?.status?.phase === "Running");
      await lab().set({ "build.hang": null });
      await scene.untilState("t3", "Exists");
      // Two, and the second may be gone again: the watch is waited for.
      await until("both builds to have been seen", () => Promise.resolve(scene.builds().length >= 2));
      assert.deepEqual(
        scene.builds().map(({ tag }) => tag),
        ["t1", "t1"],
      );
      assert.equal(lab().registry.resolve(scene.image("t3")), undefined);
    });

    test("a new tag while the old one's build runs is falsely said to exist", async (t) => {
      const scene = await lab().scene(t, "false-exists");
      await lab().set({ "build.hang": "^false-exists/" });
      await scene.apply("t1");
      await until("the build of t1 to run", async () => (await scene.livingBuilds())[0]?.status?.phase === "Running");
      await scene.apply("t2");
      await untilListed(scene, "t2");
      await lab().set({ "build.hang": null });
      await scene.untilState("t2", "Exists");
      assert.equal(lab().registry.resolve(scene.image("t2")), undefined);
    });

    test("the remedy: patch the Module, wait for the new image in the spec, delete the ModuleBuildSignConfig", async (t) => {
      const scene = await lab().scene(t, "remedy", { dockerfile: BAD });
      await scene.apply("t1");
      await scene.untilState("t1", "DoesNotExist");
      // Held: a build of t1 from the fixed Dockerfile that ends before would be taken for t2's.
      await lab().set({ "build.hang": "^remedy/" });
      await scene.setDockerfile(GOOD);
      await scene.apply("t2");
      await until("t2 in the spec", async () =>
        (await lab().kube.find(MICS, scene.target))?.spec.images?.some(({ image }) => image === scene.image("t2")),
      );
      // A round of KMM's that began before would create it again with t1.
      await untilListed(scene, "t2");
      await scene.deleteMbsc();
      await lab().set({ "build.hang": null });
      await until("t2 to be pushed", () => Promise.resolve(lab().registry.resolve(scene.image("t2"))));
      await scene.untilState("t2", "Exists");
    });

    test("a missing Dockerfile ConfigMap shows nowhere but in the operator's log, and heals when it comes", async (t) => {
      const scene = await lab().scene(t, "silent");
      await lab().kube.delete(CONFIG_MAPS, { namespace: "silent", name: "dockerfile" });
      await scene.apply("t1");
      await until("the ModuleBuildSignConfig", () => lab().kube.find(MBSCS, scene.target));
      await scene.untilState("t1", "NeedsBuilding");
      const events = await lab().kube.list(EVENTS, { namespace: "silent" });
      const told = events.items.filter((event) => involved(event) === "ModuleBuildSignConfig");
      assert.deepEqual([told, await scene.allBuilds()], [[], []]);
      await scene.setDockerfile(GOOD);
      await scene.touchModule();
      await scene.untilState("t1", "Exists");
    });
  });

  describe("signatures", () => {
    test("a signature that fails keeps KMM building forever: a full build each time", async (t) => {
      const scene = await lab().scene(t, "sign-loop");
      await scene.apply("t1", scene.signing);
      await until("the third build", () =>
        Promise.resolve(scene.builds().filter(({ type }) => type === "BuildImage").length >= 3),
      );
      const signs = scene.builds().filter(({ type }) => type === "SignImage");
      assert.deepEqual(
        signs.map(({ phase }) => phase),
        ["Failed"],
      );
    });

    test("correct Secrets end the loop", async (t) => {
      const scene = await lab().scene(t, "sign-fixed");
      await scene.apply("t1", scene.signing);
      const failed = (): boolean =>
        scene.builds().some(({ type, phase }) => type === "SignImage" && phase === "Failed");
      await until("the signature to fail", () => Promise.resolve(failed()));
      const { key, cert } = await loopbackCertificate();
      await scene.setKey(key, cert);
      await scene.untilState("t1", "Exists");
      assert.equal(lab().registry.resolve(scene.image("t1"))?.files[SIGNED_FILE]?.signer, "kmm-operator-webhook");
    });

    test("a failing signature of a new tag makes KMM sign and push the old tag again", async (t) => {
      const scene = await lab().scene(t, "resigns-old");
      const { key, cert } = await loopbackCertificate();
      await scene.setKey(key, cert);
      await scene.apply("t1", scene.signing);
      await scene.untilState("t1", "Exists");
      await lab().set({ "sign.fail": "^resigns-old/" });
      await scene.apply("t2", scene.signing);
      const signsOf = (tag: string): number =>
        scene.builds().filter((each) => each.type === "SignImage" && each.tag === tag).length;
      await until("t1 to be signed again", () => Promise.resolve(signsOf("t1") >= 2));
    });
  });

  describe("pulls", () => {
    test("a pull that fails for any reason counts as a missing image, and starts a build", async (t) => {
      const scene = await lab().scene(t, "any-pull-error");
      scene.pushImage("t1");
      const before = lab().registry.resolve(scene.image("t1"))?.digest;
      await lab().set({ "pull.fail": "/any-pull-error/" });
      await scene.apply("t1");
      await scene.untilState("t1", "Exists");
      assert.notEqual(lab().registry.resolve(scene.image("t1"))?.digest, before);
    });

    test("Exists stays when the image is gone; deleting the ModuleImagesConfig alone goes unnoticed", async (t) => {
      const scene = await lab().scene(t, "sticky");
      // Made now, because new labels of a node make KMM look at every Module.
      const other = await lab().scene(t, "sticky-other");
      scene.pushImage("t1");
      await scene.apply("t1");
      await scene.untilState("t1", "Exists");
      lab().registry.remove(scene.image("t1"));
      await scene.touchModule();
      await scene.apply("t2");
      await scene.untilState("t2", "Exists");
      assert.equal(await scene.state("t1"), "Exists");
      // What KMM still had to do for this Module may create it again, but not each time.
      let round = 0;
      await until("a deletion that goes unnoticed", async () => {
        await lab().kube.delete(MICS, scene.target);
        // KMM looks at another Module meanwhile, so it is not just slow.
        round += 1;
        await other.apply(`t${round}`);
        await other.untilState(`t${round}`, "Exists");
        return (await lab().kube.find(MICS, scene.target)) === undefined;
      });
      await scene.touchModule();
      await scene.untilState("t2", "Exists");
    });
  });
}

const involved = (event: KubeObject): string | undefined =>
  (event as KubeObject & { involvedObject?: { kind?: string } }).involvedObject?.kind;
