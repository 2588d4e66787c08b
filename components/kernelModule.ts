import type { Strategy } from "../core/configuration/choices.ts";
import type { Settings } from "../core/configuration/settings.ts";
import * as k8s from "@pulumi/kubernetes";
import * as pulumi from "@pulumi/pulumi";
import { buildNextKernel } from "../core/contracts/buildNextKernel.ts";
import type { AnswerOf } from "../core/contracts/contract.ts";
import { followModuleBuild } from "../core/contracts/followModuleBuild.ts";
import { releaseModule } from "../core/contracts/releaseModule.ts";
import { contentHash } from "../core/hash.ts";
import { forKernel, imageTemplate, tagTemplate, type ImageContent } from "../core/build/imageTag.ts";
import { filesToSign, moduleSpec, moduleVersion } from "../core/build/moduleSpec.ts";
import { moduleName, ownFields, ownLabels } from "../core/names.ts";
import { hashedNames } from "../core/cluster/ownObjects.ts";
import type { ModuleTarget } from "../core/node/nodeState.ts";
import { guard } from "./guard.ts";
import { childOf, ownChildOf, type OwnerArgs } from "./options.ts";
import { step } from "./step.ts";

export interface KernelModuleArgs extends OwnerArgs {
  readonly namespace: pulumi.Output<string>;
  /** The kmod image's tag with the kernel still a variable: a hash of all that goes into it (core/build/imageTag.ts). */
  readonly tag: pulumi.Input<string>;
  /** Kernels that the Module may be built for. */
  readonly kernels: readonly string[];
  /** Kernels of the listed nodes now. */
  readonly nodeKernels: readonly string[];
  /** Text of the kmod image's Dockerfile. */
  readonly dockerfile: string;
  /** The source image by digest. */
  readonly srpmImage: pulumi.Input<string>;
  /** What the modules are built in: decides which image each kernel's build begins with. */
  readonly strategy: Strategy;
  /** Base of the kmod image. */
  readonly baseImage: string;
  /** Names of the Secrets that builds mount. */
  readonly buildSecrets: readonly pulumi.Input<string>[];
  /** A registry outside of the cluster, and the Secret in the namespace that lets in there. */
  readonly registry?: { readonly repository: string; readonly secret: pulumi.Input<string> } | undefined;
  readonly keySecret: pulumi.Input<string>;
  readonly certSecret: pulumi.Input<string>;
  /** Kernels to build for before a node boots them. */
  readonly nextKernels: Settings["build"]["nextKernels"];
  /** The nodes' selection labels: KMM builds for the kernels of nodes that are selected when it looks. */
  readonly selections: readonly pulumi.Resource[];
  readonly logDirectory: string;
}

/** What goes into a kmod image, before the certificate's fingerprint and the namespace's UID are known. */
interface ContentToCome extends Omit<ImageContent, "certificate" | "namespaceUid" | "filesToSign"> {
  readonly certificate: pulumi.Output<string>;
  readonly namespaceUid: pulumi.Output<string>;
}

/**
 * The kmod image's tag, the kernel still a variable.
 *
 * @param spoilt stems of tags that must not be used again (core/build/imageMemory.ts)
 */
export const kmodTag = (version: string, content: ContentToCome, spoilt: readonly string[]): pulumi.Output<string> =>
  pulumi
    .all([content.certificate, content.namespaceUid])
    .apply(([certificate, namespaceUid]) =>
      tagTemplate(version, { ...content, certificate, namespaceUid, filesToSign: filesToSign() }, spoilt),
    );

/** The KernelModule for those that it waits for itself: nodes are selected before the Module exists, and loaded once it is built. */
export function kernelModuleToCome() {
  const [module, moduleExists] = pulumi.deferredOutput<pulumi.Resource>();
  const [target, targetIsKnown] = pulumi.deferredOutput<ModuleTarget>();
  const [build, isBuilt] = pulumi.deferredOutput<pulumi.Resource>();
  const come = (made: KernelModule): void => {
    moduleExists(pulumi.output(made.module));
    targetIsKnown(made.target);
    isBuilt(pulumi.output(made.build));
  };
  return { promised: { module, target, build }, come };
}

/** The KMM Module with its Dockerfile, and KMM's build of it followed to its end. */
export class KernelModule extends pulumi.ComponentResource {
  static readonly type = "onload-kmm:index:KernelModule";

  /** Exists once the Module does, and goes right before it: what nodes stand on. */
  readonly module: pulumi.Resource;
  /** What nodes are to load: known before it is built, so that a preview can say which nodes run it already. */
  readonly target: pulumi.Output<ModuleTarget>;
  /** Done when every image is there, signed. */
  readonly build: pulumi.Resource;
  /** The images for kernels that nodes may be upgraded to. */
  readonly nextKernels: pulumi.Output<AnswerOf<typeof buildNextKernel>[]>;

  constructor(name: string, args: KernelModuleArgs, options: pulumi.ComponentResourceOptions) {
    super(KernelModule.type, name, {}, options);
    const labels = ownLabels(args.stack);
    const image = pulumi
      .output(args.tag)
      .apply((tag) => args.namespace.apply((namespace) => imageTemplate(namespace, tag, args.registry)));

    const dockerfile = new k8s.core.v1.ConfigMap(
      `${name}-dockerfile`,
      {
        // KMM doesn't watch ConfigMaps: another text needs another name.
        metadata: {
          name: `${hashedNames.dockerfile}${contentHash({ dockerfile: args.dockerfile })}`,
          namespace: args.namespace,
          labels,
          annotations: ownFields(args.stack),
        },
        data: { dockerfile: args.dockerfile },
      },
      ownChildOf(this, args.remade.dockerfile),
    );

    const module = new k8s.apiextensions.CustomResource(
      name,
      {
        apiVersion: "kmm.sigs.x-k8s.io/v1beta1",
        kind: "Module",
        metadata: {
          name: moduleName,
          namespace: args.namespace,
          labels,
          // Foreground deletion would remove what the unload still needs.
          annotations: { ...ownFields(args.stack), "pulumi.com/deletionPropagationPolicy": "background" },
        },
        spec: pulumi
          .output({
            image,
            dockerfileConfigMap: dockerfile.metadata.name,
            srpmImage: args.srpmImage,
            buildSecrets: [...args.buildSecrets],
            registrySecret: args.registry?.secret,
            keySecret: args.keySecret,
            certSecret: args.certSecret,
          })
          .apply(({ srpmImage, ...settings }) =>
            moduleSpec({
              ...settings,
              stack: args.stack,
              kernels: args.kernels,
              strategy: args.strategy,
              buildArgs: [
                { name: "SRPM_IMAGE", value: srpmImage },
                { name: "BASE_IMAGE", value: args.baseImage },
              ],
            }),
          ),
      },
      // Selected before the Module exists, all kernels are built in one round.
      ownChildOf(this, args.remade.module, [...args.selections]),
    );
    guard(name, args, [dockerfile, module], this);
    this.module = step(
      `${name}-release`,
      { undo: releaseModule },
      { cluster: args.cluster, namespace: args.namespace, module: moduleName },
      // Made before the build is followed, for one that fails or is killed leaves nothing whose deletion could stop it.
      childOf(this, [module]),
    );

    this.target = pulumi.all([args.namespace, image]).apply(([namespace, image]) => ({
      namespace,
      name: moduleName,
      version: moduleVersion(image),
      image,
    }));
    const imageFor = (kernel: string) => this.target.image.apply((image) => forKernel(image, kernel));
    this.build = step(
      `${name}-build`,
      { run: followModuleBuild },
      {
        cluster: args.cluster,
        namespace: this.target.namespace,
        module: moduleName,
        version: this.target.version,
        images: [...new Set(args.nodeKernels)].sort().map((kernel) => ({ kernel, image: imageFor(kernel) })),
        logDirectory: args.logDirectory,
      },
      // KMM begins to build when the Module changes.
      childOf(this, [module]),
    );

    this.nextKernels = pulumi.all(
      args.nextKernels.map(({ kernel, driverToolkit }) => {
        const next = step(
          `${name}-next-${kernel}`,
          { run: buildNextKernel },
          {
            cluster: args.cluster,
            namespace: this.target.namespace,
            module: moduleName,
            kernel,
            image: imageFor(kernel),
            driverToolkit,
            logDirectory: args.logDirectory,
          },
          // After the nodes' own images: KMM takes a kernel's builds for each other's.
          childOf(this, [this.build]),
        );
        return next.answer;
      }),
    );

    this.registerOutputs({ target: this.target });
  }
}
