import { told, type Told } from "../errors.ts";

/**
 * For which minor releases of RHEL an OpenOnload release builds, by AMD's own ChangeLog ("Add support for", "Remove support
 * for") and ReleaseNotes of 9.2 ("Last OpenOnload release supporting Red Hat Enterprise Linux 8").
 */
interface Support {
  /** The first release that has it. */
  readonly since: string;
  /** The first release without it: nobody tests it any more, but it may build. */
  readonly until?: string;
}

const supported: Readonly<Record<string, Support>> = {
  "8.6": { since: "8.0.0", until: "9.1.0" },
  "8.7": { since: "8.0.2", until: "9.1.0" },
  "8.8": { since: "8.1.0", until: "9.1.0" },
  "8.9": { since: "8.1.2", until: "9.1.0" },
  "8.10": { since: "8.1.3", until: "10.0.0" },
  "9.0": { since: "8.0.0", until: "9.0.0" },
  "9.1": { since: "8.0.2", until: "9.0.0" },
  "9.2": { since: "8.1.0", until: "9.1.0" },
  "9.3": { since: "8.1.2", until: "9.1.0" },
  "9.4": { since: "8.1.3" },
  "9.5": { since: "9.0.1" },
  "9.6": { since: "9.0.2" },
  "9.7": { since: "9.1.0" },
  "9.8": { since: "9.2.0" },
  "10.0": { since: "9.0.2" },
  "10.1": { since: "9.1.0" },
  "10.2": { since: "9.2.0" },
};

/** A kernel that modules are to be built for. */
export interface BuiltFor {
  /** Who runs it: `worker-1`, or the configuration's key. */
  readonly what: string;
  /** `uname -r`. */
  readonly kernel: string;
}

/** Which of the kernels the release doesn't build for, and of which nobody knows. */
export function releaseSupport(
  release: string,
  kernels: readonly BuiltFor[],
): { readonly problems: Told[]; readonly warnings: Told[] } {
  // None of AMD's has such a version: nothing is known of it, nor promised for it.
  if (release.startsWith("0.")) return { problems: [], warnings: [] };
  const found = kernels.map((each) => ({ each, minor: rhelMinor(each.kernel) }));
  return {
    problems: found.flatMap(({ each, minor }) => tooOld(release, each, minor)),
    warnings: [...new Set(found.flatMap(({ each, minor }) => unknown(release, each, minor)))].map((doubt) =>
      told("OKMM-RELEASE-UNTRIED", doubt),
    ),
  };
}

function tooOld(release: string, { what, kernel }: BuiltFor, minor: string | undefined): Told[] {
  const since = supported[minor ?? ""]?.since;
  if (since === undefined || !isBefore(release, since)) return [];
  return [
    told(
      "OKMM-RELEASE-KERNEL",
      `onload-kmm:release.version: found ${release}, which doesn't build for ${what}'s kernel ${kernel} (RHEL ${minor ?? ""}); the first ` +
        `release that does is OpenOnload ${since}: set a package of it or a later one, or leave ${what} out`,
    ),
  ];
}

function unknown(release: string, { what, kernel }: BuiltFor, minor: string | undefined): string[] {
  if (minor === undefined)
    return [`${what}: its kernel ${kernel} names no minor release of RHEL that OpenOnload supports`];
  const known = supported[minor];
  const doubt = `the build may fail for ${what}'s kernel ${kernel}`;
  if (known === undefined) return [`${doubt}: it isn't known whether OpenOnload ${release} supports RHEL ${minor}`];
  if (known.until === undefined || isBefore(release, known.until)) return [];
  return [`${doubt}: OpenOnload ${known.until} and later no longer support RHEL ${minor}`];
}

/** `9.6` of `5.14.0-570.49.1.el9_6.x86_64`; undefined for a kernel that names none. */
export function rhelMinor(kernel: string): string | undefined {
  const [, major, minor] = /\.el(\d+)_(\d+)(?=[.+]|$)/.exec(kernel) ?? [];
  return major === undefined || minor === undefined ? undefined : `${major}.${minor}`;
}

/** Of AMD's four numbers the last is a build's, and counts for nothing here. */
function isBefore(release: string, other: string): boolean {
  const [a, b] = [release, other].map((version) => version.split(".").slice(0, 3).map(Number));
  for (const at of [0, 1, 2]) {
    const difference = (a?.[at] ?? 0) - (b?.[at] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
