import { told, type Told } from "../errors.ts";
import { internalRegistry, moduleName, names } from "../names.ts";
import { contentHash } from "../hash.ts";

/** What the kernel modules' image is made of; a change of any part makes a new tag, and so a build. */
export interface ImageContent {
  /** The source image's tag, a hash of the source RPM and the build scripts. */
  readonly source: string;
  /** Text of the kmod image's Dockerfile. */
  readonly dockerfile: string;
  readonly baseImage: string;
  /** SHA-256 fingerprint of the signing certificate. */
  readonly certificate: string;
  readonly filesToSign: readonly string[];
  /**
   * UID of the namespace, with which the registry's images go: nodes still have those in their own storage, and KMM, which
   * lets a node pull a tag to see whether it exists, would take them for the registry's.
   */
  readonly namespaceUid: string;
  /** The config's counter. */
  readonly rebuild: number;
  /** How many tags of this content are spoilt ({@link file://./imageMemory.ts}); absent: none. */
  readonly spoilt?: number;
}

/** A tag may have this many characters (OCI distribution specification, "Pulling manifests"). */
const maxTagLength = 128;

/** KMM's name for the node's kernel in templates. It replaces the variable, with `+` turned into `_`. */
export const kernelVariable = "${KERNEL_FULL_VERSION}";

/**
 * `<release>-<hash>-${KERNEL_FULL_VERSION}`: the tag as the Module holds it.
 *
 * @param spoilt stems, `<release>-<hash>`, that are never used again
 */
export function tagTemplate(release: string, content: ImageContent, spoilt: readonly string[] = []): string {
  const stem = `${release}-${contentHash({ ...content })}`;
  if (!spoilt.includes(stem)) return `${stem}-${kernelVariable}`;
  return tagTemplate(release, { ...content, spoilt: (content.spoilt ?? 0) + 1 }, spoilt);
}

/** The part of an image's tag that all kernels share. */
export function stemOf(image: string, kernel: string): string {
  const tag = tagOf(image);
  const suffix = `-${normalizeKernel(kernel)}`;
  return tag.endsWith(suffix) ? tag.slice(0, -suffix.length) : tag;
}

/** The tag of an image's reference. */
export const tagOf = (image: string): string => image.slice(image.lastIndexOf(":") + 1);

/** The release that an image of ours was made from: the first part of its tag. Undefined for a foreign one. */
export const releaseOf = (image: string): string | undefined => /^(.+?)-[0-9a-f]{12}-/.exec(tagOf(image))?.[1];

/** An image as a person is told of it: by its release, or its whole tag where it isn't one of ours. */
export const releaseOrTag = (image: string): string => releaseOf(image) ?? tagOf(image);

/** A tag as long as any that {@link tagTemplate} makes of this release, for checks before its content is known. */
export const longestTag = (release: string): string => `${release}-${"0".repeat(12)}-${kernelVariable}`;

/** A registry outside of the cluster: one repository for all of a stack's images. */
interface OutsideRegistry {
  readonly repository: string;
}

/** The kmod image's reference with the kernel still a variable. */
export function imageTemplate(namespace: string, tag: string, registry?: OutsideRegistry): string {
  return `${registry?.repository ?? `${internalRegistry}/${namespace}/${names.kmodImageStream}`}:${tag}`;
}

/** Where the source image goes in a registry outside of the cluster: beside the kmod images, whose tags begin with a digit. */
export const sourceReference = ({ repository }: OutsideRegistry, tag: string): string => `${repository}:source-${tag}`;

/** An image's reference without its tag. */
export const repositoryOf = (image: string): string => image.slice(0, image.lastIndexOf(":"));

/** What KMM makes of a template for one kernel: `+` isn't allowed in a tag and becomes `_`. */
export function forKernel(template: string, kernel: string): string {
  return template.replaceAll(kernelVariable, normalizeKernel(kernel));
}

/** What KMM takes a node's kernel for: `uname -r` less a trailing `+`. Mappings are matched against this. */
export const kmmKernel = (kernel: string): string => kernel.replace(/\+$/, "");

/** KMM's normalization, in templates and labels: each `+` that is left becomes `_` (observed on 2.4.1). */
export const normalizeKernel = (kernel: string): string => kmmKernel(kernel).replaceAll("+", "_");

/** KMM's other normalization, in labels and names from its later 2.4 on: lower case, with nothing but letters, digits and `-`. */
export const dnsKernel = (kernel: string): string =>
  kernel
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, "-")
    .replaceAll(/^-+|-+$/g, "");

/** Whether two spellings mean one kernel, in whatever form KMM or a node writes it. */
export const isSameKernel = (one: string, other: string): boolean => dnsKernel(one) === dnsKernel(other);

/**
 * Says what is wrong with the longest tag that KMM derives for `kernel`: while signing it pushes the unsigned image
 * under `<tag>_<namespace>_<module>_kmm_unsigned`, in a preflight with `-preflight` after the module's name.
 */
export function tagLengthProblem(tag: string, namespace: string, kernel: string): Told | undefined {
  const longest = `${forKernel(tag, kernel)}_${namespace}_${moduleName}-preflight_kmm_unsigned`;
  if (longest.length <= maxTagLength) return undefined;
  return told(
    "OKMM-TAG-LENGTH",
    `the image tag for kernel ${kernel} has ${longest.length} characters, at most ${maxTagLength} are allowed: ` +
      `${longest}; shorten onload-kmm:namespace (now "${namespace}") by ${longest.length - maxTagLength} or more`,
  );
}
