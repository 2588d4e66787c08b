/** Major, minor, patch. */
export type Version = readonly [number, number, number];

/** The first `1.2.3` or `v1.2.3` in what a program printed; `undefined` when there is none. */
export function parseVersion(text: string): Version | undefined {
  const found = /(\d+)\.(\d+)\.(\d+)/.exec(text);
  return found ? [Number(found[1]), Number(found[2]), Number(found[3])] : undefined;
}

/** Negative, zero or positive, as `Array.sort` wants it. */
export function compareVersions(a: Version, b: Version): number {
  return a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
}

/** True for `from <= version < below`. */
export function inRange(version: Version, from: Version, below: Version): boolean {
  return compareVersions(version, from) >= 0 && compareVersions(version, below) < 0;
}
