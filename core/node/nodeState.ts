import { z } from "zod";
import { canonicalJson } from "../hash.ts";
import { forKernel } from "../build/imageTag.ts";
import { annotations, kmm } from "../names.ts";
import { parseRollState, type RollState } from "./rollState.ts";

const marks = z.record(z.string(), z.string());

/** A Node, as far as anything here looks at it. */
export const clusterNode = z.object({
  metadata: z.object({
    name: z.string(),
    uid: z.string(),
    labels: marks.exactOptional(),
    annotations: marks.exactOptional(),
  }),
  spec: z
    .object({
      unschedulable: z.boolean().exactOptional(),
      taints: z
        .array(z.object({ key: z.string(), value: z.string().exactOptional(), effect: z.string() }))
        .readonly()
        .exactOptional(),
    })
    .exactOptional(),
  status: z.object({
    conditions: z
      .array(z.object({ type: z.string(), status: z.string() }))
      .readonly()
      .exactOptional(),
    nodeInfo: z.object({
      bootID: z.string(),
      kernelVersion: z.string(),
      machineID: z.string(),
      osImage: z.string().exactOptional(),
      systemUUID: z.string(),
    }),
  }),
});
export type RollNode = z.infer<typeof clusterNode>;

const moduleEntry = z.object({
  name: z.string(),
  namespace: z.string(),
  config: z.object({ containerImage: z.string().exactOptional(), kernelVersion: z.string().exactOptional() }),
});
type ModuleEntry = z.infer<typeof moduleEntry>;

const entries = <Entry extends z.ZodType>(entry: Entry) =>
  z.object({ modules: z.array(entry).readonly().exactOptional() }).exactOptional();

/** KMM's NodeModulesConfig (NMC): what shall be loaded on a node, and what is. */
export const nodeModulesConfig = z.object({
  spec: entries(moduleEntry),
  status: entries(moduleEntry.extend({ bootId: z.string().exactOptional() })),
});
export type NodeModulesConfig = z.infer<typeof nodeModulesConfig>;

/** What must be loaded on one node. */
export interface Expected {
  readonly namespace: string;
  readonly module: string;
  readonly version: string;
  readonly image: string;
}

/** A Module's version and image, the kernel in the image's tag still a variable. */
export const moduleTarget = z.object({
  namespace: z.string(),
  name: z.string(),
  version: z.string(),
  image: z.string(),
});
export type ModuleTarget = z.infer<typeof moduleTarget>;

/** What must be loaded on a node with this kernel. */
export const expectedOn = (kernel: string, module: ModuleTarget): Expected => ({
  namespace: module.namespace,
  module: module.name,
  version: module.version,
  image: forKernel(module.image, kernel),
});

export const isReady = ({ status }: RollNode): boolean =>
  status.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True") ?? false;

export const isControlPlane = ({ metadata }: RollNode): boolean =>
  ["control-plane", "master"].some((role) => `node-role.kubernetes.io/${role}` in (metadata.labels ?? {}));

export const isCordoned = ({ spec }: RollNode): boolean => spec?.unschedulable === true;

/** The stack that cordoned a node, when it was one of ours. */
export const cordonedBy = ({ metadata }: RollNode): string | undefined =>
  metadata.annotations?.[annotations.cordonedBy];

/** Where a run of this stack stopped on the node; another stack's roll-out is none of its own. */
export function rollOf({ metadata }: RollNode, stack: string): RollState | undefined {
  const state = parseRollState(metadata.annotations?.[annotations.roll]);
  return state?.stack === stack ? state : undefined;
}

/** Whether the configuration makes roll-outs pass the node by. */
export const isHeld = ({ metadata }: RollNode): boolean => metadata.annotations?.[annotations.hold] !== undefined;

/**
 * Why the expected modules aren't loaded on the node, as far as KMM can tell; undefined when they are. None of
 * KMM's single signs is enough: `.ready` outlives a reboot and a reload, counters lag, and the NMC's status is that
 * of the boot whose ID it names.
 */
export function whyNotLoaded(
  node: RollNode,
  nmc: NodeModulesConfig | undefined,
  expected: Expected,
): string | undefined {
  const { wanted, loaded } = moduleOnNode(nmc, expected);
  const version = versionOn(node, expected);
  const asked = wanted?.config.containerImage ?? "nothing";
  const checks: [boolean, string][] = [
    [version === expected.version, `the node's version label is ${version ?? "missing"}, not ${expected.version}`],
    [asked === expected.image, `KMM asks for ${asked}, not ${expected.image}`],
    [loaded !== undefined, "KMM reports no loaded module"],
    [same(wanted?.config, loaded?.config), "KMM is still changing the module"],
    [loaded?.bootId === node.status.nodeInfo.bootID, "the module was loaded before the node's last boot"],
    [hasReadyLabel(node, expected), "KMM's ready label is missing"],
  ];
  return checks.find(([holds]) => !holds)?.[1];
}

/** The version that KMM may load on the node; undefined while it may load none. */
export const versionOn = (
  { metadata }: RollNode,
  { namespace, module }: Pick<Expected, "namespace" | "module">,
): string | undefined => metadata.labels?.[kmm.versionLabel(namespace, module)];

/** Why the node isn't rid of the module yet; undefined when it is. */
export function whyNotUnloaded(
  node: RollNode,
  nmc: NodeModulesConfig | undefined,
  module: Pick<Expected, "namespace" | "module">,
): string | undefined {
  const { wanted, loaded } = moduleOnNode(nmc, module);
  if (wanted !== undefined) return "KMM still wants it loaded";
  if (loaded !== undefined) return "KMM reports it as loaded";
  return hasReadyLabel(node, module) ? "KMM's ready label is still there" : undefined;
}

/** What KMM may say of a module on a node. */
export const kmmAccounts = [
  "none",
  "loading",
  "loaded",
  "changing",
  "unloading",
  "loaded before the last boot",
] as const;
type KmmAccount = (typeof kmmAccounts)[number];

/** What KMM says of the module on the node, in two or three words. */
export function kmmAccount(
  node: RollNode,
  nmc: NodeModulesConfig | undefined,
  module: Pick<Expected, "namespace" | "module">,
): KmmAccount {
  const { wanted, loaded } = moduleOnNode(nmc, module);
  if (loaded === undefined) return wanted === undefined ? "none" : "loading";
  if (wanted === undefined) return "unloading";
  if (loaded.bootId !== node.status.nodeInfo.bootID) return "loaded before the last boot";
  return same(wanted.config, loaded.config) ? "loaded" : "changing";
}

/** The image that KMM says is loaded on the node; undefined when none is. */
export const loadedImage = (
  nmc: NodeModulesConfig | undefined,
  module: Pick<Expected, "namespace" | "module">,
): string | undefined => moduleOnNode(nmc, module).loaded?.config.containerImage;

function moduleOnNode(
  nmc: NodeModulesConfig | undefined,
  { namespace, module }: Pick<Expected, "namespace" | "module">,
) {
  const ofModule = (entry: ModuleEntry) => entry.name === module && entry.namespace === namespace;
  return { wanted: nmc?.spec?.modules?.find(ofModule), loaded: nmc?.status?.modules?.find(ofModule) };
}

const hasReadyLabel = (
  { metadata }: RollNode,
  { namespace, module }: Pick<Expected, "namespace" | "module">,
): boolean => kmm.readyLabel(namespace, module) in (metadata.labels ?? {});

/** Whether two of KMM's `config` objects say the same; both come from KMM itself, keys in any order. */
function same(a: unknown, b: unknown): boolean {
  return canonicalJson(a) === canonicalJson(b);
}
