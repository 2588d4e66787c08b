import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { contentHash } from "../../../core/hash.ts";
import { imageTemplate } from "../../../core/build/imageTag.ts";
import { filesToSign, moduleSpec, moduleVersion, type ModuleSettings } from "../../../core/build/moduleSpec.ts";
import { admissionProblems, forNode, mappingFor } from "./kmmAdmission.ts";

const plain = "5.14.0-570.49.1.el9_6.x86_64";
const realTime = `${plain}+rt`;
const image = imageTemplate("onload-kmm", "9.0.2.140-0123456789ab-${KERNEL_FULL_VERSION}");

const settings: ModuleSettings = {
  stack: "dev",
  image,
  kernels: [plain],
  dockerfileConfigMap: "onload-dockerfile-1",
  strategy: "driver-toolkit",
  buildArgs: [{ name: "SRPM_IMAGE", value: "registry/srpm@sha256:1" }],
  buildSecrets: [],
  keySecret: "onload-signing-key-1",
  certSecret: "onload-signing-cert-1",
};

const name = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}[a-z0-9]$/);
const kernel = fc.stringMatching(/^5\.14\.0-[0-9]{1,3}\.el9_[0-9]\.x86_64(\+rt|\+64k|\+)?$/);
/** Few, so that two Modules often have the same. */
const few = ["5.14.0-1.el9_6.x86_64", "5.14.0-2.el9_6.x86_64", "5.14.0-2.el9_6.x86_64+rt"];
const anySettings: fc.Arbitrary<ModuleSettings> = fc.record({
  stack: name,
  // Few, so that two Modules often have the same.
  image: fc.constantFrom("1.0-a", "1.0-b").map((tag) => imageTemplate("ns", `${tag}-\${KERNEL_FULL_VERSION}`)),
  kernels: fc.array(fc.oneof(kernel, fc.constantFrom(...few)), { minLength: 1, maxLength: 4 }),
  dockerfileConfigMap: name,
  strategy: fc.constantFrom("driver-toolkit", "entitled-ubi"),
  buildArgs: fc.array(fc.record({ name, value: fc.string() }), { maxLength: 3 }),
  buildSecrets: fc.array(name, { maxLength: 2 }),
  keySecret: name,
  certSecret: name,
});

test("KMM's admission takes any Module of ours", () => {
  fc.assert(fc.property(anySettings, (any) => assert.deepEqual(admissionProblems(moduleSpec(any)), [])));
});

test("the Module takes the stack's own nodes only", () => {
  assert.deepEqual(moduleSpec(settings).selector, { "onload-kmm.io/stack": "dev" });
});

test("in-tree sfc goes first, and the module that must not fail is onload", () => {
  const { container } = moduleSpec(settings).moduleLoader;
  assert.deepEqual(container.inTreeModulesToRemove, ["sfc"]);
  assert.deepEqual(container.modprobe, { moduleName: "onload", modulesLoadingOrder: ["onload", "sfc"] });
});

test("no taint unloads the modules: neither a drain's nor that of a node dedicated to who needs them", () => {
  // Without a key, `Exists` tolerates all (Kubernetes, "Taints and Tolerations").
  assert.deepEqual(moduleSpec(settings).tolerations, [{ operator: "Exists" }]);
});

test("all four modules are signed, by the paths that they have in the image", () => {
  assert.deepEqual(forNode(moduleSpec(settings), plain)?.signed.sort(), [
    `/opt/lib/modules/${plain}/extra/onload.ko`,
    `/opt/lib/modules/${plain}/extra/sfc.ko`,
    `/opt/lib/modules/${plain}/extra/sfc_char.ko`,
    `/opt/lib/modules/${plain}/extra/sfc_resource.ko`,
  ]);
  assert.deepEqual(filesToSign(plain), forNode(moduleSpec(settings), plain)?.signed);
});

for (const unameR of [realTime, "5.14.0-570.49.1.el9_6.aarch64+64k"]) {
  test(`on ${unameR} the files to sign keep the plus that KMM would replace, and the tag doesn't`, () => {
    const spec = moduleSpec({ ...settings, kernels: [plain, unameR, unameR] });
    assert.deepEqual(forNode(spec, unameR)?.signed, filesToSign(unameR));
    const mapping = mappingFor(spec, unameR);
    assert.ok(mapping !== undefined && "literal" in mapping);
    assert.ok(mapping.containerImage.endsWith(`:9.0.2.140-0123456789ab-${unameR.replace("+", "_")}`));
    assert.equal(spec.moduleLoader.container.kernelMappings.length, 2);
  });
}

test("on any listed node's kernel the signed files are those of the directory that is built", () => {
  fc.assert(
    fc.property(anySettings, (any) => {
      for (const unameR of any.kernels) {
        assert.deepEqual(forNode(moduleSpec(any), unameR)?.signed, filesToSign(unameR.replace(/\+$/, "")));
      }
    }),
  );
});

test("kernels that are one to KMM have one mapping", () => {
  const spec = moduleSpec({ ...settings, kernels: [plain, `${plain}+`] });
  assert.equal(spec.moduleLoader.container.kernelMappings.length, 1);
});

test("a kernel that nobody has looked at isn't built for: KMM would do that by itself, without end if it fails", () => {
  for (const kernel of ["4.18.0-1.el8.x86_64", `${plain}+rt`, plain.replace("49", "62")]) {
    assert.equal(forNode(moduleSpec(settings), kernel), undefined, kernel);
  }
});

test("the version changes when what is loaded on any kernel changes, so that KMM never reloads all nodes at once", () => {
  fc.assert(
    fc.property(anySettings, anySettings, fc.constantFrom(...few), (before, after, unameR) => {
      const [one, two] = [moduleSpec(before), moduleSpec(after)];
      if (one.moduleLoader.container.version !== two.moduleLoader.container.version) return;
      // A kernel that is new to the Module has nothing loaded that could be reloaded.
      const [configOne, configTwo] = [forNode(one, unameR)?.config, forNode(two, unameR)?.config];
      if (configOne !== undefined && configTwo !== undefined) assert.deepEqual(configOne, configTwo);
    }),
    { numRuns: 500 },
  );
});

test("the version stays when nothing that is loaded changes, so that no node is rolled for nothing", () => {
  fc.assert(
    fc.property(anySettings, anySettings, (before, after) => {
      const [one, two] = [moduleSpec(before), moduleSpec({ ...after, image: before.image })];
      assert.equal(one.moduleLoader.container.version, two.moduleLoader.container.version);
    }),
  );
});

test("the version is the hash of the image and of every field that the container has", () => {
  const { version, kernelMappings, ...reloading } = moduleSpec(settings).moduleLoader.container;
  assert.ok(kernelMappings.every((mapping) => !("inTreeModulesToRemove" in mapping) && !("registryTLS" in mapping)));
  assert.equal(version, contentHash({ image, ...reloading }));
  assert.equal(version, moduleVersion(image));
  assert.notEqual(moduleVersion(image), moduleVersion(image.replace("0123456789ab", "0123456789ac")));
});

test("the build is given its arguments, and Secrets only where there are any", () => {
  const { build } = moduleSpec(settings).moduleLoader.container.kernelMappings[0] ?? assert.fail("no mapping");
  assert.deepEqual(build, {
    dockerfileConfigMap: { name: "onload-dockerfile-1" },
    buildArgs: [{ name: "SRPM_IMAGE", value: "registry/srpm@sha256:1" }],
    selector: { "kubernetes.io/arch": "amd64" },
  });
  const entitled = moduleSpec({ ...settings, buildSecrets: ["etc-pki-entitlement"] });
  const mapping = entitled.moduleLoader.container.kernelMappings[0] ?? assert.fail("no mapping");
  assert.deepEqual("secrets" in mapping.build && mapping.build.secrets, [{ name: "etc-pki-entitlement" }]);
});
