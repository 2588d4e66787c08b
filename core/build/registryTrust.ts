/**
 * Whether builds, nodes and the bastion can use a registry outside of the cluster: what `preview` has looked at, and what is
 * wrong with it. Otherwise a build that can't push, or a node that can't pull, would fail only in its turn.
 */
import { told, type Told } from "../errors.ts";
import { dockerConfigType } from "./dockerConfig.ts";
import type { RegistrySettings } from "../configuration/settings.ts";

/** Namespace of the ConfigMaps and Secrets that OpenShift's cluster-wide configuration names. */
export const configNamespace = "openshift-config";

/** What the cluster and the registry answered. */
export interface RegistryFacts {
  readonly pushSecret: SecretFacts | undefined;
  /** Undefined where none is configured, too. */
  readonly pullSecret: SecretFacts | undefined;
  /** Keys of the configured ConfigMap; undefined where there is none. */
  readonly caKeys: readonly string[] | undefined;
  /** The ConfigMap that image.config.openshift.io/cluster names as additionalTrustedCA, and its keys. */
  readonly trusted: { readonly name: string; readonly keys: readonly string[] } | undefined;
  /** Why the registry can't be asked from here; undefined when it answered, or wasn't asked. */
  readonly refusal?: string | undefined;
}

export interface SecretFacts {
  readonly type: string;
  /** Whether it has credentials for the repository. */
  readonly fits: boolean;
}

/** Host and port of a repository. */
export const hostOf = (repository: string): string => repository.split("/")[0] ?? "";

/** The key in additionalTrustedCA for a registry: `registry.example.com..5000`, for a `:` can't be in one (OpenShift, "Images"). */
export const trustKey = (repository: string): string => hostOf(repository).replace(":", "..");

/** Namespace and name of a Secret that is configured as `NAMESPACE/NAME`. */
export function secretAt(reference: string): { readonly namespace: string; readonly name: string } {
  const [namespace = "", name = ""] = reference.split("/");
  return { namespace, name };
}

/** Each reason why images couldn't be pushed to the configured registry, or pulled from it. */
export function registryProblems(registry: RegistrySettings | undefined, facts: RegistryFacts | undefined): Told[] {
  if (registry === undefined || facts === undefined) return [];
  const problems = [...secretProblems(registry, facts), ...trustProblems(registry, facts)];
  if (facts.refusal !== undefined) {
    const text = `onload-kmm:registry.repository: found "${registry.repository}": ${facts.refusal}`;
    problems.push(told("OKMM-REGISTRY-ACCESS", text));
  }
  return problems;
}

/** Whether it makes sense to ask the registry: with a Secret amiss the answer would only be the second message about it. */
export const canBeAsked = (registry: RegistrySettings, facts: RegistryFacts): boolean =>
  secretProblems(registry, facts).length === 0;

function secretProblems({ repository, pushSecret, pullSecret }: RegistrySettings, facts: RegistryFacts): Told[] {
  const problems: string[] = [];
  const given = [
    ["pushSecret", pushSecret, facts.pushSecret],
    ["pullSecret", pullSecret, facts.pullSecret],
  ] as const;
  for (const [key, reference, found] of given) {
    if (reference === undefined) continue;
    const { namespace, name } = secretAt(reference);
    const subject = `onload-kmm:registry.${key}: found "${reference}"`;
    if (found === undefined) {
      problems.push(
        `${subject}, but the cluster has no such Secret; create it with \`kubectl -n ${namespace} create secret docker-registry ` +
          `${name} --docker-server=${hostOf(repository)} …\``,
      );
    } else if (found.type !== dockerConfigType) {
      problems.push(`${subject}, a Secret of type ${found.type}, expected ${dockerConfigType}`);
    } else if (key === "pushSecret" && !found.fits) {
      problems.push(
        `${subject}, a Secret without user and password for ${hostOf(repository)}, the host of ${repository}; add an entry`,
      );
    }
  }
  return problems.map((problem) => told("OKMM-REGISTRY-SECRET", problem));
}

/** Builds and nodes trust what additionalTrustedCA holds for the registry's host, and the bastion reads it there. */
function trustProblems({ repository, caConfigMap }: RegistrySettings, facts: RegistryFacts): Told[] {
  const problem = caConfigMap === undefined ? undefined : trustProblem(repository, caConfigMap, facts);
  return problem === undefined ? [] : [told("OKMM-REGISTRY-CA", problem)];
}

function trustProblem(repository: string, caConfigMap: string, facts: RegistryFacts): string | undefined {
  const key = trustKey(repository);
  const subject = `onload-kmm:registry.caConfigMap: found "${caConfigMap}"`;
  if (facts.caKeys === undefined) {
    return (
      `${subject}, but ${configNamespace} has no such ConfigMap; create it with \`kubectl -n ${configNamespace} create configmap ` +
      `${caConfigMap} --from-file=${key}=CA.pem\``
    );
  }
  if (!facts.caKeys.includes(key)) {
    return `${subject}, which has no key ${key} for ${hostOf(repository)}; its keys are ${facts.caKeys.join(", ") || "none"}`;
  }
  if (facts.trusted?.name === caConfigMap) return undefined;
  return (
    `${subject}, but image.config.openshift.io/cluster names ${facts.trusted?.name ?? "none"} as spec.additionalTrustedCA, so that ` +
    `nodes and builds don't trust ${hostOf(repository)}; ${
      facts.trusted === undefined ? `set it to ${caConfigMap}` : `add the key ${key} to that ConfigMap and name it here`
    }`
  );
}
