import { credentialsFor, dockerConfigKey, dockerConfigType } from "../../../core/build/dockerConfig.ts";
import {
  canBeAsked,
  configNamespace,
  hostOf,
  secretAt,
  trustKey,
  type RegistryFacts,
  type SecretFacts,
} from "../../../core/build/registryTrust.ts";
import type { RegistrySettings } from "../../../core/configuration/settings.ts";
import { registrySeconds } from "../../../core/patience.ts";
import type { Kubectl, KubeObject } from "../../cluster/kubectl.ts";
import { StepError } from "../../lib/step.ts";
import { RegistryClient } from "./client.ts";

interface Secret extends KubeObject {
  readonly type?: string;
  readonly data?: Readonly<Record<string, string>>;
}
interface ConfigMap extends KubeObject {
  readonly data?: Readonly<Record<string, string>>;
}
interface ImageConfig extends KubeObject {
  readonly spec?: { readonly additionalTrustedCA?: { readonly name?: string } };
}

/** Path of a repository in its registry. */
export const pathOf = (repository: string): string => repository.slice(hostOf(repository).length + 1);

/** A client with the credentials of a Secret in the cluster, which trusts what the cluster trusts. */
export async function connectRegistry(
  kubectl: Kubectl,
  repository: string,
  from: { readonly namespace: string; readonly name: string },
  patience: number = registrySeconds,
): Promise<RegistryClient> {
  const [secret, trusted] = await Promise.all([
    kubectl.get<Secret>("secrets", from.name, from.namespace),
    readTrusted(kubectl),
  ]);
  if (secret === undefined) {
    throw new StepError(
      "OKMM-REGISTRY-SECRET",
      `Secret ${from.namespace}/${from.name} isn't there; run \`pulumi up\` again, which creates it again`,
    );
  }
  return new RegistryClient({
    host: hostOf(repository),
    credentials: credentialsFor(repository, textOf(secret)),
    ca: trusted?.data?.[trustKey(repository)],
    patience,
  });
}

/** Looks at what `onload-kmm:registry` names, and asks the registry once where that makes sense. Changes nothing. */
export async function readRegistry(
  kubectl: Kubectl,
  registry: RegistrySettings,
  patience: number,
): Promise<RegistryFacts> {
  const { repository, caConfigMap } = registry;
  const [pushSecret, pullSecret, ca, trusted] = await Promise.all([
    readSecret(kubectl, repository, registry.pushSecret),
    readSecret(kubectl, repository, registry.pullSecret),
    caConfigMap === undefined ? undefined : kubectl.get<ConfigMap>("configmaps", caConfigMap, configNamespace),
    readTrusted(kubectl),
  ]);
  const facts = {
    pushSecret,
    pullSecret,
    caKeys: ca && Object.keys(ca.data ?? {}),
    trusted: trusted && { name: trusted.metadata.name, keys: Object.keys(trusted.data ?? {}) },
  };
  if (!canBeAsked(registry, facts)) return facts;
  return { ...facts, refusal: await refusalOf(kubectl, registry, patience) };
}

/** A tag that nobody has: whether it may be looked for is what is asked. */
async function refusalOf(
  kubectl: Kubectl,
  { repository, pushSecret }: RegistrySettings,
  patience: number,
): Promise<string | undefined> {
  try {
    const client = await connectRegistry(kubectl, repository, secretAt(pushSecret), patience);
    await client.digest(pathOf(repository), "onload-kmm-preview");
    return undefined;
  } catch (error) {
    if (error instanceof StepError) return error.message;
    throw error;
  }
}

async function readSecret(
  kubectl: Kubectl,
  repository: string,
  reference: string | undefined,
): Promise<SecretFacts | undefined> {
  if (reference === undefined) return undefined;
  const { namespace, name } = secretAt(reference);
  const secret = await kubectl.get<Secret>("secrets", name, namespace);
  if (secret === undefined) return undefined;
  const type = secret.type ?? "Opaque";
  if (type !== dockerConfigType) return { type, fits: false };
  return { type, fits: credentialsFor(repository, textOf(secret)) !== undefined };
}

/** The ConfigMap that every node and build has its registries' authorities from. */
async function readTrusted(kubectl: Kubectl): Promise<ConfigMap | undefined> {
  const config = await kubectl.get<ImageConfig>("images.config.openshift.io", "cluster");
  const name = config?.spec?.additionalTrustedCA?.name;
  return name === undefined || name === "" ? undefined : kubectl.get<ConfigMap>("configmaps", name, configNamespace);
}

const textOf = (secret: Secret): string => Buffer.from(secret.data?.[dockerConfigKey] ?? "", "base64").toString("utf8");
