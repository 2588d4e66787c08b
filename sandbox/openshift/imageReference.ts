/** The internal registry, as pods and builds name it. */
export const INTERNAL_REGISTRY = "image-registry.openshift-image-registry.svc:5000";

/** A pull spec taken apart. */
export interface ImageName {
  /** Registry host and path: `quay.io/ns/name`. */
  repository: string;
  tag?: string;
  /** `sha256:…` */
  digest?: string;
}

/** The tag that a pull spec without tag and digest means. */
const DEFAULT_TAG = "latest";
/** The OCI distribution spec's grammar for tags: at most 128 characters. */
const TAG = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;
const REPOSITORY = /^[a-zA-Z0-9.-]+(:[0-9]+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)+$/;
const DIGEST = /^sha256:[0-9a-f]{64}$/;

/**
 * Takes `HOST[:PORT]/PATH[:TAG][@DIGEST]` apart. Undefined for what no container runtime accepts (a tag of more than
 * 128 characters, upper case in the path, …): the kubelet then says `InvalidImageName`.
 */
export function parseImageName(reference: string): ImageName | undefined {
  const [named = "", digest, ...more] = reference.split("@");
  const colon = named.lastIndexOf(":");
  const tagged = colon > named.lastIndexOf("/");
  const repository = tagged ? named.slice(0, colon) : named;
  const tag = tagged ? named.slice(colon + 1) : undefined;
  const valid =
    more.length === 0 &&
    REPOSITORY.test(repository) &&
    (tag === undefined || TAG.test(tag)) &&
    (digest === undefined || DIGEST.test(digest));
  if (!valid) return undefined;
  if (digest !== undefined) return { repository, digest };
  return { repository, tag: tag ?? DEFAULT_TAG };
}

/** Namespace and name of the ImageStream behind a repository of the internal registry; undefined for any other. */
export function imageStreamOf(repository: string): { namespace: string; name: string } | undefined {
  const [host, namespace, name, ...more] = repository.split("/");
  if (host !== INTERNAL_REGISTRY || namespace === undefined || name === undefined || more.length > 0) return undefined;
  return { namespace, name };
}
