import { contentHash } from "./hash.ts";
import { forKernel, kernelVariable, kmmKernel } from "./imageTag.ts";
import { kernelModules, labels, moduleName, names } from "./names.ts";

/** What the KMM Module is made from. */
export interface ModuleSettings {
  readonly stack: string;
  /** Image reference with {@link kernelVariable} in its tag. */
  readonly image: string;
  /** Regular expression (RE2) of the kernels that are built for. */
  readonly kernels: string;
  /** Kernels of the stack's nodes now, as `uname -r` prints them. */
  readonly nodeKernels: readonly string[];
  readonly dockerfileConfigMap: string;
  readonly buildArgs: readonly { readonly name: string; readonly value: string }[];
  /** Names of Secrets mounted while building. */
  readonly buildSecrets: readonly string[];
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
 * KMM turns `+` into `_` in `filesToSign`, but the directory in the image keeps it. So kernels with `+` (real-time,
 * 64k pages) get a mapping each with the paths spelled out; mappings are tried in order.
 */
function kernelMappings(settings: ModuleSettings) {
  const literal = [...new Set(settings.nodeKernels.map(kmmKernel))].filter((kernel) => kernel.includes("+")).sort();
  return [
    ...literal.map((kernel) => ({
      literal: kernel,
      containerImage: forKernel(settings.image, kernel),
      ...buildAndSign(settings, filesToSign(kernel)),
    })),
    {
      regexp: settings.kernels,
      containerImage: settings.image,
      ...buildAndSign(settings, filesToSign()),
    },
  ];
}

function buildAndSign(settings: ModuleSettings, files: string[]) {
  return {
    build: {
      dockerfileConfigMap: { name: settings.dockerfileConfigMap },
      buildArgs: [...settings.buildArgs],
      ...(settings.buildSecrets.length > 0 && { secrets: settings.buildSecrets.map((name) => ({ name })) }),
    },
    sign: {
      keySecret: { name: settings.keySecret },
      certSecret: { name: settings.certSecret },
      filesToSign: files,
    },
  };
}
