import { z } from "zod";
import { card } from "./cards.ts";
import { annotations } from "../names.ts";
import {
  clusterNode,
  cordonedBy,
  isReady,
  loadedImage,
  nodeModulesConfig,
  rollOf,
  versionOn,
  whyNotLoaded,
  type Expected,
} from "./nodeState.ts";
import { isLeaving, previewOf } from "./phases.ts";
import { parseGeneration, type RollState } from "./rollState.ts";

/*
 * Reality is an input of the plan, like the configuration: nodes, KMM and people change without this program, and a
 * failed or killed run leaves the old inputs in state, so that going back to them would show no difference.
 */

/** What a node reports itself, as far as a plan depends on it. */
const machineReport = z.object({
  /** Why it doesn't run the out-of-tree driver; empty when it does. */
  driver: z.array(z.string()).readonly(),
  secureBoot: z.string(),
  /** The cards of its ports: no plan depends on them. */
  cards: z.array(card).optional(),
  /** Whether modules signed with the stack's present key can be loaded; absent before there is a key. */
  trusted: z.boolean().optional(),
});

/** What a listed node was found to be before the first resource. */
export const nodeReality = z.object({
  node: clusterNode,
  /** KMM's account of it; absent where KMM never had anything for it. */
  nmc: nodeModulesConfig.optional(),
  /** What it reports itself over SSH, or why that couldn't be had; absent for a held node, which isn't asked. */
  machine: z.union([z.object({ unreachable: z.string() }), machineReport]).optional(),
});
export type NodeReality = z.infer<typeof nodeReality>;

/** Whether this stack has taken the node out of service and not brought it back: an earlier run failed or was killed. */
export const isOut = ({ node }: NodeReality, stack: string): boolean =>
  rollOf(node, stack) !== undefined || cordonedBy(node) === stack;

/**
 * Why the node isn't what the stack wants of it now; undefined when it is, and is proven to be.
 *
 * @param wanted what shall be loaded; its image is the one for the node's kernel
 */
export function deviation(seen: NodeReality, wanted: Expected, stack: string): string | undefined {
  const { node, nmc, machine } = seen;
  const roll = rollOf(node, stack);
  if (roll !== undefined) return `out of service since ${roll.since} by ${actOf(roll)} that didn't end`;
  if (cordonedBy(node) === stack) return "cordoned by this stack";
  if (!isReady(node)) return "the node isn't Ready";
  const version = versionOn(node, wanted);
  if (version === undefined) return "this stack has loaded nothing on it";
  if (version !== wanted.version) return `runs ${tagOf(loadedImage(nmc, wanted)) ?? `version ${version}`}`;
  const missing = whyNotLoaded(node, nmc, wanted);
  if (missing !== undefined) return missing;
  if (machine === undefined) return undefined;
  if ("unreachable" in machine) return machine.unreachable;
  return machine.driver.length === 0 ? undefined : machine.driver.join(", ");
}

/**
 * The generation that the node's roll and proof are given: the one that ended well last, or the next one where the node
 * deviates. A roll writes its generation onto the Node at its good end, and only then; so a node that deviates is done
 * again by the next `up`, and one that doesn't changes no plan.
 */
export function generation(seen: NodeReality, wanted: Expected, stack: string): number {
  const last = parseGeneration(seen.node.metadata.annotations?.[annotations.generation]);
  return deviation(seen, wanted, stack) === undefined ? last : last + 1;
}

/** One sentence for the plan's reader: why the node is done again, and what will be done. */
export function planned(seen: NodeReality, wanted: Expected, stack: string): string | undefined {
  const why = deviation(seen, wanted, stack);
  if (why === undefined) return undefined;
  const will = previewOf({ tag: tagOf(wanted.image) ?? wanted.image, trusted: trustedBy(seen.machine) });
  return `${seen.node.metadata.name}: ${why}; ${will}`;
}

/** An image's tag: release, content and kernel in one. */
const tagOf = (image: string | undefined): string | undefined => image?.slice(image.lastIndexOf(":") + 1);

/** Whether the firmware trusts the present key; undefined where there is none, or the node could not be asked. */
export const trustedBy = (machine: NodeReality["machine"]): boolean | undefined =>
  machine !== undefined && "trusted" in machine ? machine.trusted : undefined;

function actOf({ phase, version }: RollState): string {
  if (isLeaving(phase)) return "its leaving of the stack";
  return version === undefined ? "a roll-out" : `a roll-out of version ${version}`;
}
