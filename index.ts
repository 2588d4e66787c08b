/** OpenOnload on one OpenShift cluster: from AMD's source release to every listed node proven to run it. */
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { CopiedSecret } from "./components/copiedSecret.ts";
import { EnrolmentPassword } from "./components/enrolmentPassword.ts";
import { KernelModule } from "./components/kernelModule.ts";
import { ModuleNamespace } from "./components/moduleNamespace.ts";
import { onloadNodes } from "./components/onloadNodes.ts";
import { RegistrySecret } from "./components/registrySecret.ts";
import { SigningKey } from "./components/signingKey.ts";
import { SrpmImage } from "./components/srpmImage.ts";
import { step } from "./components/step.ts";
import { readConfig } from "./config.ts";
import { tagTemplate } from "./core/build/imageTag.ts";
import { filesToSign } from "./core/build/moduleSpec.ts";
import { names } from "./core/names.ts";
import type { ModuleTarget } from "./core/node/nodeState.ts";
import { preflight } from "./preflight.ts";

const config = readConfig();
const { release, nodes: listed, remade, spoilt, kernels, assets } = await preflight(config);

const { cluster, build, enrolment } = config;
const onStack = { stack: pulumi.getStack(), cluster };
const building = { logDirectory: `logs/${onStack.stack}` };

// Before all that is in the cluster: a stack that is moved to another one ends here, and nothing is changed.
const identity = step(
  "identity",
  { run: "keepIdentity", remembers: true, input: { ...onStack, namespace: config.namespace } },
  {},
);

// The only provider: default ones are disabled, so that nothing can go to the kubeconfig's current context.
const provider = new k8s.Provider(
  "cluster",
  {
    kubeconfig: cluster.kubeconfig,
    context: cluster.context,
    clusterIdentifier: cluster.id,
    // Otherwise a kill between the API's write and the checkpoint would end in "already exists".
    upsertExistingObjects: true,
  },
  { dependsOn: [identity] },
);
const onCluster = { providers: [provider] };

const moduleNamespace = new ModuleNamespace(
  "onload",
  {
    ...onStack,
    remade,
    namespace: config.namespace,
    policy: { ...config, nodes: listed.map(({ name }) => name).sort() },
  },
  onCluster,
);
const inNamespace = { ...onStack, remade, namespace: moduleNamespace.name };

const signingKey = new SigningKey("signing", { ...inNamespace, ...config.signing }, onCluster);

const { entitlementNamespace, entitlementSecret } = names;
const entitlement =
  build.strategy === "entitled-ubi"
    ? [
        new CopiedSecret(
          "entitlement",
          { ...inNamespace, source: { namespace: entitlementNamespace, name: entitlementSecret } },
          onCluster,
        ),
      ]
    : [];

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

// Without MokManager there is nothing to type.
const usesMokManager = !["off", "redfish"].includes(enrolment.mode);
const password = usesMokManager ? new EnrolmentPassword("mok-password", { given: config.mokPassword }, {}) : undefined;

// Nodes are selected before the Module exists, and loaded after it is built: what they wait for comes later.
const [module, moduleExists] = pulumi.deferredOutput<pulumi.Resource>();
const [target, targetIsKnown] = pulumi.deferredOutput<ModuleTarget>();
const [moduleBuild, moduleIsBuilt] = pulumi.deferredOutput<pulumi.Resource>();
const nodes = onloadNodes(
  {
    ...onStack,
    namespace: config.namespace,
    listed,
    module,
    target,
    build: moduleBuild,
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
const kernelModule = new KernelModule(
  "module",
  {
    ...inNamespace,
    ...building,
    tag: pulumi.all([signingKey.fingerprint, moduleNamespace.uid]).apply(([certificate, namespaceUid]) =>
      tagTemplate(
        release.version,
        {
          source: source.tag,
          dockerfile,
          baseImage: build.baseImage,
          certificate,
          filesToSign: filesToSign(),
          namespaceUid,
          rebuild: config.rebuild,
        },
        spoilt,
      ),
    ),
    kernels: [...kernels, ...build.nextKernels.map(({ kernel }) => kernel)],
    nextKernels: build.nextKernels,
    nodeKernels: listed.map(({ identity }) => identity.kernel),
    dockerfile,
    srpmImage: source.image,
    strategy: build.strategy,
    baseImage: build.baseImage,
    buildSecrets: entitlement.map(({ name }) => name),
    registry,
    keySecret: signingKey.keySecret,
    certSecret: signingKey.certSecret,
    selections: nodes.map(({ selection }) => selection),
  },
  // KMM loads and unloads under the namespace's ServiceAccount: without its rights nothing could be unloaded any more.
  { ...onCluster, dependsOn: [moduleNamespace] },
);
moduleExists(pulumi.output(kernelModule.module));
targetIsKnown(kernelModule.target);
moduleIsBuilt(pulumi.output(kernelModule.build));

step(
  "guard",
  { undo: "guardDestroy", input: { cluster, keyIsProtected: signingKey.isProtected } },
  // Created last, so deleted first: on another cluster, or with a key that must stay, `destroy` ends here.
  {
    dependsOn: [
      moduleNamespace,
      signingKey,
      ...entitlement,
      ...(registrySecret ? [registrySecret] : []),
      source,
      kernelModule,
      ...nodes,
    ],
  },
);

export const certificate = signingKey.certificate;
export const certificateFingerprint = signingKey.fingerprint;
export const image = kernelModule.target.image;
export const moduleVersion = kernelModule.target.version;
export const nextKernels = kernelModule.nextKernels;
export const proofs = pulumi.all(nodes.flatMap(({ proof }) => proof ?? []));
