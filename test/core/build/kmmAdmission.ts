/** What KMM 2.4 does with a Module's spec, as far as it decides whether and what is loaded. */
import { kmmKernel, normalizeKernel } from "../../../core/build/imageTag.ts";
import type { moduleSpec } from "../../../core/build/moduleSpec.ts";

export type ModuleSpec = ReturnType<typeof moduleSpec>;
type Mapping = ModuleSpec["moduleLoader"]["container"]["kernelMappings"][number];

/** Each reason why KMM's CRD or its webhook would refuse the spec (observed on 2.4.1, the admission matrix). */
export function admissionProblems(spec: ModuleSpec): string[] {
  const { container } = spec.moduleLoader;
  const order = container.modprobe.modulesLoadingOrder;
  const unknown = [
    ...strangers("spec", spec, ["selector", "tolerations", "moduleLoader"]),
    ...strangers("moduleLoader", spec.moduleLoader, ["serviceAccountName", "container"]),
    ...strangers("container", container, [
      "version",
      "imagePullPolicy",
      "inTreeModulesToRemove",
      "modprobe",
      "kernelMappings",
    ]),
    ...strangers("modprobe", container.modprobe, ["moduleName", "modulesLoadingOrder"]),
  ];
  const checks: [boolean, string][] = [
    [/^[A-Za-z0-9]([\w.-]{0,61}[A-Za-z0-9])?$/.test(container.version), "version isn't a label's value"],
    [container.kernelMappings.length > 0, "no kernelMappings"],
    [order.length >= 2, "if a loading order is defined, at least two values must be defined"],
    [order[0] === container.modprobe.moduleName, "the first element must be moduleName"],
    [new Set(order).size === order.length, "duplicate value in the loading order list"],
    [Object.values(spec.selector).every((value) => value !== ""), "an empty selector takes every node"],
    [Object.keys(spec.selector).length > 0, "an empty selector takes every node"],
  ];
  return [
    ...unknown,
    ...checks.filter(([holds]) => !holds).map(([, problem]) => problem),
    ...spec.tolerations.flatMap(tolerationProblems),
    ...container.kernelMappings.flatMap(mappingProblems),
  ];
}

function strangers(path: string, value: object, known: readonly string[]): string[] {
  const keys = Object.keys(value).filter((key) => !known.includes(key));
  return keys.map((key) => `strict decoding error: unknown field "${path}.${key}"`);
}

function tolerationProblems({ key, operator, ...rest }: { key?: string; operator: string }): string[] {
  const problems = Object.keys(rest).map((field) => `toleration with ${field}`);
  if (operator !== "Exists") problems.push(`invalid operator '${operator}'`);
  if (key !== undefined && !/^[a-z0-9.-]+\/[A-Za-z0-9_.-]+$/.test(key)) problems.push(`invalid key '${key}'`);
  return problems;
}

function mappingProblems(mapping: Mapping): string[] {
  const { build, sign, containerImage, literal } = mapping;
  const checks: [boolean, string][] = [
    [literal !== "", "regexp or literal must be set"],
    [/[:@]/.test(containerImage), "container image must explicitely set a tag or digest"],
    [build.dockerfileConfigMap.name !== "", "build.dockerfileConfigMap: Required value"],
    [build.buildArgs.every((arg) => typeof arg.value === "string"), "buildArgs[].value: Required value"],
    [sign.keySecret.name !== "" && sign.certSecret.name !== "", "sign's Secrets: Required value"],
    [sign.filesToSign.length > 0, "nothing to sign"],
    [sign.filesToSign.every((file) => file.startsWith("/opt/lib/modules/")), "a file to sign outside dirName"],
    [!("unsignedImage" in sign), "unsignedImage with build"],
  ];
  return [
    ...strangers("kernelMappings[]", mapping, ["literal", "containerImage", "build", "sign"]),
    ...strangers("build", build, ["dockerfileConfigMap", "buildArgs", "secrets", "selector"]),
    ...checks.filter(([holds]) => !holds).map(([, problem]) => problem),
  ];
}

/** The mapping that KMM takes for a node's kernel. */
export function mappingFor(spec: ModuleSpec, unameR: string): Mapping | undefined {
  const kernel = kmmKernel(unameR);
  return spec.moduleLoader.container.kernelMappings.find(({ literal }) => literal === kernel);
}

/** The files that KMM signs for a kernel, and the config that it hands to the node; a change of the latter reloads. */
export function forNode(spec: ModuleSpec, unameR: string): { signed: string[]; config: unknown } | undefined {
  const mapping = mappingFor(spec, unameR);
  if (mapping === undefined) return undefined;
  const filled = (template: string): string => template.replaceAll("${KERNEL_FULL_VERSION}", normalizeKernel(unameR));
  const { imagePullPolicy, inTreeModulesToRemove, modprobe } = spec.moduleLoader.container;
  return {
    signed: mapping.sign.filesToSign.map(filled),
    config: {
      kernelVersion: kmmKernel(unameR),
      containerImage: filled(mapping.containerImage),
      imagePullPolicy,
      insecurePull: false,
      inTreeModulesToRemove,
      modprobe,
    },
  };
}
