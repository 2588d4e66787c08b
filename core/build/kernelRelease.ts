import type { Strategy } from "../configuration/choices.ts";

/** What `uname -r` tells of a RHEL kernel. */
export interface KernelRelease {
  /** Version, release and architecture of its packages: `5.14.0-570.49.1.el9_6.x86_64`. */
  readonly version: string;
  /** `kernel`, `kernel-rt`, `kernel-64k-debug`: what its packages' names begin with. */
  readonly package: string;
  /** As RPM spells it: `x86_64`, `aarch64`. */
  readonly architecture: string;
  /** RHEL's major version. */
  readonly major: number;
  /** RHEL's minor version; undefined for CentOS Stream, which has none. */
  readonly minor: number | undefined;
  /** `rt`, `64k`, `debug`, `rt-debug`, …; empty for the plain kernel. */
  readonly variant: string;
}

const form =
  /^(?<version>\d+\.\d+\.\d+-[\w.]*?(?<rt>\.rt\d+\.[\w.]*?)?\.el(?<major>\d+)(?:_(?<minor>\d+))?(?:\.\w+)*?\.(?<architecture>x86_64|aarch64|ppc64le|s390x))(?:\+(?<suffix>[a-z0-9-]+))?$/;

/** Characters of the longest name that Linux has room for (`__NEW_UTS_LEN`): the expression takes time for longer ones. */
const longestName = 64;

/**
 * Reads a RHEL kernel's name; undefined for another distribution's. Variants stand behind a plus sign, and their packages are
 * `kernel-<variant>-…` of the same version (RHEL's kernel.spec, `%{KVERREL}+%{variant}`; openshift/driver-toolkit#140 for 64k).
 * Up to RHEL 9.2 the real-time kernel was a source package of its own, and has `rt` in its release in the place of the plus sign:
 * `5.14.0-284.11.1.rt14.296.el9_2.x86_64` is of kernel-rt, `…+debug` of kernel-rt-debug. assets/entitled-packages.sh has the
 * same rule.
 */
export function kernelRelease(kernel: string): KernelRelease | undefined {
  const found = kernel.length > longestName ? undefined : form.exec(kernel)?.groups;
  if (found === undefined) return undefined;
  const { version = "", rt, major, minor, architecture = "", suffix } = found;
  const variant = [rt === undefined ? "" : "rt", suffix ?? ""].filter((part) => part !== "").join("-");
  return {
    version,
    package: variant === "" ? "kernel" : `kernel-${variant}`,
    architecture,
    major: Number(major),
    minor: minor === undefined ? undefined : Number(minor),
    variant,
  };
}

/** The architecture as Kubernetes spells it, in the label `kubernetes.io/arch`; undefined where the kernel's name has none. */
export const kubernetesArchitecture = (kernel: string): string | undefined =>
  Object.entries({ x86_64: "amd64", aarch64: "arm64" }).find(([name]) =>
    new RegExp(`\\.${name}(\\+|$)`).test(kernel),
  )?.[1];

/**
 * The UBI image of the kernel's own RHEL: with another minor version's C library the compiler of this one can't be installed,
 * and with another major version's compiler the kernel's own build files can't be used.
 */
export function ubiImage(kernel: string): string | undefined {
  const { major, minor } = kernelRelease(kernel) ?? {};
  if (major === undefined || minor === undefined) return undefined;
  return `registry.access.redhat.com/ubi${major}/ubi:${major}.${minor}`;
}

/** Majors of RHEL for which Red Hat makes UBI, and OpenOnload still has a build. */
const ubiMajors = [8, 9, 10];

/** Variants that have a `-devel` package; those that have one in the Driver Toolkit, by architecture. */
const packaged = ["", "rt", "64k", "debug", "rt-debug", "64k-debug", "rt-64k", "rt-64k-debug"];
const inToolkit: Readonly<Record<string, readonly string[]>> = { x86_64: ["", "rt"], aarch64: ["", "64k"] };

/** Why no modules can be built for this kernel; undefined when they can, or when only the build can tell. */
export function kernelProblem(kernel: string, strategy: Strategy): string | undefined {
  const release = kernelRelease(kernel);
  if (release !== undefined && !(release.architecture in inToolkit)) {
    return `OpenOnload isn't built for ${release.architecture}`;
  }
  return strategy === "entitled-ubi" ? withoutPackages(release) : withoutToolkit(release);
}

const useToolkit = "set onload-kmm:build.strategy to driver-toolkit";

function withoutPackages(release: KernelRelease | undefined): string | undefined {
  if (release === undefined)
    return `its name isn't of a RHEL kernel, and Red Hat's repositories have no other; ${useToolkit}`;
  const { major, minor, variant } = release;
  if (minor === undefined)
    return `it is of CentOS Stream, and Red Hat's repositories have no packages of it; ${useToolkit}`;
  if (!ubiMajors.includes(major)) return `there is no UBI of RHEL ${major}; ${useToolkit}`;
  if (packaged.includes(variant)) return undefined;
  return `the variant ${variant} isn't known, nor the name of its packages; boot the node with another kernel`;
}

function withoutToolkit(release: KernelRelease | undefined): string | undefined {
  if (release === undefined) return undefined;
  const { architecture, variant } = release;
  if (inToolkit[architecture]?.includes(variant) === true) return undefined;
  return `the Driver Toolkit for ${architecture} has no ${release.package}-devel; set onload-kmm:build.strategy to entitled-ubi`;
}

/** What may keep the build from working, and only Red Hat's repositories can tell. */
export function kernelDoubt(kernel: string, strategy: Strategy): string | undefined {
  const release = kernelRelease(kernel);
  if (strategy !== "entitled-ubi" || release?.variant.startsWith("rt") !== true) return undefined;
  return (
    `${release.package}-devel-${release.version} comes from RHEL's repository for real time, which not every subscription has; ` +
    "the Driver Toolkit has it without one"
  );
}
