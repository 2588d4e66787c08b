import { RE2JS } from "re2js";
import type { Line } from "../lines.ts";
import type { DraSpec, KernelMapping, Modprobe, Module, ModuleContainer } from "../resources.ts";
import { filesToSignFault } from "./filesToSign.ts";
import { tolerationFault } from "./tolerations.ts";

/** What the webhook goes by, beside the Module. */
export interface Rules {
  line: Line;
  /** OpenShift's version, as in its ClusterVersion. */
  openshift: string;
}

/** The first OpenShift 4 with what `spec.dra` needs. */
const DRA_MINOR = 21;

/** What KMM's webhook says against a Module (`old`: before an update); undefined when it lets it pass. */
export function moduleFault(rules: Rules, module: Module, old: Module | undefined): string | undefined {
  const { line } = rules;
  return (
    versionFault(module, old) ??
    nameFault(line, module) ??
    tolerationFault(module.spec.tolerations ?? []) ??
    draFault(rules, module.spec.dra) ??
    devicePluginFault(module) ??
    containerFault(line, module.spec.moduleLoader?.container)
  );
}

function versionFault(module: Module, old: Module | undefined): string | undefined {
  const [before, after] = [old, module].map((each) => each?.spec.moduleLoader?.container);
  if (before === undefined || after === undefined || isEmpty(before.version) === isEmpty(after.version))
    return undefined;
  return "cannot update to or from an empty version; please delete the Module and create it again";
}

const isEmpty = (text: string | undefined): boolean => text === undefined || text === "";

/** KMM builds label keys of both, which may have 63 characters. */
function nameFault({ nameLimit }: Line, { metadata }: Module): string | undefined {
  const { name = "", namespace = "" } = metadata;
  const length = name.length + namespace.length;
  if (length <= nameLimit) return undefined;
  return (
    `module name and namespace have a combined length of ${length} characters, ` +
    `which exceeds the maximum of ${nameLimit} when version is set`
  );
}

/** Not KMM's: this sandbox has no device plugins, and would ignore one silently. */
const devicePluginFault = (module: Module): string | undefined =>
  module.spec.devicePlugin === undefined ? undefined : "the KMM of this sandbox doesn't run device plugins";

/** Only as far as an OpenShift goes that is too old for it. */
function draFault({ openshift }: Rules, dra: DraSpec | undefined): string | undefined {
  if (dra === undefined) return undefined;
  const [major = 0, minor = 0] = openshift.split(".").map(Number);
  if (major > 4 || (major === 4 && minor >= DRA_MINOR)) return "the KMM of this sandbox doesn't run DRA drivers";
  return (
    `failed to validate DRA: spec.dra requires OpenShift 4.${DRA_MINOR} or later; ` +
    `current cluster version is ${major}.${minor}`
  );
}

function containerFault({ checksFilesToSign }: Line, container: ModuleContainer | undefined): string | undefined {
  if (container === undefined) return undefined;
  const mappings = mappingsFault(container);
  if (mappings !== undefined) return `failed to validate kernel mappings: ${mappings}`;
  const modprobe = modprobeFault(container.modprobe);
  if (!checksFilesToSign) return modprobe;
  return modprobe === undefined ? filesToSignFault(container) : `failed to validate modprobe: ${modprobe}`;
}

function mappingsFault(container: ModuleContainer): string | undefined {
  if (container.inTreeModulesToRemove !== undefined && !isEmpty(container.inTreeModuleToRemove)) {
    return "only one of the Container's fields: InTreeModulesToRemove or InTreeModuleToRemove can be defined";
  }
  const image = imageFault(container.containerImage);
  if (image !== undefined) return image;
  for (const [index, mapping] of container.kernelMappings.entries()) {
    const fault =
      kernelFault(mapping, index) ?? mappingImageFault(container, mapping, index) ?? inTreeFault(container, mapping);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function kernelFault({ regexp = "", literal = "" }: KernelMapping, index: number): string | undefined {
  if (regexp !== "" && literal !== "")
    return `regexp and literal are mutually exclusive properties at kernelMappings[${index}]`;
  if (regexp === "" && literal === "") return `regexp or literal must be set at kernelMappings[${index}]`;
  try {
    // RE2, as in Go: no lookahead, and the same words against it
    RE2JS.compile(regexp);
    return undefined;
  } catch (error) {
    return `invalid regexp at index ${index}: ${(error as Error).message}`;
  }
}

function mappingImageFault(container: ModuleContainer, mapping: KernelMapping, index: number): string | undefined {
  if (isEmpty(mapping.containerImage) && isEmpty(container.containerImage)) {
    return `missing spec.moduleLoader.container.kernelMappings[${index}].containerImage`;
  }
  return imageFault(mapping.containerImage);
}

/** A colon anywhere will do, also that of the registry's port. */
function imageFault(image = ""): string | undefined {
  if (image === "" || /[:@]/.test(image)) return undefined;
  return `failed to validate image format: container image must explicitely set a tag or digest; got: ${image}`;
}

function inTreeFault(container: ModuleContainer, mapping: KernelMapping): string | undefined {
  const list = [mapping, container].map((each) => each.inTreeModulesToRemove !== undefined);
  const single = [mapping, container].map((each) => !isEmpty(each.inTreeModuleToRemove));
  if (list[0] === true && single[0] === true) {
    return "only one of the KernelMapping fields: InTreeModulesToRemove or InTreeModuleToRemove can be defined";
  }
  if ((list[0] === true && single[1] === true) || (single[0] === true && list[1] === true)) {
    return "only one type if field (InTreeModuleToRemove or InTreeModulesToRemove) can be defined in KenrelMapping or Container";
  }
  return undefined;
}

function modprobeFault(modprobe: Modprobe): string | undefined {
  const { moduleName = "", rawArgs, modulesLoadingOrder: order } = modprobe;
  const raw = [rawArgs?.load, rawArgs?.unload].map((args) => (args?.length ?? 0) > 0);
  if (moduleName !== "" && raw.includes(true)) return "rawArgs cannot be set when moduleName is set";
  if (moduleName === "" && raw.includes(false)) return "load and unload rawArgs must be set when moduleName is unset";
  return order === undefined ? undefined : orderFault(order, moduleName);
}

function orderFault(order: string[], moduleName: string): string | undefined {
  const start = "if a loading order is defined, ";
  if (order.length < 2) return `${start}at least two values must be defined`;
  if (moduleName === "") return `${start}moduleName must be set`;
  if (order[0] !== moduleName) return `${start}the first element must be moduleName`;
  const twice = order.find((name, index) => order.indexOf(name) !== index);
  return twice === undefined ? undefined : `"${twice}": duplicate value in the loading order list`;
}
