import { createHash } from "node:crypto";
import { posix } from "node:path";
import type { ImageFile } from "../registry.ts";
import { below, exists, type Files } from "./files.ts";
import { readSourceRpm, type SourceRpm } from "./srpm.ts";

/** What a command gets to work on, and where it says something. */
export interface Workspace {
  files: Files;
  /** Secrets and ConfigMaps mounted for RUN: absolute path → content. */
  mounts: ReadonlyMap<string, Buffer>;
  say: (line: string) => void;
}

/** A command that ended with an exit code other than 0, after it said why. */
export class CommandFailure extends Error {
  override name = "CommandFailure";
  readonly code: number;

  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

/** Onload's modules: size in bytes after `strip -g` (measured with 9.0.2) and what each needs. */
const MODULES: Record<string, { size: number; depends: string[] }> = {
  sfc: { size: 1_200_000, depends: ["mtd"] },
  sfc_resource: { size: 570_000, depends: [] },
  sfc_char: { size: 210_000, depends: ["sfc_resource"] },
  onload: { size: 1_690_000, depends: ["sfc_resource", "sfc_char"] },
};

/** What build-kmod.sh looks for before it starts. */
const TOOLS = ["bash", "gcc", "ld", "make", "awk", "sed", "grep", "tar", "gzip", "strip", "nproc", "depmod", "modinfo"];
const UNPACKERS = ["rpm2cpio", "bsdtar", "rpm"];

/** Plays the contract in the header of assets/build-kmod.sh: `build-kmod.sh KERNEL OUTPUT_ROOT`. */
export async function buildKmod(script: string, args: string[], workspace: Workspace): Promise<void> {
  const fail = failing("build-kmod", 1);
  const [kernel = "", output = ""] = args;
  if (args.length !== 2)
    throw failing("build-kmod", 2)(`expected KERNEL and OUTPUT_ROOT, found ${args.length} arguments`);
  if (kernel === "") {
    throw failing("build-kmod", 2)("KERNEL is empty: does the Dockerfile stage declare ARG KERNEL_FULL_VERSION?");
  }
  const { files, say } = workspace;
  const missing = TOOLS.filter((tool) => !hasTool(files, tool));
  if (missing.length > 0) throw fail(`missing tools: ${missing.join(" ")}; install them`);
  if (!UNPACKERS.some((tool) => hasTool(files, tool)))
    throw fail("missing tools: rpm2cpio and cpio, or bsdtar, or rpm");
  const rpm = await openRpm(posix.dirname(script), files, fail);
  const tree = `/usr/src/kernels/${kernel}`;
  if (!exists(files, tree)) throw fail(`no kernel tree for ${kernel} in /usr/src; install kernel-devel-${kernel}`);
  if (!exists(files, `/lib/modules/${kernel}/kernel`))
    throw fail(`no modules of kernel ${kernel}; install kernel-modules-${kernel}`);
  say(`build-kmod: building ${rpm.name} for kernel ${kernel} with ${tree}`);
  publish({ kernel, rpm, directory: `${output}/lib/modules/${kernel}` }, workspace);
}

async function openRpm(directory: string, files: Files, fail: (message: string) => Error): Promise<SourceRpm> {
  const found = below(files, directory).filter(
    (path) => posix.dirname(path) === directory && path.endsWith(".src.rpm"),
  );
  const [path] = found;
  if (path === undefined || found.length > 1)
    throw fail(`expected exactly one *.src.rpm in ${directory}; name it with --srpm FILE`);
  try {
    return await readSourceRpm(files.get(path)?.source ?? "");
  } catch (error) {
    throw fail(`${path}: ${(error as Error).message}`);
  }
}

function publish(build: { kernel: string; rpm: SourceRpm; directory: string }, { files, say }: Workspace): void {
  const { kernel, rpm, directory } = build;
  for (const [module, { size, depends }] of Object.entries(MODULES)) {
    const version = module === "sfc" ? rpm.driverVersion : rpm.version;
    const sha256 = createHash("sha256").update(`${module} ${version} ${kernel} ${rpm.name}`).digest("hex");
    const path = `${directory}/extra/${module}.ko`;
    files.set(path, { kind: "kmod", size, sha256, module, kernel, version, depends });
    say(`build-kmod: built ${path} version ${version} sha256 ${sha256}`);
  }
  files.set(`${directory}/kernel`, { kind: "link", target: `/lib/modules/${kernel}/kernel` });
  const index = Object.entries(MODULES).map(
    ([module, { depends }]) => `extra/${module}.ko: ${depends.map(indexed).join(" ")}`,
  );
  files.set(`${directory}/modules.dep`, { text: `${index.join("\n")}\n` });
}

const indexed = (module: string): string => (module === "mtd" ? "kernel/drivers/mtd/mtd.ko.xz" : `extra/${module}.ko`);

/** Plays assets/entitled-packages.sh: `entitled-packages.sh KERNEL`. Any mounted `*-key.pem` counts as entitled. */
export function entitledPackages(args: string[], { files, mounts, say }: Workspace): void {
  const [kernel = ""] = args;
  const fail = failing("entitled-packages", 1);
  if (args.length !== 1 || kernel === "") throw failing("entitled-packages", 2)("usage: entitled-packages.sh KERNEL");
  if (!hasTool(files, "dnf")) throw fail("dnf: not found");
  const secret = "/run/secrets/etc-pki-entitlement/";
  if (![...mounts.keys()].some((path) => path.startsWith(secret) && path.endsWith("-key.pem"))) {
    throw fail(`no *-key.pem in ${secret.slice(0, -1)}`);
  }
  const release = releaseOf(kernel);
  if (release === undefined) {
    throw fail(`KERNEL "${kernel}" is not a kernel of a RHEL minor version: no .el<major>_<minor> in it`);
  }
  say(`entitled-packages: installing the tools and the devel package of ${kernel} from RHEL ${release}`);
  const installed = releaseFile(files);
  // The C library's headers are of the release that the compiler is of, and the library is the image's.
  if (!installed.includes(` release ${release} `)) {
    throw fail(`dnf cannot install gcc from RHEL ${release} into "${installed}": glibc-devel requires another glibc`);
  }
  for (const tool of [...TOOLS, "rpm2cpio", "cpio"]) files.set(`/usr/bin/${tool}`, {});
  for (const [path, file] of kernelFiles(kernel)) files.set(path, file);
}

/** RHEL's major and minor version. */
const releaseOf = (kernel: string): string | undefined => /\.el(\d+_\d+)\./.exec(kernel)?.[1]?.replace("_", ".");

const releaseFile = (files: Files): string => files.get("/etc/redhat-release")?.text?.trim() ?? "";

/** The files of kernel-devel and kernel-modules that a build looks for. */
export function kernelFiles(kernel: string): [string, ImageFile][] {
  return [
    [`/usr/src/kernels/${kernel}/Makefile`, {}],
    [`/usr/src/kernels/${kernel}/include/generated/utsrelease.h`, { text: `#define UTS_RELEASE "${kernel}"\n` }],
    [`/lib/modules/${kernel}/kernel/drivers/mtd/mtd.ko.xz`, {}],
    [`/lib/modules/${kernel}/kernel/drivers/net/ethernet/sfc/sfc.ko.xz`, {}],
  ];
}

const hasTool = (files: Files, tool: string): boolean =>
  ["/usr/bin/", "/bin/", "/usr/sbin/", "/usr/local/bin/"].some((directory) => files.has(directory + tool));

function failing(program: string, code: number): (message: string) => CommandFailure {
  return (message) => new CommandFailure(code, `${program}: error: ${message}`);
}
