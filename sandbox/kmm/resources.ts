import type { KubeObject, Resource } from "../kube.ts";

/** `spec.tolerations[]` of a Module. */
export interface Toleration {
  key?: string;
  operator?: string;
  value?: string;
  effect?: string;
  tolerationSeconds?: number;
}

interface LocalObject {
  name?: string;
}

/** `build` of a Module's container or of one of its kernel mappings. */
export interface BuildSpec {
  dockerfileConfigMap?: LocalObject;
  buildArgs?: { name: string; value: string }[];
  secrets?: LocalObject[];
  selector?: Record<string, string>;
}

/** `sign`, likewise. */
export interface SignSpec {
  unsignedImage?: string;
  keySecret?: LocalObject;
  certSecret?: LocalObject;
  filesToSign?: string[];
}

export interface RegistryTls {
  insecure?: boolean;
  insecureSkipTLSVerify?: boolean;
}

export interface KernelMapping {
  regexp?: string;
  literal?: string;
  containerImage?: string;
  inTreeModuleToRemove?: string;
  inTreeModulesToRemove?: string[];
  registryTLS?: RegistryTls;
  build?: BuildSpec;
  sign?: SignSpec;
}

export interface Modprobe {
  moduleName?: string;
  dirName?: string;
  firmwarePath?: string;
  parameters?: string[];
  modulesLoadingOrder?: string[];
  args?: { load?: string[]; unload?: string[] };
  rawArgs?: { load?: string[]; unload?: string[] };
}

/** `spec.moduleLoader.container`. */
export interface ModuleContainer {
  version?: string;
  containerImage?: string;
  imagePullPolicy?: string;
  inTreeModuleToRemove?: string;
  inTreeModulesToRemove?: string[];
  registryTLS?: RegistryTls;
  build?: BuildSpec;
  sign?: SignSpec;
  modprobe: Modprobe;
  kernelMappings: KernelMapping[];
}

export interface Module extends KubeObject {
  spec: {
    selector: Record<string, string>;
    imageRepoSecret?: LocalObject;
    tolerations?: Toleration[];
    devicePlugin?: unknown;
    dra?: DraSpec;
    imageRebuildTriggerGeneration?: number;
    moduleLoader?: { serviceAccountName?: string; container: ModuleContainer };
  };
  status?: {
    moduleLoader?: ModuleCounters;
    devicePlugin?: ModuleCounters;
    imageRebuildTriggerGeneration?: number;
  };
}

/** `spec.dra`, as far as the webhook looks at it. */
export interface DraSpec {
  driverName?: string;
}

/** Zero is absent (Go's omitempty). */
export interface ModuleCounters {
  nodesMatchingSelectorNumber?: number;
  desiredNumber?: number;
  availableNumber?: number;
}

/** One image of a ModuleImagesConfig's spec. */
export interface ImageSpec {
  image: string;
  kernelVersion: string;
  dtkImage?: string;
  build?: BuildSpec;
  sign?: SignSpec;
  registryTLS?: RegistryTls;
  dirName?: string;
}

export type ImageState = "Exists" | "DoesNotExist" | "NeedsBuilding" | "NeedsSigning";

export interface ModuleImagesConfig extends KubeObject {
  spec: {
    imagePullPolicy?: string;
    imageRepoSecret?: LocalObject;
    pushBuiltImage?: boolean;
    imageRebuildTriggerGeneration?: number;
    tolerations?: Toleration[];
    images?: ImageSpec[];
  };
  status?: { imagesStates?: { image: string; status: ImageState }[]; imageRebuildTriggerGeneration?: number };
}

export type Action = "BuildImage" | "SignImage";

/** One image of a ModuleBuildSignConfig's spec. */
export interface BuildSignSpec extends ImageSpec {
  action: Action;
}

export interface BuildSignStatus {
  image: string;
  action: Action;
  status: "Success" | "Failure";
}

export interface ModuleBuildSignConfig extends KubeObject {
  spec: {
    imageRepoSecret?: LocalObject;
    pushBuiltImage?: boolean;
    tolerations?: Toleration[];
    images?: BuildSignSpec[];
  };
  status?: { images?: BuildSignStatus[] };
}

/** What a node loads: `config` of a NodeModulesConfig's entries. */
export interface ModuleConfig {
  kernelVersion: string;
  containerImage: string;
  imagePullPolicy?: string;
  insecurePull?: boolean;
  inTreeModulesToRemove?: string[];
  modprobe: Modprobe;
}

export interface NodeModule {
  name: string;
  namespace: string;
  serviceAccountName?: string;
  imageRepoSecret?: LocalObject;
  tolerations?: Toleration[];
  /** Of the Module; since 2.5. */
  version?: string;
  config: ModuleConfig;
}

export interface NodeModuleStatus extends NodeModule {
  bootId?: string;
  lastTransitionTime?: string;
}

export interface NodeModulesConfig extends KubeObject {
  spec?: { modules?: NodeModule[] };
  status?: { modules?: NodeModuleStatus[] };
}

/** One Module's result in a preflight validation. */
export interface PreflightResult {
  name: string;
  namespace: string;
  verificationStatus: "Success" | "Failure" | "InProgress";
  verificationStage: "Image" | "Done";
  statusReason?: string;
  lastTransitionTime: string;
}

/** PreflightValidationOCP and PreflightValidation: the same shape. */
export interface Preflight extends KubeObject {
  spec: { kernelVersion: string; dtkImage?: string; pushBuiltImage?: boolean };
  status?: { modules?: PreflightResult[] };
}

export interface Node extends KubeObject {
  spec?: { taints?: { key: string; value?: string; effect: string }[] };
  status?: {
    conditions?: { type: string; status: string }[];
    nodeInfo?: { kernelVersion?: string; bootID?: string; osImage?: string };
  };
}

interface ContainerStatus {
  name: string;
  restartCount?: number;
  state?: { waiting?: { reason?: string; message?: string } };
}

export interface Pod extends KubeObject {
  spec: Record<string, unknown> & { containers: { name: string; image: string }[] };
  status?: { phase?: string; containerStatuses?: ContainerStatus[] };
}

export interface NetworkPolicy extends KubeObject {
  spec: { podSelector: unknown; policyTypes?: ("Ingress" | "Egress")[] };
}

const kmm = { group: "kmm.sigs.x-k8s.io", version: "v1beta1", namespaced: true } as const;
const core = { group: "", version: "v1", namespaced: true } as const;

export const MODULES: Resource<Module> = { ...kmm, plural: "modules", kind: "Module" };
export const MICS: Resource<ModuleImagesConfig> = {
  ...kmm,
  plural: "moduleimagesconfigs",
  kind: "ModuleImagesConfig",
};
export const MBSCS: Resource<ModuleBuildSignConfig> = {
  ...kmm,
  plural: "modulebuildsignconfigs",
  kind: "ModuleBuildSignConfig",
};
export const NMCS: Resource<NodeModulesConfig> = {
  ...kmm,
  plural: "nodemodulesconfigs",
  kind: "NodeModulesConfig",
  namespaced: false,
};
const preflight = { ...kmm, version: "v1beta2", namespaced: false } as const;
export const PREFLIGHTS_OCP: Resource<Preflight> = {
  ...preflight,
  plural: "preflightvalidationsocp",
  kind: "PreflightValidationOCP",
};
export const PREFLIGHTS: Resource<Preflight> = {
  ...preflight,
  plural: "preflightvalidations",
  kind: "PreflightValidation",
};

export const NODES: Resource<Node> = { ...core, plural: "nodes", kind: "Node", namespaced: false };
export const PODS: Resource<Pod> = { ...core, plural: "pods", kind: "Pod" };
export const NAMESPACES: Resource = { ...core, plural: "namespaces", kind: "Namespace", namespaced: false };
export const NETWORK_POLICIES: Resource<NetworkPolicy> = {
  group: "networking.k8s.io",
  version: "v1",
  plural: "networkpolicies",
  kind: "NetworkPolicy",
  namespaced: true,
};
export const EVENTS: Resource = { ...core, plural: "events", kind: "Event" };
export const SECRETS: Resource<KubeObject & { data?: Record<string, string> }> = {
  ...core,
  plural: "secrets",
  kind: "Secret",
};
export const CONFIG_MAPS: Resource<KubeObject & { data?: Record<string, string> }> = {
  ...core,
  plural: "configmaps",
  kind: "ConfigMap",
};
