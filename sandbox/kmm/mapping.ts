import { RE2JS } from "re2js";
import type { Line } from "./lines.ts";
import type {
  BuildSpec,
  ImageSpec,
  KernelMapping,
  Module,
  ModuleContainer,
  RegistryTls,
  SignSpec,
} from "./resources.ts";

/** What a Module means for one kernel. */
export interface ResolvedModule {
  /** `uname -r` without a trailing `+`. */
  kernel: string;
  image: string;
  build?: BuildSpec;
  sign?: SignSpec;
  inTreeModulesToRemove?: string[];
  insecurePull: boolean;
  registryTLS: RegistryTls;
  /** Where the modules are in the image. */
  dirName: string;
}

/** A trailing `+` is cut off the node's kernel before anything else. */
export const kernelOf = (release: string): string => release.replace(/\+$/, "");

/** As in tags, and in labels before 2.4's fixed names: they can't hold a `+`. */
const normalizedKernel = (kernel: string): string => kernel.replaceAll("+", "_");

/** The kernel in a Build's label, and in its name where that is fixed. */
export function kernelInLabel(kernel: string, { fixedBuildNames }: Line): string {
  const normalized = normalizedKernel(kernel);
  if (!fixedBuildNames) return normalized;
  return normalized
    .toLowerCase()
    .replaceAll(/[._]/g, "-")
    .replaceAll(/^-+|-+$/g, "");
}

/** The variables of `containerImage` and `filesToSign`. */
function templateVariables(kernel: string, module?: { name: string; namespace: string }): Record<string, string> {
  const full = normalizedKernel(kernel);
  const xyz = full.split("-")[0] ?? "";
  const [x = "", y = "", z = ""] = xyz.split(".");
  return {
    KERNEL_FULL_VERSION: full,
    KERNEL_VERSION: full,
    KERNEL_XYZ: xyz,
    KERNEL_X: x,
    KERNEL_Y: y,
    KERNEL_Z: z,
    ...(module === undefined ? {} : { MOD_NAME: module.name, MOD_NAMESPACE: module.namespace }),
  };
}

/** `$V` and `${V}`; an unset variable becomes empty, and substrings (`${V:0:3}`) aren't applied. */
function applyTemplate(text: string, variables: Record<string, string>): string {
  const value = (name: string): string => variables[name] ?? "";
  return text.replace(/\$(?:\{([^}]*)\}|([A-Za-z_]\w*))/g, (...[, braced, bare]: (string | undefined)[]) =>
    value((braced ?? bare ?? "").replace(/:.*$/, "")),
  );
}

/** The Module's first mapping for this kernel, resolved; undefined when none matches. */
export function resolve(module: Module, release: string): ResolvedModule | undefined {
  const container = module.spec.moduleLoader?.container;
  const kernel = kernelOf(release);
  const mapping = container?.kernelMappings.find((each) => matches(each, kernel));
  if (container === undefined || mapping === undefined) return undefined;
  const { name = "", namespace = "" } = module.metadata;
  const image = mapping.containerImage === "" ? container.containerImage : mapping.containerImage;
  return {
    kernel,
    image: applyTemplate(image ?? "", templateVariables(kernel, { name, namespace })),
    dirName: container.modprobe.dirName ?? "/opt",
    ...present("build", mergeBuild(container.build, mapping.build)),
    ...present("sign", mergeSign(container.sign, mapping.sign, kernel)),
    ...present("inTreeModulesToRemove", inTreeModules(container, mapping)),
    ...tlsOf(mapping.registryTLS ?? container.registryTLS ?? {}),
  };
}

/** The property, unless its value is undefined. */
const present = <K extends string, V>(name: K, value: V | undefined): Partial<Record<K, V>> =>
  value === undefined ? {} : ({ [name]: value } as Record<K, V>);

const tlsOf = (registryTLS: RegistryTls): Pick<ResolvedModule, "insecurePull" | "registryTLS"> => ({
  insecurePull: registryTLS.insecure === true || registryTLS.insecureSkipTLSVerify === true,
  registryTLS,
});

/** What the ModuleImagesConfig says about it. */
export function imageSpecOf(resolved: ResolvedModule, { signsInDirectory }: Line): ImageSpec {
  const { image, kernel, build, sign, registryTLS, dirName } = resolved;
  return {
    image,
    kernelVersion: kernel,
    ...(build === undefined ? {} : { build }),
    ...(sign === undefined ? {} : { sign }),
    registryTLS,
    ...(signsInDirectory ? { dirName } : {}),
  };
}

function matches(mapping: KernelMapping, kernel: string): boolean {
  if (mapping.literal !== undefined && mapping.literal !== "") return mapping.literal === kernel;
  // Go's regexp, found anywhere in the text
  return mapping.regexp !== undefined && RE2JS.compile(mapping.regexp).matcher(kernel).find();
}

function inTreeModules(container: ModuleContainer, mapping: KernelMapping): string[] | undefined {
  const single = mapping.inTreeModuleToRemove ?? container.inTreeModuleToRemove;
  return (
    mapping.inTreeModulesToRemove ?? container.inTreeModulesToRemove ?? (single === undefined ? undefined : [single])
  );
}

/** The mapping's fields before the container's; arguments and secrets of both. */
function mergeBuild(container: BuildSpec | undefined, mapping: BuildSpec | undefined): BuildSpec | undefined {
  if (container === undefined || mapping === undefined) return mapping ?? container;
  const own = new Set((mapping.buildArgs ?? []).map(({ name }) => name));
  const buildArgs = [...(container.buildArgs ?? []).filter(({ name }) => !own.has(name)), ...(mapping.buildArgs ?? [])];
  return {
    ...container,
    ...mapping,
    ...(buildArgs.length > 0 ? { buildArgs } : {}),
    secrets: [...(container.secrets ?? []), ...(mapping.secrets ?? [])],
  };
}

/** Likewise; `filesToSign` and `unsignedImage` are templates, without the Module's name. */
function mergeSign(
  container: SignSpec | undefined,
  mapping: SignSpec | undefined,
  kernel: string,
): SignSpec | undefined {
  if (container === undefined && mapping === undefined) return undefined;
  const files = [...(container?.filesToSign ?? []), ...(mapping?.filesToSign ?? [])];
  const merged = { ...container, ...mapping };
  const variables = templateVariables(kernel);
  return {
    ...merged,
    ...(merged.unsignedImage === undefined ? {} : { unsignedImage: applyTemplate(merged.unsignedImage, variables) }),
    filesToSign: files.map((file) => applyTemplate(file, variables)),
  };
}
