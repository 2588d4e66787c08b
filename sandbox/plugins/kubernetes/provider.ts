/**
 * Stands in for `pulumi-resource-kubernetes` 4.34.2: server-side apply of the kinds in `kinds.ts`.
 * Left out: every other kind, Helm, Kustomize and YAML, client-side apply, validation against the server's OpenAPI
 * schema, and the built-in waiting for workloads.
 */
import { type Changes, type Diff, diffMaps } from "../core/diff.ts";
import type { CheckFailure, Provider } from "../core/provider.ts";
import { isUnknown, type PropertyMap, revealAll, textOf } from "../core/values.ts";
import { type ClusterState, openCluster } from "./cluster.ts";
import { kindOfType } from "./kinds.ts";
import { activeCluster } from "./kubeconfig.ts";
import { kubernetesResource } from "./resource.ts";

/** Inputs that the stand-in knows; the rest are the engine's own. */
const OPTIONS = ["kubeconfig", "context", "clusterIdentifier", "upsertExistingObjects"];
const ENGINE = ["version", "pluginDownloadURL", "__internal"];

/** A provider of its own state: a process serves one configuration. */
export function kubernetesProvider(): Provider {
  let state: ClusterState = { unreachable: "the provider is not configured" };
  return {
    name: "kubernetes",
    version: "4.34.2",
    functions: {},
    resource: (type) => {
      const kind = kindOfType(type);
      return kind === undefined ? undefined : kubernetesResource(kind, () => state);
    },
    checkConfig: (inputs) => ({ inputs, failures: refuseOptions(inputs) }),
    diffConfig,
    configure: async (inputs) => {
      state = await openCluster(revealAll(inputs));
    },
  };
}

function refuseOptions(inputs: PropertyMap): CheckFailure[] {
  return Object.keys(inputs)
    .filter((property) => !OPTIONS.includes(property) && !ENGINE.includes(property))
    .map((property) => ({ property, reason: "the stand-in for pulumi-resource-kubernetes has no such option" }));
}

/**
 * A new cluster replaces the provider and with it everything in it. With `clusterIdentifier` on both sides, that alone
 * decides; without, the cluster that kubeconfig and context lead to.
 */
export function diffConfig(olds: PropertyMap, news: PropertyMap): Diff {
  const changes = diffMaps(olds, news);
  if (changes.has("clusterIdentifier")) return { changes: identifierChange(changes) };
  if (typeof news.clusterIdentifier === "string") return { changes };
  const unknown = ["kubeconfig", "context"].filter((key) => isUnknown(news[key]));
  const moved = unknown.length > 0 ? unknown : clusterMoved(olds, news) ? ["kubeconfig", "context"] : [];
  for (const key of moved) if (changes.has(key)) changes.set(key, "update-replace");
  return { changes };
}

/** Adding or removing the identifier replaces nothing; changing it does. */
function identifierChange(changes: Changes): Changes {
  if (changes.get("clusterIdentifier") === "update") changes.set("clusterIdentifier", "update-replace");
  return changes;
}

function clusterMoved(olds: PropertyMap, news: PropertyMap): boolean {
  const [before, after] = [revealAll(olds), revealAll(news)].map((side) =>
    activeCluster(textOf(side.kubeconfig), textOf(side.context)),
  );
  return before !== undefined && after !== undefined && JSON.stringify(before) !== JSON.stringify(after);
}
