/** Builds the machine's disk images once and keeps them, by content, outside the checkout. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, mkdir, readFile, readdir, rename, rm, truncate, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { command } from "./command.ts";
import { layOutGuest } from "./guestRoot.ts";
import { ensureHostTools, firmware } from "./hostTools.ts";
import { type GuestPackage, guestPackages, unpackPackages } from "./packages.ts";

const here = import.meta.dirname;

/** What a start of the machine needs. All paths are absolute, and none of the files is written to afterwards. */
export interface MachineImages {
  /** `uname -r` of the guest. */
  kernelRelease: string;
  /** Build tree of that kernel on the host. */
  kernelTree: string;
  /** The guest's /lib/modules/<release>, with in-tree sfc and mtd. */
  modules: string;
  /** EFI system partition: shim, MokManager, GRUB, kernel, initramfs. */
  esp: string;
  /** Empty ext4 file system for /var/home. */
  home: string;
  /** OVMF's code, and its variables with Microsoft's keys enrolled and Secure Boot on. */
  firmware: { code: string; variables: string };
}

/** The cache's key: a hash of everything the images are made from. */
async function contentHash(kernelRelease: string, packages: GuestPackage[]): Promise<string> {
  const hash = createHash("sha256").update(JSON.stringify({ kernelRelease, packages }));
  for (const file of ["build.ts", "guestRoot.ts", "packages.ts"]) hash.update(await readFile(path.join(here, file)));
  for (const file of (await readdir(path.join(here, "guest"))).sort()) {
    hash.update(file).update(await readFile(path.join(here, "guest", file)));
  }
  return hash.digest("hex").slice(0, 16);
}

async function makeInitramfs(root: string, image: string): Promise<void> {
  const pack = 'cd "$1" && find . -print0 | sort -z | cpio --null -o -H newc -R 0:0 --quiet | gzip -9 >"$2"';
  await command("sh", ["-c", pack, "sh", root, image]);
}

/**
 * The EFI system partition. Firmware starts shim (BOOTX64.EFI), shim starts MokManager (mmx64.efi) if there is a request
 * and GRUB otherwise. `fbx64.efi` must not be there: shim would start it to make boot entries and reset.
 */
async function makeEsp(packages: string, initramfs: string, esp: string, kernelRelease: string): Promise<void> {
  await writeFile(esp, "");
  await truncate(esp, 128 * 1024 * 1024);
  await command("mformat", ["-i", esp, "-F", "::"]);
  await command("mmd", ["-i", esp, "::/EFI", "::/EFI/BOOT", "::/EFI/debian"]);
  const contents: [string, string][] = [
    [path.join(packages, "usr/lib/shim/shimx64.efi.signed"), "EFI/BOOT/BOOTX64.EFI"],
    [path.join(packages, "usr/lib/shim/mmx64.efi.signed"), "EFI/BOOT/mmx64.efi"],
    [path.join(packages, "usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed"), "EFI/BOOT/grubx64.efi"],
    // Debian's signed GRUB reads its configuration here, no matter where it was started from.
    [path.join(here, "guest/grub.cfg"), "EFI/debian/grub.cfg"],
    [path.join(packages, `boot/vmlinuz-${kernelRelease}`), "vmlinuz"],
    [initramfs, "initrd.img"],
  ];
  for (const [from, to] of contents) await command("mcopy", ["-i", esp, from, `::/${to}`]);
}

async function makeImages(packages: string, work: string, kernelRelease: string): Promise<void> {
  const root = path.join(work, "guest");
  const initramfs = path.join(work, "initrd.img");
  await mkdir(root);
  await layOutGuest(packages, root, kernelRelease);
  await makeInitramfs(root, initramfs);
  await makeEsp(packages, initramfs, path.join(work, "esp.img"), kernelRelease);
  await rename(path.join(root, "usr/lib/modules", kernelRelease), path.join(work, "modules"));
  await rm(root, { recursive: true });
  await rm(initramfs);
  const home = path.join(work, "home.img");
  await writeFile(home, "");
  await truncate(home, 64 * 1024 * 1024);
  await command("mkfs.ext4", ["-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", home]);
  await copyFile(firmware.code, path.join(work, "code.fd"));
  await copyFile(firmware.variables, path.join(work, "vars.fd"));
}

/**
 * Builds the machine unless it is built already: half a minute and 100 MB of downloads the first time.
 *
 * @throws an Error that names the host's missing packages where they can't be installed.
 */
export async function buildMachine(log: (line: string) => void): Promise<MachineImages> {
  const kernelRelease = await ensureHostTools(log);
  const packages = await guestPackages(kernelRelease);
  const cache = path.join(process.env["XDG_CACHE_HOME"] ?? path.join(os.homedir(), ".cache"), "onload-kmm/machine");
  const folder = path.join(cache, await contentHash(kernelRelease, packages));
  if (!existsSync(folder)) {
    // Made beside its place and renamed at the end: an interrupted build leaves nothing that looks finished.
    const work = `${folder}.${process.pid}`;
    await mkdir(work, { recursive: true });
    try {
      log(`machine: downloading and unpacking ${packages.length} Debian packages`);
      const unpacked = await unpackPackages(packages, path.join(work, "packages"));
      log("machine: making initramfs and EFI system partition");
      await makeImages(unpacked, work, kernelRelease);
      await rm(path.join(work, "packages"), { recursive: true });
      await rename(work, folder).catch((error: unknown) => {
        if (!existsSync(folder)) throw error;
      });
    } finally {
      await rm(work, { recursive: true, force: true });
    }
  }
  return {
    kernelRelease,
    kernelTree: `/usr/src/linux-headers-${kernelRelease}`,
    modules: path.join(folder, "modules"),
    esp: path.join(folder, "esp.img"),
    home: path.join(folder, "home.img"),
    firmware: { code: path.join(folder, "code.fd"), variables: path.join(folder, "vars.fd") },
  };
}
