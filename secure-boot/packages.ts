/** The guest's Debian packages: which ones, in which versions, downloaded and unpacked (never installed). */
import { mkdir, readdir } from "node:fs/promises";
import path from "node:path";
import { command } from "./command.ts";
import { layOutUsr } from "./guestRoot.ts";

/** What the guest runs. Their libraries are found by asking apt what an empty system would need. */
function wanted(kernelRelease: string): string[] {
  return [
    "shim-signed",
    "shim-helpers-amd64-signed",
    "grub-efi-amd64-signed",
    `linux-image-${kernelRelease}`,
    "mokutil",
    "efibootmgr",
    "keyutils",
    "busybox",
    "dash",
    "openssh-server",
    "openssh-sftp-server",
    "sudo",
    "kmod",
    "ethtool",
  ];
}

/** One package as apt would fetch it. */
export interface GuestPackage {
  name: string;
  version: string;
}

/**
 * The packages to unpack: the wanted ones and, of what they depend on, the libraries. The rest (perl, debconf, a service
 * manager…) serves installation scripts that never run here.
 */
export async function guestPackages(kernelRelease: string): Promise<GuestPackage[]> {
  const leaves = new Set(wanted(kernelRelease));
  const plan = await command("apt-get", [
    "-s",
    ...["-o", "Dir::State::status=/dev/null"],
    ...["-o", "APT::Get::AllowUnauthenticated=false"],
    "--no-install-recommends",
    "install",
    ...leaves,
  ]);
  const packages = [...plan.matchAll(/^Inst (\S+) \((\S+)/gm)].map((m) => ({ name: m[1] ?? "", version: m[2] ?? "" }));
  return packages.filter(({ name }) => leaves.has(name) || /^(lib(?!perl)|zlib1g)/.test(name));
}

/** Downloads the packages into `directory`/debs and unpacks them all into `directory`/root. Returns the latter. */
export async function unpackPackages(packages: GuestPackage[], directory: string): Promise<string> {
  const debs = path.join(directory, "debs");
  const root = path.join(directory, "root");
  await mkdir(debs, { recursive: true });
  await mkdir(root, { recursive: true });
  // apt's own sandbox user can't write into a home directory; the packages are still verified.
  await command(
    "apt-get",
    ["-qq", "-o", "APT::Sandbox::User=root", "download", ...packages.map((p) => `${p.name}=${p.version}`)],
    { cwd: debs },
  );
  await layOutUsr(root);
  // `dpkg-deb -x` would replace the links /bin, /lib… by folders.
  const unpack = 'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"';
  for (const deb of await readdir(debs)) await command("sh", ["-c", unpack, "sh", path.join(debs, deb), root]);
  return root;
}
