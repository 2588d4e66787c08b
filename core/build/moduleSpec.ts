import { contentHash } from "../hash.ts";
import type { Strategy } from "../configuration/choices.ts";
import { forKernel, kernelVariable, kmmKernel } from "./imageTag.ts";
import { kubernetesArchitecture, ubiImage } from "./kernelRelease.ts";
import { kernelModules, labels, moduleName, names } from "../names.ts";

/** What the KMM Module is made from. */
export interface ModuleSettings {
  readonly stack: string;
  /** Image reference with {@link kernelVariable} in its tag. */
  readonly image: string;
  /** Kernels that the Module may be built for, as `uname -r` prints them. */
  readonly kernels: readonly string[];
  readonly dockerfileConfigMap: string;
  readonly strategy: Strategy;
  readonly buildArgs: readonly { readonly name: string; readonly value: string }[];
  /** Names of Secrets mounted while building. */
  readonly buildSecrets: readonly string[];
  /** Credentials for a registry outside of the cluster: KMM has one Secret for its builds and for the nodes. */
  readonly registrySecret?: string | undefined;
  readonly keySecret: string;
  readonly certSecret: string;
}

/** Directory of the modules in the kmod image and, below `/lib/modules`, on the node. */
const imageRoot = "/opt";

/** The files that KMM signs: exact paths, no patterns below KMM 2.6. */
export function filesToSign(kernel: string = kernelVariable): string[] {
  return kernelModules.map((module) => `${imageRoot}/lib/modules/${kernel}/extra/${module}.ko`);
}

/**
 * Every taint. KMM unloads the module from a selected node with any NoSchedule or NoExecute taint that the Module
 * doesn't tolerate: a mere cordon would take the NIC away, and so would the taint of a node that is dedicated to the
 * very workload which needs it. Which nodes have the driver is the list's decision alone.
 */
const tolerations = [{ operator: "Exists" }];

/**
 * What reloads the modules when it changes, apart from the image's kernel. KMM reloads all nodes at once if such a
 * field changes under the same `version`; so `version` is the hash of them all.
 */
function reloading(image: string) {
  return {
    image,
    imagePullPolicy: "IfNotPresent",
    // In-tree sfc must go first: where it stays, `modprobe sfc` succeeds at once and the new driver never runs.
    inTreeModulesToRemove: ["sfc"],
    modprobe: {
      // A failing softdep is silent, a failing moduleName isn't: what must not fail is onload.
      moduleName,
      modulesLoadingOrder: [moduleName, "sfc"],
    },
  };
}

/** The Module's `version`, a valid label value: the roll-out's gate on each node. */
export const moduleVersion = (image: string): string => contentHash(reloading(image));

/** The KMM Module's `spec` (kmm.sigs.x-k8s.io/v1beta1). */
export function moduleSpec(settings: ModuleSettings) {
  const { image, ...container } = reloading(settings.image);
  return {
    selector: { [labels.stack]: settings.stack },
    tolerations,
    ...(settings.registrySecret !== undefined && { imageRepoSecret: { name: settings.registrySecret } }),
    moduleLoader: {
      serviceAccountName: names.serviceAccount,
      container: {
        version: moduleVersion(image),
        ...container,
        kernelMappings: kernelMappings(settings),
      },
    },
  };
}

/**
 * One mapping a kernel, and none for kernels that nobody has looked at: KMM builds by itself, with nobody there, for each
 * kernel that a mapping fits. Where the build or the signature fails then, it does so without end. The paths to sign are
 * spelled out, for KMM turns a `+` in them into `_`, and the directory in the image keeps it.
 */
function kernelMappings(settings: ModuleSettings) {
  return [...new Set(settings.kernels.map(kmmKernel))].sort().map((kernel) => ({
    literal: kernel,
    containerImage: forKernel(settings.image, kernel),
    ...buildAndSign(settings, kernel),
  }));
}

function buildAndSign(settings: ModuleSettings, kernel: string) {
  const ubi = settings.strategy === "entitled-ubi" ? ubiImage(kernel) : undefined;
  const architecture = kubernetesArchitecture(kernel);
  return {
    build: {
      dockerfileConfigMap: { name: settings.dockerfileConfigMap },
      buildArgs: [...settings.buildArgs, ...(ubi === undefined ? [] : [{ name: "UBI_IMAGE", value: ubi }])],
      // A compiler builds for what it runs on, and KMM itself puts a build on any node.
      ...(architecture !== undefined && { selector: { "kubernetes.io/arch": architecture } }),
      ...(settings.buildSecrets.length > 0 && { secrets: settings.buildSecrets.map((name) => ({ name })) }),
    },
    sign: {
      keySecret: { name: settings.keySecret },
      certSecret: { name: settings.certSecret },
      filesToSign: filesToSign(kernel),
    },
  };
}
