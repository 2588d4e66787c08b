/** OpenOnload on one OpenShift cluster: from AMD's source release to every listed node proven to run it. */
import * as pulumi from "@pulumi/pulumi";
import { connectCluster } from "./components/cluster.ts";
import { entitlement } from "./components/copiedSecret.ts";
import { enrolmentPassword } from "./components/enrolmentPassword.ts";
import { guardStack } from "./components/guard.ts";
import { KernelModule, kernelModuleToCome, kmodTag } from "./components/kernelModule.ts";
import { ModuleNamespace } from "./components/moduleNamespace.ts";
import { onloadNodes } from "./components/onloadNodes.ts";
import { RegistrySecret } from "./components/registrySecret.ts";
import { SigningKey } from "./components/signingKey.ts";
import { SrpmImage } from "./components/srpmImage.ts";
import { tellPlan } from "./components/tellPlan.ts";
import { readConfig } from "./config.ts";
import { preflight } from "./preflight.ts";
import { runReport } from "./report.ts";

const config = readConfig();
const report = runReport();
const { release, nodes: listed, remade, spoilt, kernels, outlook, assets } = await preflight(config, report);

const { cluster, build, enrolment } = config;
const onStack = { stack: pulumi.getStack(), cluster };
const building = { logDirectory: `logs/${onStack.stack}` };

const onCluster = connectCluster({ ...onStack, namespace: config.namespace });
const policy = { ...config, nodes: listed.map(({ name }) => name).sort() };
const namespace = new ModuleNamespace("onload", { ...onStack, remade, namespace: config.namespace, policy }, onCluster);
const inNamespace = { ...onStack, remade, namespace: namespace.name };

const signingKey = new SigningKey("signing", { ...inNamespace, ...config.signing }, onCluster);
const entitlements = entitlement(build.strategy, inNamespace, onCluster);
const registrySecret =
  config.registry && new RegistrySecret("registry", { ...inNamespace, ...config.registry }, onCluster);
const registry = config.registry && registrySecret && { ...config.registry, secret: registrySecret.name };

const asset = (path: keyof typeof assets) => ({ path, text: assets[path] });
const source = new SrpmImage(
  "source",
  {
    ...inNamespace,
    ...building,
    release: config.release,
    registry,
    srpmSha256: release.srpmSha256,
    dockerfile: asset("assets/srpm.Dockerfile"),
    scripts: [asset("assets/build-kmod.sh"), asset("assets/entitled-packages.sh")],
  },
  onCluster,
);

const password = enrolmentPassword(enrolment.mode, { given: config.mokPassword });
const { promised, come } = kernelModuleToCome();
const nodes = onloadNodes(
  {
    ...onStack,
    ...promised,
    namespace: config.namespace,
    listed,
    ssh: config.ssh,
    certificate: signingKey.certificate,
    mode: enrolment.mode,
    maxParallel: config.rollout.maxParallel,
    password,
    bmcCredentials: config.bmcCredentials,
  },
  onCluster,
);

const dockerfile = assets[`assets/${build.strategy}.Dockerfile`];
const content = { source: source.tag, dockerfile, baseImage: build.baseImage, rebuild: config.rebuild };
const ours = { certificate: signingKey.fingerprint, namespaceUid: namespace.uid };
const kernelModule = new KernelModule(
  "module",
  {
    ...inNamespace,
    ...building,
    tag: kmodTag(release.version, { ...content, ...ours }, spoilt),
    kernels: [...kernels, ...build.nextKernels.map(({ kernel }) => kernel)],
    nextKernels: build.nextKernels,
    nodeKernels: listed.map(({ identity }) => identity.kernel),
    dockerfile,
    srpmImage: source.image,
    strategy: build.strategy,
    baseImage: build.baseImage,
    buildSecrets: entitlements.map(({ name }) => name),
    registry,
    keySecret: signingKey.keySecret,
    certSecret: signingKey.certSecret,
    selections: nodes.map(({ selection }) => selection),
  },
  // KMM loads and unloads under the namespace's ServiceAccount: without its rights nothing could be unloaded any more.
  { ...onCluster, dependsOn: [namespace] },
);
come(kernelModule);
const { target } = kernelModule;
tellPlan({ ...onStack, ...outlook, listed, remade }, { target, certificate: signingKey.certificate });

report?.planned(listed, target);

guardStack({ cluster, keyIsProtected: signingKey.isProtected }, [
  namespace,
  signingKey,
  ...entitlements,
  ...(registrySecret ? [registrySecret] : []),
  source,
  kernelModule,
  ...nodes,
]);

export const certificate = signingKey.certificate;
export const certificateFingerprint = signingKey.fingerprint;
export const image = kernelModule.target.image;
export const moduleVersion = kernelModule.target.version;
export const nextKernels = kernelModule.nextKernels;
// Printed after each `up`: the whole proofs would drown the rest.
export const proofs = Object.fromEntries(nodes.map((node) => [node.name, node.told(signingKey.fingerprint)]));
report?.finishedAfter([pulumi.all(proofs), nextKernels]);
