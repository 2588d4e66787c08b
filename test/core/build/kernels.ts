/** Kernels' names as they are in the field, and what each says: for the program's rule and for the build script's. */
import type { KernelRelease } from "../../../core/build/kernelRelease.ts";

const row = (
  name: string,
  major: number,
  minor: number | undefined,
  rest: Partial<KernelRelease> = {},
): readonly [string, KernelRelease] => {
  const [version = "", variant = ""] = name.split("+");
  const architecture = version.slice(version.lastIndexOf(".") + 1);
  const named = variant === "" ? "kernel" : `kernel-${variant}`;
  return [name, { version, package: named, architecture, major, minor, variant, ...rest }];
};

const rt = { package: "kernel-rt", variant: "rt" };

export const rhelKernels: readonly (readonly [string, KernelRelease])[] = [
  // OpenShift 4.19, 4.16, 4.12, 4.20 and later.
  row("5.14.0-570.49.1.el9_6.x86_64", 9, 6),
  row("5.14.0-427.13.1.el9_4.x86_64", 9, 4),
  row("4.18.0-372.46.1.el8_6.x86_64", 8, 6),
  row("6.12.0-55.9.1.el10_0.x86_64", 10, 0),
  row("6.12.0-124.8.1.el10_1.x86_64", 10, 1),
  row("6.12.0-124.8.1.el10_1.aarch64", 10, 1),
  // Variants since RHEL 9.3 are built from the kernel's own source.
  row("5.14.0-362.8.1.el9_3.x86_64+rt", 9, 3),
  row("5.14.0-570.49.1.el9_6.x86_64+debug", 9, 6),
  row("5.14.0-570.49.1.el9_6.x86_64+rt-debug", 9, 6),
  row("5.14.0-284.41.1.el9_2.aarch64+64k", 9, 2),
  row("6.12.0-124.8.1.el10_1.aarch64+64k", 10, 1),
  row("6.12.0-124.8.1.el10_1.aarch64+64k-debug", 10, 1),
  row("6.12.0-124.8.1.el10_1.x86_64+rt", 10, 1),
  // The real-time kernel until then.
  row("5.14.0-284.11.1.rt14.296.el9_2.x86_64", 9, 2, rt),
  row("5.14.0-70.13.1.rt21.83.el9_0.x86_64", 9, 0, rt),
  row("4.18.0-513.5.1.rt7.307.el8_9.x86_64", 8, 9, rt),
  row("5.14.0-284.11.1.rt14.296.el9_2.x86_64+debug", 9, 2, { package: "kernel-rt-debug", variant: "rt-debug" }),
  // A hotfix, and a minor version of two digits.
  row("5.14.0-427.13.1.el9_4.bz1234567.x86_64", 9, 4),
  row("4.18.0-553.16.1.el8_10.x86_64", 8, 10),
  // CentOS Stream.
  row("5.14.0-592.el9.x86_64", 9, undefined),
  row("6.12.0-100.el10.aarch64", 10, undefined),
];

/** No RHEL kernels. */
export const otherKernels = [
  "6.1.0-56-amd64",
  "6.8.5-301.fc40.x86_64",
  "5.15.0-206.153.7.el9uek.x86_64",
  "5.14.0-570.49.1.el9_6",
  "5.14.0-570.49.1.el9_6.x86_64+",
  "",
];
