import type { Informer, Kube } from "../kube.ts";
import { type Build, BUILD_CONFIG_LABEL, type BuildConfig, builds, isTerminal } from "./resources.ts";

/** How many ended Builds of a BuildConfig stay when it doesn't say. */
const DEFAULT_LIMIT = 5;

/** The BuildConfig that a Build was made from, by its label; undefined for a Build made by hand or by KMM. */
const configNameOf = (build: Build): string | undefined => build.metadata.labels?.[BUILD_CONFIG_LABEL];

/** Builds of the same BuildConfig. */
function siblings(build: Build, all: Build[]): Build[] {
  const name = configNameOf(build);
  if (name === undefined) return [];
  return all.filter((other) => configNameOf(other) === name && other.metadata.namespace === build.metadata.namespace);
}

const numberOf = (build: Build): number => Number(build.metadata.annotations?.["openshift.io/build.number"] ?? 0);

/** Run policy Serial: a Build waits until the ones before it have ended. */
export function waitsForEarlierBuild(build: Build, all: Build[]): boolean {
  return siblings(build, all).some((other) => numberOf(other) < numberOf(build) && !isTerminal(other));
}

/** Deletes the oldest ended Builds of the BuildConfig beyond its two limits. */
export async function pruneHistory(
  kube: Kube,
  build: Build,
  cluster: { configs: Informer<BuildConfig>; builds: Build[] },
): Promise<void> {
  const { namespace = "" } = build.metadata;
  const config = cluster.configs.get(`${namespace}/${configNameOf(build) ?? ""}`);
  if (config === undefined) return;
  const ended = siblings(build, cluster.builds)
    .filter(isTerminal)
    .sort((a, b) => numberOf(b) - numberOf(a));
  const succeeded = ended.filter(({ status }) => status?.phase === "Complete");
  const failed = ended.filter(({ status }) => status?.phase !== "Complete");
  const surplus = [
    ...succeeded.slice(config.spec.successfulBuildsHistoryLimit ?? DEFAULT_LIMIT),
    ...failed.slice(config.spec.failedBuildsHistoryLimit ?? DEFAULT_LIMIT),
  ];
  for (const { metadata } of surplus) await kube.delete(builds, { namespace, name: metadata.name ?? "" });
}
