import type { ClusterFacts, Intent } from "./inspection.ts";
import { kernelWarnings } from "./kernelChecks.ts";
import { hasEnded, hasFailed, type BuildObject } from "./moduleBuild.ts";
import { isCordoned, isReady } from "./nodeState.ts";
import { poolTrouble } from "./quiet.ts";

/** What `up` goes on with, but somebody should know. */
export function clusterWarnings(intent: Intent, facts: ClusterFacts): string[] {
  return [
    ...deletionWarnings(intent, facts),
    ...untestedKmm(facts),
    ...placeWarnings(facts),
    ...buildWarnings(facts.kmmBuilds),
    ...updateWarnings(intent, facts),
    ...kernelWarnings(intent, facts),
  ];
}

function deletionWarnings(intent: Intent, { missing }: ClusterFacts): string[] {
  if (missing.length === 0) return [];
  return [
    `cluster: deleted by hand in namespace ${intent.namespace}: ${missing.map(inWords).join(", ")}; \`up\` makes it again, and loads again ` +
      "what KMM has unloaded",
  ];
}

/** Lines of KMM that this program was tried on (docs/kmm.md). */
const testedLines = ["2.4", "2.5", "2.6", "2.7"];

function untestedKmm({ kmmVersion }: ClusterFacts): string[] {
  const line = kmmVersion?.split(".").slice(0, 2).join(".");
  if (line === undefined || testedLines.includes(line)) return [];
  return [
    `cluster: found KMM ${kmmVersion}, a line that this program wasn't tried on (${testedLines.join(", ")} were); roll out to ` +
      "one node first, all others on `hold: true`",
  ];
}

/** KMM's pull pods and OpenShift's Builds tolerate nothing, on any line. */
function placeWarnings({ nodes }: ClusterFacts): string[] {
  const hasPlace = nodes.some(
    (node) =>
      isReady(node) &&
      !isCordoned(node) &&
      !(node.spec?.taints ?? []).some(({ effect }) => ["NoSchedule", "NoExecute"].includes(effect)),
  );
  if (hasPlace) return [];
  return [
    "cluster: no node is Ready, schedulable and without NoSchedule and NoExecute taints: KMM's pull pods and builds, which " +
      "tolerate none, wait for one; uncordon one, or take its taint off, where something is to be built",
  ];
}

/** Nodes that the Machine Config Operator isn't done with: their turn would end the roll-out, after all was built. */
function updateWarnings({ nodes: listed }: Intent, { nodes, pools }: ClusterFacts): string[] {
  const rolled = nodes.filter(({ metadata }) => listed.some(({ name, hold }) => name === metadata.name && !hold));
  const troubles = new Set(rolled.flatMap((node) => poolTrouble(node, pools) ?? []));
  return [...troubles].map(
    (trouble) => `cluster: ${trouble}; a roll-out ends when such a node's turn comes, unless that is over by then`,
  );
}

/** What KMM builds while nobody follows it, or what the last `up` left. */
function buildWarnings(builds: readonly BuildObject[]): string[] {
  const failed = builds.filter(hasFailed).map(({ metadata, status }) => `${metadata.name} (${status?.phase ?? ""})`);
  const running = builds.filter((build) => !hasEnded(build)).map(({ metadata }) => metadata.name);
  return [
    ...(failed.length > 0
      ? [`cluster: KMM's last builds failed: ${failed.join(", ")}; \`up\` has them made again where a node needs them`]
      : []),
    ...(running.length > 0
      ? [`cluster: KMM is building now: ${running.join(", ")}; another \`up\` is at work, or KMM by itself`]
      : []),
  ];
}

/** A name of which only the beginning is known ends with `-`. */
const inWords = (object: string): string => object.replace(/-$/, "-…");
