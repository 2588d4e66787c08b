/** What the source image says of itself. */
export interface Provenance {
  /** Name of the source RPM's file, and SHA-256 of its bytes in hexadecimal. */
  readonly srpmName: string;
  readonly srpmSha256: string;
  /** OpenOnload's release. */
  readonly release: string;
  /** Version of this program. */
  readonly program: string;
}

/** The image's labels: OCI's own where there is one (image specification, "Annotations"), else ours. */
const labelsOf = ({ srpmName, srpmSha256, release, program }: Provenance): Record<string, string> => ({
  "org.opencontainers.image.title": srpmName,
  "org.opencontainers.image.version": release,
  "onload-kmm.io/srpm-sha256": srpmSha256,
  "onload-kmm.io/program-version": program,
});

/**
 * The Dockerfile with these labels on its last stage. They are no part of the image's tag: an image that exists keeps the labels
 * that it was built with, and another version of this program builds none again.
 */
export function withLabels(dockerfile: string, provenance: Provenance): string {
  const pairs = Object.entries(labelsOf(provenance)).map(([name, value]) => `${name}=${quoted(value)}`);
  return `${dockerfile.trimEnd()}\nLABEL ${pairs.join(" ")}\n`;
}

/** As one word without variables (Dockerfile reference, "Environment replacement"). */
const quoted = (value: string): string => `"${value.replaceAll(/[\\"$]/g, "\\$&")}"`;
