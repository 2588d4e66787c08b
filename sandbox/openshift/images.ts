import { kernelFiles } from "./builder/kmodScripts.ts";
import type { ImageFile, Registry } from "./registry.ts";

/** The image with `sign-file` that KMM's generated Dockerfile copies it from (its RELATED_IMAGE_SIGN). */
export const SIGN_IMAGE = `registry.redhat.io/kmm/kernel-module-management-signing-rhel9@sha256:${"51".repeat(32)}`;
/** KMM's own worker image (its RELATED_IMAGE_WORKER). */
export const WORKER_IMAGE = `registry.redhat.io/kmm/kernel-module-management-worker-rhel9@sha256:${"30".repeat(32)}`;

/** What `oc debug node` runs: the tag `latest` of the ImageStream `tools` in `openshift`. */
const TOOLS_IMAGE = `quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:${"70".repeat(32)}`;

const DTK = "quay.io/openshift-release-dev/ocp-v4.0-art-dev@sha256:d7c";
const UBI = "registry.access.redhat.com/ubi";

/** What every UBI image has, as far as builds and KMM's worker look. */
const SHELL = ["/bin/sh", "/usr/bin/mkdir", "/usr/bin/cp", "/usr/bin/bash", "/usr/bin/sed", "/usr/bin/grep"];
const BUILD_TOOLS = [
  "gcc",
  "ld",
  "make",
  "awk",
  "tar",
  "gzip",
  "strip",
  "nproc",
  "rpm2cpio",
  "rpmbuild",
  "rpm",
  "cpio",
];
const KMOD_TOOLS = ["depmod", "modinfo", "modprobe"];

/** The Driver Toolkit has the headers and modules of one kernel, and of its real-time twin. */
function driverToolkit(kernel: string): [string, ImageFile][] {
  return [
    ...files(SHELL),
    ...files(BUILD_TOOLS.map((tool) => `/usr/bin/${tool}`)),
    ...files(KMOD_TOOLS.map((tool) => `/usr/sbin/${tool}`)),
    ...kernelFiles(kernel),
    ...kernelFiles(`${kernel}+rt`),
  ];
}

function ubi(release: string): [string, ImageFile][] {
  return [
    ...files([...SHELL, "/usr/bin/dnf", "/usr/bin/rpm"]),
    ["/etc/redhat-release", { text: `Red Hat Enterprise Linux release ${release}\n` }],
  ];
}

const files = (paths: string[]): [string, ImageFile][] => paths.map((path) => [path, {}]);

/** The images of the outside world that this sandbox has. Digests are made up, and recognisably so. */
const IMAGES: { reference: string; digest?: string; files: [string, ImageFile][] }[] = [
  { reference: `${DTK}${"570491".padStart(61, "0")}`, files: driverToolkit("5.14.0-570.49.1.el9_6.x86_64") },
  { reference: `${DTK}${"570621".padStart(61, "0")}`, files: driverToolkit("5.14.0-570.62.1.el9_6.x86_64") },
  { reference: `${UBI}9/ubi-minimal:9.6`, digest: `sha256:${"96".repeat(32)}`, files: files(SHELL) },
  { reference: `${UBI}9/ubi:9.6`, digest: `sha256:${"69".repeat(32)}`, files: ubi("9.6 (Plow)") },
  { reference: `${UBI}10/ubi:10.1`, digest: `sha256:${"10".repeat(32)}`, files: ubi("10.1 (Coughlan)") },
  { reference: SIGN_IMAGE, files: files(["/bin/sh", "/usr/bin/mkdir", "/usr/local/bin/sign-file"]) },
  { reference: TOOLS_IMAGE, files: files([...SHELL, "/usr/bin/cat"]) },
  { reference: WORKER_IMAGE, files: files(["/bin/sh", "/usr/local/bin/worker"]) },
];

/** Puts those images into the registry's records. Can be run again. */
export function preloadImages(registry: Registry): void {
  for (const { reference, digest, files: content } of IMAGES) {
    const image = { createdBy: "fixture", config: {}, files: Object.fromEntries(content) };
    registry.preload(reference, image, digest ?? reference.slice(reference.indexOf("@") + 1));
  }
}
