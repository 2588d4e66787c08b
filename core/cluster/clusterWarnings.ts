import { told, type Told } from "../errors.ts";
import type { ClusterFacts, Intent } from "./inspection.ts";
import { kernelWarnings } from "../build/kernelChecks.ts";
import { hasEnded, hasFailed, type BuildObject } from "../build/moduleBuild.ts";
import { isControlPlane, isCordoned, isReady, type RollNode } from "../node/nodeState.ts";
import {
  etcdTrouble,
  isPaused,
  poolOf,
  poolTrouble,
  severalPools,
  type MachineConfigPool,
} from "../node/maintenance.ts";

/** What `up` goes on with, but somebody should know. */
export function clusterWarnings(intent: Intent, facts: ClusterFacts): Told[] {
  const rolled = rolledNodes(intent, facts);
  return [
    ...deletionWarnings(intent, facts),
    ...untestedKmm(facts),
    ...placeWarnings(facts),
    ...buildWarnings(facts.kmmBuilds),
    ...updateWarnings(rolled, facts),
    ...poolWarnings(rolled, facts),
    ...etcdWarnings(rolled, facts),
    ...kernelWarnings(intent, facts),
  ];
}

function deletionWarnings(intent: Intent, { missing }: ClusterFacts): Told[] {
  if (missing.length === 0) return [];
  return [
    told(
      "OKMM-OBJECTS-DELETED",
      `cluster: deleted by hand in namespace ${intent.namespace}: ${missing.map(inWords).join(", ")}; \`up\` creates it again, and loads ` +
        "again what KMM has unloaded",
    ),
  ];
}

/** Lines of KMM that this program was tried on (docs/kmm.md). */
const testedLines = ["2.4", "2.5", "2.6", "2.7"];

function untestedKmm({ kmmVersion }: ClusterFacts): Told[] {
  const line = kmmVersion?.split(".").slice(0, 2).join(".");
  if (line === undefined || testedLines.includes(line)) return [];
  return [
    told(
      "OKMM-KMM-UNTRIED",
      `cluster: found KMM ${kmmVersion}, a line that this program wasn't tried on (${testedLines.join(", ")} were); roll out to ` +
        "one node first, with `hold: true` on all others",
    ),
  ];
}

/** KMM's pull pods and OpenShift's Builds tolerate nothing, on any line. */
function placeWarnings({ nodes }: ClusterFacts): Told[] {
  const hasPlace = nodes.some(
    (node) =>
      isReady(node) &&
      !isCordoned(node) &&
      !(node.spec?.taints ?? []).some(({ effect }) => ["NoSchedule", "NoExecute"].includes(effect)),
  );
  if (hasPlace) return [];
  return [
    told(
      "OKMM-BUILD-NOPLACE",
      "cluster: no node is Ready, schedulable and without NoSchedule and NoExecute taints: KMM's pull pods and builds, which " +
        "tolerate none, wait for one; if anything must be built, uncordon a node or remove its taint",
    ),
  ];
}

/** The nodes that a roll-out may come to. */
const rolledNodes = ({ nodes: listed }: Intent, { nodes }: ClusterFacts): RollNode[] =>
  nodes.filter(({ metadata }) => listed.some(({ name, hold }) => name === metadata.name && !hold));

const ends = "a roll-out stops at such a node's turn unless this is over by then";

/** Nodes that the Machine Config Operator isn't done with: their turn would end the roll-out, after all was built. */
function updateWarnings(rolled: readonly RollNode[], { pools }: ClusterFacts): Told[] {
  const troubles = new Set(rolled.flatMap((node) => poolTrouble(node, pools) ?? []));
  return [...troubles].map((trouble) => told("OKMM-POOL-UPDATING", `cluster: ${trouble}; ${ends}`));
}

/** Names of the pools of nodes whose turn would end the roll-out. */
export function updatingPools(intent: Intent, facts: ClusterFacts): string[] {
  const updating = rolledNodes(intent, facts).filter((node) => poolTrouble(node, facts.pools) !== undefined);
  return [...new Set(updating.map((node) => poolOf(node, facts.pools)?.metadata.name ?? node.metadata.name))];
}

/** Where the pools say less than usual of what a node is in for. */
function poolWarnings(rolled: readonly RollNode[], { capabilities, pools }: ClusterFacts): Told[] {
  if (rolled.length === 0) return [];
  if (pools.length === 0) return capabilities === undefined ? [] : [noPools];
  const torn = rolled.flatMap((node) => {
    const several = severalPools(node, pools);
    const text = `cluster: ${node.metadata.name} is in ${several.join(" and ")}${tornBetween}`;
    return several.length === 0 ? [] : [told("OKMM-POOL-SEVERAL", text)];
  });
  const paused = new Set(rolled.flatMap((node) => poolOf(node, pools) ?? []).filter(isPaused));
  return [...torn, ...[...paused].map(pausedPool)];
}

const noPools = told(
  "OKMM-POOL-NONE",
  "cluster: it has no MachineConfigPools, as one with a hosted control plane: nothing but each node's own annotations tells of a " +
    "coming update; don't update its node pools until this is over",
);

const tornBetween =
  ": the Machine Config Operator gives no configuration to a node in several custom pools; it is rolled anyway";

function pausedPool({ metadata, spec, status }: MachineConfigPool): Told {
  const wanted = spec?.configuration?.name;
  const waits = wanted === status?.configuration?.name ? "" : `, and ${wanted ?? "an update"} waits`;
  return told(
    "OKMM-POOL-PAUSED",
    `cluster: machine config pool ${metadata.name} is paused${waits}: its nodes are rolled now; once it is unpaused, the Machine Config ` +
      "Operator reboots them, maybe into another kernel, for which the next `up` builds",
  );
}

/** Whether etcd could do without a control-plane node that is to go out of service. */
function etcdWarnings(rolled: readonly RollNode[], { capabilities, etcd }: ClusterFacts): Told[] {
  const names = rolled.filter(isControlPlane).map(({ metadata }) => metadata.name);
  if (names.length === 0 || capabilities === undefined) return [];
  if (etcd === undefined) {
    return [
      told(
        "OKMM-ETCD-UNKNOWN",
        `cluster: it has no ClusterOperator etcd: nothing tells whether its etcd can do without ${names.join(", ")}, out of service one ` +
          "at a time",
      ),
    ];
  }
  const trouble = etcdTrouble(etcd);
  if (trouble === undefined) return [];
  return [told("OKMM-ETCD-DEGRADED", `cluster: ${trouble}, and ${names.join(", ")} may run a member of it; ${ends}`)];
}

/** What KMM builds while nobody follows it, or what the last `up` left. */
function buildWarnings(builds: readonly BuildObject[]): Told[] {
  const failed = builds.filter(hasFailed).map(({ metadata, status }) => `${metadata.name} (${status?.phase ?? ""})`);
  const running = builds.filter((build) => !hasEnded(build)).map(({ metadata }) => metadata.name);
  const warnings: Told[] = [];
  if (failed.length > 0) {
    const text = `cluster: KMM's last builds failed: ${failed.join(", ")}; \`up\` repeats them where a node needs them`;
    warnings.push(told("OKMM-BUILD-EARLIER", text));
  }
  if (running.length > 0) {
    const text = `cluster: KMM is building now: ${running.join(", ")}; another \`up\` is at work, or KMM builds on its own`;
    warnings.push(told("OKMM-BUILD-RUNNING", text));
  }
  return warnings;
}

/** A name of which only the beginning is known ends with `-`. */
const inWords = (object: string): string => object.replace(/-$/, "-…");
