import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { loopbackCertificate } from "../../kmm/admission/certificate.ts";
import { MODULE_NAME } from "../../kmm/names.ts";
import { MODULES, NETWORK_POLICIES, PREFLIGHTS_OCP } from "../../kmm/resources.ts";
import type { Build } from "../../openshift/resources.ts";
import { BAD, KERNEL, type Lab, NEXT_KERNEL, type Scene, SIGNED_FILE, until } from "./lab.ts";
import { nodeDifferences } from "./nodeDifferences.ts";

const TARGET_KERNEL = "kmm.node.kubernetes.io/target-kernel";

/** What one line of KMM does and another doesn't; `mark` tells the namespaces of several rounds apart. */
export function differences(lab: () => Lab, mark: string): void {
  const scene = (t: Parameters<Lab["scene"]>[0], name: string, dockerfile?: string): Promise<Scene> =>
    lab().scene(t, `${name}-${mark}`, dockerfile === undefined ? {} : { dockerfile });
  // The Module's own: a preflight, an earlier test's that is still ending too, builds in every Module's namespace.
  const buildsOf = async (of: Scene): Promise<Build[]> =>
    (await of.livingBuilds()).filter(({ metadata }) => metadata.labels?.[MODULE_NAME] === of.target.name);
  const buildOf = (of: Scene, phase: string): Promise<Build> =>
    until(`${of.namespace}: a Build to be ${phase}`, async () =>
      (await buildsOf(of)).find(({ status }) => status?.phase === phase),
    );

  describe(`builds of ${mark}`, () => {
    test("names and labels of Builds; after the ModuleBuildSignConfig's deletion another one runs", async (t) => {
      const failing = await scene(t, "names", BAD);
      await failing.apply("t1");
      const first = await buildOf(failing, "Failed");
      const dns = "5-14-0-570-49-1-el9-6-x86-64";
      const { fixedBuildNames } = lab().line;
      assert.equal(first.metadata.labels?.[TARGET_KERNEL], fixedBuildNames ? dns : KERNEL);
      assert.match(
        first.metadata.name ?? "",
        fixedBuildNames ? new RegExp(`^onload-build-${dns}$`) : /^onload-build-\w{5}$/,
      );
      await failing.deleteMbsc();
      const second = await until("another Build", async () =>
        (await buildsOf(failing)).find(({ metadata }) => metadata.uid !== first.metadata.uid),
      );
      const [one, two] = [first.metadata.name, second.metadata.name];
      assert.equal(one === two, fixedBuildNames, `${one ?? ""}, then ${two ?? ""}`);
    });

    test("where an image is whose signature fails", async (t) => {
      const unsigned = await scene(t, "unsigned");
      await unsigned.apply("t1", unsigned.signing);
      await buildOf(unsigned, "Failed");
      const image = unsigned.image("t1");
      const there = (reference: string): boolean => lab().registry.resolve(reference) !== undefined;
      const { signsInPlace } = lab().line;
      assert.deepEqual(
        [there(image), there(`${image}_${unsigned.namespace}_onload_kmm_unsigned`)],
        [signsInPlace, !signsInPlace],
      );
    });

    test("files to sign as patterns", async (t) => {
      const globbed = await scene(t, "globs");
      const { key, cert } = await loopbackCertificate();
      await globbed.setKey(key, cert);
      await globbed.apply("t1", { sign: { ...globbed.signing.sign, filesToSign: ["/opt/lib/modules/*"] } });
      await globbed.untilState("t1", "Exists");
      const file = lab().registry.resolve(globbed.image("t1"))?.files[SIGNED_FILE];
      assert.ok(file !== undefined);
      // Before, a COPY of one match makes a file of the pattern's name, and that is signed.
      assert.equal(file.signer, lab().line.signsInDirectory ? "kmm-operator-webhook" : undefined);
    });

    test("a preflight pushes, or only where it is asked to", async (t) => {
      const looked = await scene(t, "preflight");
      await looked.apply("t1");
      await looked.untilState("t1", "Exists");
      const name = `pushes-${mark}`;
      t.after(() => lab().kube.delete(PREFLIGHTS_OCP, { name }));
      await lab().kube.create(PREFLIGHTS_OCP, { metadata: { name }, spec: { kernelVersion: NEXT_KERNEL } });
      await until("the result", async () => {
        const found = await lab().kube.get(PREFLIGHTS_OCP, { name });
        return found.status?.modules?.some(
          (each) => each.namespace === looked.namespace && each.verificationStage === "Done",
        );
      });
      const next = looked.image("t1").replace(KERNEL, NEXT_KERNEL);
      assert.equal(lab().registry.resolve(next) !== undefined, !lab().line.pushesAsAsked);
    });

    test("imageRebuildTriggerGeneration: unknown, or KMM looks again", async (t) => {
      const forgetful = await scene(t, "trigger");
      await forgetful.apply("t1");
      await forgetful.untilState("t1", "Exists");
      lab().registry.remove(forgetful.image("t1"));
      await lab().kube.patch(MODULES, forgetful.target, { spec: { imageRebuildTriggerGeneration: 1 } });
      const module = () => lab().kube.get(MODULES, forgetful.target);
      if (lab().line.rebuildTrigger) {
        await until("the image to be built again", () =>
          Promise.resolve(lab().registry.resolve(forgetful.image("t1"))),
        );
        await until("the Module to tell", async () => (await module()).status?.imageRebuildTriggerGeneration === 1);
      } else {
        await forgetful.settled();
        const { spec } = await module();
        assert.deepEqual([spec.imageRebuildTriggerGeneration, await forgetful.state("t1")], [undefined, "Exists"]);
      }
    });
  });

  describe(`the API of ${mark}`, () => {
    test("the types, by which a program tells one KMM from another, and the version that it says", async () => {
      const { version, versionReady, rebuildTrigger, secondVersionLabel } = lab().line;
      const crd = async (name: string): Promise<string> =>
        lab().sandbox.kubectl(["get", "crd", `${name}.kmm.sigs.x-k8s.io`, "--ignore-not-found", "-o", "json"]);
      const module = await crd("modules");
      assert.deepEqual(
        [(await crd("bootmoduleconfigs")) !== "", /"imageRebuildTriggerGeneration"/.test(module), /"dra"/.test(module)],
        [versionReady, rebuildTrigger, secondVersionLabel === "version-schedule-pod"],
      );
      const path = "jsonpath={.items[*].spec.version}";
      const versions = await lab().sandbox.kubectl(["get", "csv", "-n", "openshift-kmm", "-o", path]);
      assert.equal(versions, version);
    });

    test("the namespace's NetworkPolicies come with the Module and go with it", async (t) => {
      const isolated = await scene(t, "policies");
      const names = async (): Promise<string[]> =>
        (await lab().kube.list(NETWORK_POLICIES, { namespace: isolated.namespace })).items.map(
          ({ metadata }) => metadata.name ?? "",
        );
      await isolated.apply("t1");
      await isolated.untilState("t1", "Exists");
      const expected = lab().line.networkPolicies ? ["kmm-build-and-sign", "kmm-pull", "kmm-worker"] : [];
      assert.deepEqual((await names()).sort(), expected);
      await lab().kube.delete(MODULES, isolated.target);
      await until("them to go", async () => (await names()).length === 0);
    });
  });

  nodeDifferences(lab, mark);
}
