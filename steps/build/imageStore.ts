import { repositoryOf } from "../../core/build/imageTag.ts";
import { internalRegistry, names } from "../../core/names.ts";
import { hostOf } from "../../core/build/registryTrust.ts";
import { deleteTag, readPushedTags } from "./imageStream.ts";
import type { Kubectl } from "../cluster/kubectl.ts";
import { connectRegistry, pathOf } from "./registry/access.ts";
import type { RegistryClient } from "./registry/client.ts";

/** Where a stack's images are: what was really pushed, whatever KMM and Builds report. */
export interface ImageStore {
  /** Digests of those of the tags that are there. */
  digests(tags: readonly string[]): Promise<Record<string, string>>;
  /** Deletes a tag, so that nothing can be pulled by it; false if the registry refuses that. */
  remove(tag: string): Promise<boolean>;
}

/**
 * The store that an image, named by tag, is in.
 *
 * @param namespace the stack's, which has the credentials for a registry outside the cluster
 */
export function storeOf(kubectl: Kubectl, namespace: string, image: string): ImageStore {
  const repository = repositoryOf(image);
  if (hostOf(repository) !== internalRegistry) return new OutsideRegistry(kubectl, namespace, repository);
  const [owner = "", stream = ""] = pathOf(repository).split("/");
  return {
    async digests(tags) {
      const pushed = await readPushedTags(kubectl, owner, stream);
      return Object.fromEntries(Object.entries(pushed).filter(([tag]) => tags.includes(tag)));
    },
    async remove(tag) {
      await deleteTag(kubectl, owner, stream, tag);
      return true;
    },
  };
}

/** A repository that is queried directly. */
class OutsideRegistry implements ImageStore {
  readonly #connect: () => Promise<RegistryClient>;
  readonly #path: string;
  #client: Promise<RegistryClient> | undefined;

  constructor(kubectl: Kubectl, namespace: string, repository: string) {
    this.#connect = () => connectRegistry(kubectl, repository, { namespace, name: names.registrySecret });
    this.#path = pathOf(repository);
  }

  async digests(tags: readonly string[]): Promise<Record<string, string>> {
    const client = await this.#connected();
    const found = await Promise.all(tags.map(async (tag) => [tag, await client.digest(this.#path, tag)] as const));
    return Object.fromEntries(found.flatMap(([tag, digest]) => (digest === undefined ? [] : [[tag, digest]])));
  }

  async remove(tag: string): Promise<boolean> {
    return (await this.#connected()).remove(this.#path, tag);
  }

  /** Credentials are read once, when they are needed. */
  #connected(): Promise<RegistryClient> {
    this.#client ??= this.#connect();
    return this.#client;
  }
}
