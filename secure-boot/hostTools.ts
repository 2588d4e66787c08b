/** The programs and packages of the host that the machine is built and run with. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import { command, isInstalled } from "./command.ts";

const aptGet = join(projectRoot, "scripts/aptGet.sh");

/** What must be there (a program on PATH, or a file), and the Debian package that has it. */
interface Requirement {
  package: string;
  program?: string;
  file?: string;
}

const required: Requirement[] = [
  { package: "qemu-system-x86", program: "qemu-system-x86_64" },
  { package: "ovmf", file: "/usr/share/OVMF/OVMF_VARS_4M.ms.fd" },
  { package: "mtools", program: "mformat" },
  { package: "cpio", program: "cpio" },
  { package: "rpm2cpio", program: "rpm2cpio" },
  { package: "kmod", program: "depmod" },
  { package: "e2fsprogs", program: "mkfs.ext4" },
  { package: "openssl", program: "openssl" },
  { package: "openssh-client", program: "ssh-keygen" },
  { package: "binutils", program: "objdump" },
  { package: "gcc", program: "gcc" },
  { package: "make", program: "make" },
];

/** OVMF built with SMM and Secure Boot, and its variable store with Microsoft's keys enrolled (Debian's `ovmf`). */
export const firmware = {
  code: "/usr/share/OVMF/OVMF_CODE_4M.ms.fd",
  variables: "/usr/share/OVMF/OVMF_VARS_4M.ms.fd",
};

/** The machine can't be set up on this host. Then nothing was tested, which is no pass. */
export class NotRun extends Error {}

async function missingPackages(kernelRelease: string): Promise<string[]> {
  const headers: Requirement = {
    package: `linux-headers-${kernelRelease}`,
    file: `/usr/src/linux-headers-${kernelRelease}/Makefile`,
  };
  const missing: string[] = [];
  for (const need of [...required, headers]) {
    const found = need.file === undefined ? await isInstalled(need.program ?? "") : existsSync(need.file);
    if (!found) missing.push(need.package);
  }
  return missing;
}

/** `6.1.0-56-amd64`: the newest signed kernel that the host's Debian offers. */
export async function debianKernelRelease(): Promise<string> {
  const depends = await command("apt-cache", ["depends", "linux-image-amd64"]);
  const release = /Depends: linux-image-(\S+)/.exec(depends)?.[1];
  if (release === undefined)
    throw new NotRun("apt-cache knows no linux-image-amd64: run `apt-get update` on Debian/amd64");
  return release;
}

/** Makes the package lists usable; on a fresh container image they are empty. */
async function ensurePackageLists(log: (line: string) => void): Promise<void> {
  if (!(await isInstalled("apt-get"))) {
    throw new NotRun(
      "they need Debian's packages (signed shim, MokManager, GRUB, kernel), and apt-get is not installed",
    );
  }
  const known = await debianKernelRelease().then(
    () => true,
    () => false,
  );
  if (known) return;
  if (process.getuid?.() !== 0) throw new NotRun("apt's package lists are empty; run `sudo apt-get update` once");
  log("apt-get update");
  await command(aptGet, ["update"]);
}

/**
 * Makes sure that everything is installed: as root on Debian with apt-get, otherwise with one error that names what is missing.
 * Returns the release of the guest's kernel, whose headers are then on the host too.
 */
export async function ensureHostTools(log: (line: string) => void): Promise<string> {
  await ensurePackageLists(log);
  const kernelRelease = await debianKernelRelease();
  const missing = await missingPackages(kernelRelease);
  if (missing.length === 0) return kernelRelease;
  if (process.getuid?.() !== 0) {
    throw new NotRun(`missing on this host: ${missing.join(", ")}; run \`sudo apt-get install ${missing.join(" ")}\``);
  }
  log(`apt-get install ${missing.join(" ")}`);
  await command(aptGet, ["install", "-y", "--no-install-recommends", ...missing]);
  return kernelRelease;
}
