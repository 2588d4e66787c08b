/** Lays out the guest's root file system (its initramfs) from unpacked Debian packages and the files in guest/. */
import { existsSync } from "node:fs";
import { chmod, copyFile, cp, mkdir, readFile, readdir, realpath, symlink } from "node:fs/promises";
import path from "node:path";
import { command } from "./command.ts";

const here = import.meta.dirname;

/** Programs beside busybox's, as paths in the packages. */
const programs = [
  "usr/bin/busybox",
  "usr/bin/mokutil",
  "usr/bin/efibootmgr",
  "usr/bin/keyctl",
  "usr/bin/dash",
  "usr/bin/kmod",
  "usr/bin/sudo",
  "usr/sbin/sshd",
  "usr/sbin/ethtool",
  "usr/lib/openssh/sftp-server",
];

/** kmod's own modprobe & co. take the place of busybox's: they know softdeps, `modinfo -F signer` and overrides. */
const kmodNames = ["modprobe", "insmod", "rmmod", "lsmod", "modinfo", "depmod"];

/** Kernel modules that the boot needs, and the in-tree Solarflare driver with the mtd that both drivers depend on. */
const kernelModules = [
  ...["crc32c_generic", "efivarfs", "virtio_pci", "virtio_blk", "virtio_net", "virtio_rng", "ext4", "qemu_fw_cfg"],
  ...["sfc", "mtd"],
];

/** guest/NAME → its place and mode in the guest. */
const files: { name: string; to: string; mode: number }[] = [
  { name: "inittab", to: "etc/inittab", mode: 0o644 },
  { name: "boot", to: "etc/rc.boot", mode: 0o755 },
  { name: "shutdown", to: "etc/rc.shutdown", mode: 0o755 },
  { name: "systemctl", to: "usr/bin/systemctl", mode: 0o755 },
  { name: "systemd-run", to: "usr/bin/systemd-run", mode: 0o755 },
  { name: "sshd_config", to: "etc/ssh/sshd_config", mode: 0o644 },
  { name: "sudoers", to: "etc/sudoers", mode: 0o440 },
  { name: "pam", to: "etc/pam.d/sudo", mode: 0o644 },
  { name: "passwd", to: "etc/passwd", mode: 0o644 },
  { name: "shadow", to: "etc/shadow", mode: 0o600 },
  { name: "group", to: "etc/group", mode: 0o644 },
  { name: "hosts", to: "etc/hosts", mode: 0o644 },
  { name: "nsswitch.conf", to: "etc/nsswitch.conf", mode: 0o644 },
];

const mountPoints = ["proc", "sys", "dev", "run", "tmp", "root", "var/home", "var/log", "var/tmp"];

/** /bin, /sbin, /lib and /lib64 are links into /usr, as on RHCOS and Debian. */
export async function layOutUsr(root: string): Promise<void> {
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    await mkdir(path.join(root, "usr", name), { recursive: true });
    await symlink(path.join("usr", name), path.join(root, name));
  }
}

async function install(packages: string, root: string, file: string): Promise<void> {
  const target = path.join(root, file);
  await mkdir(path.dirname(target), { recursive: true });
  await copyFile(await realpath(path.join(packages, file)), target);
}

const libraryFolders = ["usr/lib/x86_64-linux-gnu", "usr/lib64", "usr/lib/sudo", "usr/libexec/sudo"];

/** Copies what `file` is linked with, and what that is linked with, from the packages. */
async function installLibraries(packages: string, root: string, file: string): Promise<void> {
  const headers = await command("objdump", ["-p", path.join(root, file)]);
  for (const [, name] of headers.matchAll(/^\s+NEEDED\s+(\S+)/gm)) {
    const library = libraryFolders.map((f) => path.join(f, name ?? "")).find((f) => existsSync(path.join(packages, f)));
    if (library === undefined) throw new Error(`${file} needs ${name ?? "?"}, which none of the guest's packages has`);
    if (existsSync(path.join(root, library))) continue;
    await install(packages, root, library);
    await installLibraries(packages, root, library);
  }
}

async function installPrograms(packages: string, root: string): Promise<void> {
  await install(packages, root, "usr/lib64/ld-linux-x86-64.so.2");
  await cp(path.join(packages, "usr/libexec/sudo"), path.join(root, "usr/libexec/sudo"), {
    recursive: true,
    verbatimSymlinks: true,
  });
  await install(packages, root, "usr/lib/x86_64-linux-gnu/security/pam_permit.so");
  const plugins = (await readdir(path.join(root, "usr/libexec/sudo"))).filter((f) => f.endsWith(".so"));
  for (const program of programs) await install(packages, root, program);
  for (const file of [
    ...programs,
    ...plugins.map((f) => `usr/libexec/sudo/${f}`),
    "usr/lib/x86_64-linux-gnu/security/pam_permit.so",
  ]) {
    await installLibraries(packages, root, file);
  }
  await chmod(path.join(root, "usr/bin/sudo"), 0o4755);
}

async function installBusybox(packages: string, root: string): Promise<void> {
  const busybox = path.join(packages, "usr/bin/busybox");
  for (const name of kmodNames) await symlink("../bin/kmod", path.join(root, "usr/sbin", name));
  for (const applet of (await command(busybox, ["--list"])).split("\n").filter(Boolean)) {
    const taken = ["usr/bin", "usr/sbin"].some((folder) => existsSync(path.join(root, folder, applet)));
    if (!taken) await symlink("busybox", path.join(root, "usr/bin", applet));
  }
  await symlink("../bin/getty", path.join(root, "usr/sbin/getty"));
  await symlink("usr/bin/busybox", path.join(root, "init"));
}

/** Paths (relative to the kernel's module directory) of the modules and all they depend on, from modules.dep. */
function moduleClosure(modulesDep: string, names: string[]): string[] {
  const dependencies = new Map(
    modulesDep
      .split("\n")
      .filter(Boolean)
      .map((line) => {
        const [file = "", rest = ""] = line.split(":");
        return [file, rest.split(" ").filter(Boolean)] as const;
      }),
  );
  const moduleName = (file: string) =>
    path
      .basename(file)
      .replace(/\.ko.*$/, "")
      .replaceAll("-", "_");
  const closure = new Set<string>();
  const visit = (file: string): void => {
    if (closure.has(file)) return;
    closure.add(file);
    for (const next of dependencies.get(file) ?? []) visit(next);
  };
  for (const file of dependencies.keys()) if (names.includes(moduleName(file))) visit(file);
  return [...closure];
}

async function installKernelModules(packages: string, root: string, kernelRelease: string): Promise<void> {
  const folder = path.join("usr/lib/modules", kernelRelease);
  await command("depmod", ["-b", packages, kernelRelease]);
  const modulesDep = await readFile(path.join(packages, folder, "modules.dep"), "utf8");
  const indexes = ["modules.order", "modules.builtin", "modules.builtin.modinfo"];
  for (const file of [...moduleClosure(modulesDep, kernelModules), ...indexes]) {
    await install(packages, root, path.join(folder, file));
  }
  await command("depmod", ["-b", root, kernelRelease]);
}

/** Lays out the guest's root in the empty folder `root`, from the packages unpacked in `packages`. */
export async function layOutGuest(packages: string, root: string, kernelRelease: string): Promise<void> {
  await layOutUsr(root);
  for (const folder of mountPoints) await mkdir(path.join(root, folder), { recursive: true });
  await installPrograms(packages, root);
  await installBusybox(packages, root);
  await installKernelModules(packages, root, kernelRelease);
  for (const { name, to, mode } of files) {
    await mkdir(path.dirname(path.join(root, to)), { recursive: true });
    await copyFile(path.join(here, "guest", name), path.join(root, to));
    await chmod(path.join(root, to), mode);
  }
}
