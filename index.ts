/** OpenOnload on one OpenShift cluster: from AMD's source release to every listed node proven to run it. */
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { CopiedSecret } from "./components/copiedSecret.ts";
import { EnrolmentPassword } from "./components/enrolmentPassword.ts";
import { KernelModule, type BuiltModule } from "./components/kernelModule.ts";
import { ModuleNamespace } from "./components/moduleNamespace.ts";
import { OnloadNode } from "./components/onloadNode.ts";
import { SigningKey } from "./components/signingKey.ts";
import { SrpmImage } from "./components/srpmImage.ts";
import { step } from "./components/step.ts";
import { readConfig } from "./config.ts";
import { tagTemplate } from "./core/imageTag.ts";
import { predecessor } from "./core/lanes.ts";
import { filesToSign } from "./core/moduleSpec.ts";
import { names } from "./core/names.ts";
import { preflight } from "./preflight.ts";

const config = readConfig();
const { release, nodes: listed, privateKey, assets } = await preflight(config);

const stack = pulumi.getStack();
const { cluster, build, rollout } = config;
const onStack = { stack, cluster };
const buildScripts = ["assets/build-kmod.sh", "assets/entitled-packages.sh"] as const;
const building = { timeoutMinutes: build.timeoutMinutes, logDirectory: `logs/${stack}` };

// The only provider: default ones are disabled, so that nothing can go to the kubeconfig's current context.
const provider = new k8s.Provider("cluster", {
  kubeconfig: cluster.kubeconfig,
  context: cluster.context,
  clusterIdentifier: cluster.id,
  // A kill between the API's write and the checkpoint would else end in "already exists".
  upsertExistingObjects: true,
});
const onCluster = { providers: [provider] };

const namespace = new ModuleNamespace("onload", { ...onStack, namespace: config.namespace }, onCluster);

const signingKey = new SigningKey(
  "signing",
  {
    ...onStack,
    namespace: namespace.name,
    subject: config.signing.subject,
    protect: config.signing.protect,
    ...(config.signingKey !== undefined &&
      config.signingCertificate !== undefined && {
        existing: { key: config.signingKey, certificate: config.signingCertificate },
      }),
  },
  onCluster,
);

const buildSecrets =
  build.strategy === "entitled-ubi"
    ? [
        new CopiedSecret(
          "entitlement",
          {
            ...onStack,
            source: { namespace: names.entitlementNamespace, name: names.entitlementSecret },
            namespace: namespace.name,
          },
          onCluster,
        ),
      ]
    : [];

const srpmImage = new SrpmImage(
  "source",
  {
    ...onStack,
    ...building,
    namespace: namespace.name,
    release: config.release,
    srpmSha256: release.srpmSha256,
    dockerfile: { path: "assets/srpm.Dockerfile", text: assets["assets/srpm.Dockerfile"] },
    scripts: buildScripts.map((path) => ({ path, text: assets[path] })),
  },
  onCluster,
);

// Without MokManager there is nothing to type.
const usesMokManager = !["off", "redfish"].includes(config.enrolment.mode);
const password = usesMokManager ? new EnrolmentPassword("mok-password", { given: config.mokPassword }, {}) : undefined;

// Nodes are selected before the Module exists, and loaded after it is built: what they wait for comes later.
const [module, moduleExists] = pulumi.deferredOutput<pulumi.Resource>();
const [built, moduleIsBuilt] = pulumi.deferredOutput<BuiltModule>();
const held = listed.filter(({ hold }) => hold).map(({ name }) => name);
const order: OnloadNode[] = [];
const nodes = listed.map(({ identity, address, hostKey, console, hold, ownNetworkOnSolarflare }) => {
  const before = predecessor(order.length, rollout.maxParallel);
  const node = new OnloadNode(
    {
      ...onStack,
      identity,
      namespace: config.namespace,
      module,
      built,
      predecessor: before === undefined ? undefined : order[before],
      ssh: { address, hostKey, ...config.ssh },
      privateKey,
      certificate: signingKey.certificate,
      enrolment: {
        ...config.enrolment,
        console,
        passwordHash: password?.hash ?? pulumi.output(""),
        password: config.enrolment.mode === "console" ? password?.password : undefined,
      },
      importTool: { library: assets["assets/node/lib.sh"], text: assets["assets/node/import.sh"] },
      ownNetworkOnSolarflare,
      hold,
      held,
      rollout,
    },
    onCluster,
  );
  if (!hold) order.push(node);
  return node;
});

const dockerfile = assets[`assets/${build.strategy}.Dockerfile`];
const kernelModule = new KernelModule(
  "module",
  {
    ...onStack,
    ...building,
    namespace: namespace.name,
    tag: signingKey.fingerprint.apply((certificate) =>
      tagTemplate(release.version, {
        srpmSha256: release.srpmSha256,
        srpmDockerfile: assets["assets/srpm.Dockerfile"],
        dockerfile,
        buildScripts: buildScripts.map((path) => assets[path]),
        baseImage: build.baseImage,
        certificate,
        filesToSign: filesToSign(),
        rebuild: config.rebuild,
      }),
    ),
    kernels: build.kernels,
    nodeKernels: listed.map(({ identity }) => identity.kernel),
    dockerfile,
    srpmImage: srpmImage.image,
    baseImage: build.baseImage,
    buildSecrets: buildSecrets.map(({ name }) => name),
    keySecret: signingKey.keySecret,
    certSecret: signingKey.certSecret,
    selections: nodes.map(({ selection }) => selection),
  },
  // KMM loads and unloads under the namespace's ServiceAccount: without its rights nothing could be unloaded any more.
  { ...onCluster, dependsOn: [namespace] },
);
moduleExists(pulumi.output(kernelModule.module));
moduleIsBuilt(kernelModule.built);

step(
  "guard",
  { undo: "guardDestroy", input: { cluster } },
  // Created last, so deleted first: on another cluster `destroy` ends here.
  { dependsOn: [namespace, signingKey, ...buildSecrets, srpmImage, kernelModule, ...nodes] },
);

export const certificate = signingKey.certificate;
export const certificateFingerprint = signingKey.fingerprint;
export const image = kernelModule.built.image;
export const moduleVersion = kernelModule.built.version;
export const proofs = pulumi.all(nodes.flatMap(({ proof }) => proof ?? []));
