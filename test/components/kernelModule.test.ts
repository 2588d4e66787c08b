import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { KernelModule, type KernelModuleArgs } from "../../components/kernelModule.ts";
import type { ModuleSpec } from "../core/build/kmmAdmission.ts";
import { Given, inputOf, ownsOnStack, valueOf } from "./fixtures.ts";
import { named, record, type RecordOptions, type Registration } from "./harness.ts";

const plain = "5.14.0-570.49.1.el9_6.x86_64";
const realTime = `${plain}+rt`;
const tag = "9.0.2.140-0123456789ab-${KERNEL_FULL_VERSION}";
const registry = "image-registry.openshift-image-registry.svc:5000";

const args = (): KernelModuleArgs => ({
  ...ownsOnStack,
  namespace: pulumi.output("onload-kmm"),
  tag,
  kernels: [plain, realTime],
  nodeKernels: [realTime, plain, plain],
  nextKernels: [],
  dockerfile: "FROM dtk",
  srpmImage: "registry/onload-srpm@sha256:1",
  strategy: "driver-toolkit",
  baseImage: "ubi-minimal:9.6",
  buildSecrets: [],
  keySecret: "onload-signing-key-1",
  certSecret: "onload-signing-cert-1",
  selections: [new Given("worker-1-select"), new Given("worker-2-select")],
  logDirectory: "logs/dev",
});
const register = (change: Partial<KernelModuleArgs> = {}, options?: RecordOptions): Promise<Registration[]> =>
  record(() => new KernelModule("module", { ...args(), ...change }, {}), options);
const specOf = (all: Registration[]): ModuleSpec => named(all, "module", ":Module").inputs["spec"] as ModuleSpec;
const nameOf = (all: Registration[], name: string): string =>
  (named(all, name).inputs["metadata"] as { name: string }).name;

test("the Dockerfile is under the only key that KMM reads, in a ConfigMap of its content's name", async () => {
  const all = await register();
  assert.deepEqual(named(all, "module-dockerfile").inputs["data"], { dockerfile: "FROM dtk" });
  assert.match(nameOf(all, "module-dockerfile"), /^onload-dockerfile-[0-9a-f]{12}$/);
  const other = await register({ dockerfile: "FROM dtk\n" });
  assert.notEqual(nameOf(all, "module-dockerfile"), nameOf(other, "module-dockerfile"));
});

test("the Module builds from that ConfigMap, by build arguments and not by text", async () => {
  const all = await register();
  for (const { build } of specOf(all).moduleLoader.container.kernelMappings) {
    assert.deepEqual(build, {
      dockerfileConfigMap: { name: nameOf(all, "module-dockerfile") },
      buildArgs: [
        { name: "SRPM_IMAGE", value: "registry/onload-srpm@sha256:1" },
        { name: "BASE_IMAGE", value: "ubi-minimal:9.6" },
      ],
      selector: { "kubernetes.io/arch": "amd64" },
    });
  }
});

test("with an entitlement each kernel is built in UBI of its own RHEL", async () => {
  const kernels = [plain, "6.12.0-124.8.1.el10_1.aarch64+64k"];
  const { container } = specOf(await register({ strategy: "entitled-ubi", kernels })).moduleLoader;
  const builds = container.kernelMappings.map(({ build: { buildArgs, selector } }) => [
    buildArgs.find(({ name }) => name === "UBI_IMAGE")?.value,
    selector?.["kubernetes.io/arch"],
  ]);
  assert.deepEqual(builds, [
    ["registry.access.redhat.com/ubi9/ubi:9.6", "amd64"],
    ["registry.access.redhat.com/ubi10/ubi:10.1", "arm64"],
  ]);
});

test("the Module signs with the Secrets that it is given, and mounts those that builds need", async () => {
  const [mapping] = specOf(await register({ buildSecrets: ["etc-pki-entitlement"] })).moduleLoader.container
    .kernelMappings;
  assert.deepEqual(mapping?.sign.keySecret, { name: "onload-signing-key-1" });
  assert.deepEqual(mapping.sign.certSecret, { name: "onload-signing-cert-1" });
  assert.deepEqual(mapping.build.secrets, [{ name: "etc-pki-entitlement" }]);
});

test("the Module is made after the nodes are selected, so that all kernels are built in one round", async () => {
  const { dependencies } = named(await register(), "module", ":Module");
  assert.deepEqual(dependencies, ["module-dockerfile", "worker-1-select", "worker-2-select"]);
});

test("the Module is deleted in the background: foreground deletion takes what the unload still needs", async () => {
  const { inputs } = named(await register(), "module", ":Module");
  assert.deepEqual(inputs["metadata"], {
    name: "onload",
    namespace: "onload-kmm",
    labels: { "app.kubernetes.io/managed-by": "onload-kmm", "onload-kmm.io/stack": "dev" },
    annotations: {
      "pulumi.com/patchFieldManager": "onload-kmm-dev",
      "pulumi.com/deletionPropagationPolicy": "background",
    },
  });
});

test("the build is followed after each change of the Module, one image for each kernel", async () => {
  const all = await register();
  assert.deepEqual(named(all, "module-build").dependencies.includes("module"), true);
  assert.deepEqual(inputOf(all, "module-build"), {
    cluster: ownsOnStack.cluster,
    namespace: "onload-kmm",
    module: "onload",
    version: specOf(all).moduleLoader.container.version,
    images: [
      { kernel: plain, image: `${registry}/onload-kmm/onload-kmod:9.0.2.140-0123456789ab-${plain}` },
      { kernel: realTime, image: `${registry}/onload-kmm/onload-kmod:9.0.2.140-0123456789ab-${plain}_rt` },
    ],
    logDirectory: "logs/dev",
  });
});

test("another order of the nodes is no other build", async () => {
  const reordered = await register({ nodeKernels: [plain, realTime] });
  assert.deepEqual(inputOf(reordered, "module-build"), inputOf(await register(), "module-build"));
  assert.deepEqual(specOf(reordered), specOf(await register()));
});

test("another tag is another version, and the build is followed again", async () => {
  const [before, after] = [await register(), await register({ tag: tag.replace("0123", "4567") })];
  assert.notEqual(specOf(before).moduleLoader.container.version, specOf(after).moduleLoader.container.version);
  assert.notDeepEqual(inputOf(before, "module-build"), inputOf(after, "module-build"));
});

test("before the Module goes it is released; that belongs to a resource which a failed build can't keep from being made", async () => {
  const all = await register();
  const { inputs, dependencies } = named(all, "module-release");
  assert.equal(inputs["create"], "true");
  assert.match(String(inputs["delete"]), /steps\/releaseModule\.ts$/);
  assert.deepEqual(dependencies, ["module"]);
  assert.deepEqual(inputOf(all, "module-release"), {
    cluster: ownsOnStack.cluster,
    namespace: "onload-kmm",
    module: "onload",
  });
  const build = named(all, "module-build");
  assert.match(String(build.inputs["create"]), /steps\/followModuleBuild\.ts$/);
  assert.ok(!("delete" in build.inputs));
});

test("nodes stand on what is deleted before the Module, so that they leave first", async () => {
  const all = await record(() => {
    const { module } = new KernelModule("module", args(), {});
    new Given("node", { module: module.urn });
  });
  assert.ok(named(all, "node").dependencies.includes("module-release"));
});

test("what nodes are to load is said by the inputs alone", async () => {
  let module: KernelModule | undefined;
  await record(() => (module = new KernelModule("module", args(), {})), { outputs: () => ({ stdout: "{}" }) });
  const { version, ...built } = await valueOf((module ?? assert.fail()).target);
  assert.match(version, /^[0-9a-f]{12}$/);
  assert.deepEqual(built, {
    namespace: "onload-kmm",
    name: "onload",
    image: `${registry}/onload-kmm/onload-kmod:${tag}`,
  });
});

test("what to load is known in a preview, before it is built: so a preview tells who runs it already", async () => {
  const all = await record(
    () => {
      const { target } = new KernelModule("module", args(), {});
      new Given("node", { target });
    },
    { preview: true },
  );
  const { version } = named(all, "node").inputs["target"] as { version: string };
  assert.equal(version, specOf(all).moduleLoader.container.version);
});

test("with a registry of one's own images are named there, and KMM gets its Secret for builds and nodes", async () => {
  const outside = { repository: "registry.example.com:5000/team/onload", secret: "onload-registry" };
  const spec = specOf(await register({ registry: outside })) as ModuleSpec & { imageRepoSecret?: object };
  assert.deepEqual(spec.imageRepoSecret, { name: "onload-registry" });
  for (const { containerImage, ...mapping } of spec.moduleLoader.container.kernelMappings) {
    assert.match(containerImage, /^registry\.example\.com:5000\/team\/onload:9\.0\.2\.140-0123456789ab-5\.14/);
    assert.ok(!("registryTLS" in mapping), "TLS is verified");
  }
  assert.ok(!("imageRepoSecret" in specOf(await register())), "the builder's own credentials stay");
});
