/** The demonstration's kernel modules, built by assets/build-kmod.sh for the machine's kernel, in differently signed copies. */
import { cp, mkdir, readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { makeRelease } from "@onload-kmm/sandbox/release/makeRelease";
import { openRelease } from "../../steps/build/releasePackage.ts";
import type { MachineImages } from "@onload-kmm/secure-boot/build";
import { command } from "@onload-kmm/secure-boot/command";
import type { Machine } from "@onload-kmm/secure-boot/machine";
import { type SigningPair, signModule } from "@onload-kmm/secure-boot/signing";
import type { SshResult } from "@onload-kmm/secure-boot/ssh";

const script = path.join(import.meta.dirname, "../../assets/build-kmod.sh");

/** Builds the modules into `directory`/opt, as they are laid out in a kmod image below /opt. Returns that folder. */
export async function buildModules(images: MachineImages, directory: string): Promise<string> {
  const release = await openRelease(await makeRelease(directory));
  const srpm = path.join(directory, release.srpmName);
  await writeFile(srpm, release.srpm);
  const root = path.join(directory, "opt");
  await command("sh", [
    ...[script, "--srpm", srpm, "--kernel-tree", images.kernelTree, "--host-modules", images.modules],
    ...["--work", path.join(directory, "work"), images.kernelRelease, root],
  ]);
  return root;
}

/** Copies a built tree to `to` and signs all its modules, if a pair is given. */
export async function signedCopy(images: MachineImages, from: string, to: string, pair?: SigningPair): Promise<void> {
  await mkdir(to, { recursive: true });
  await cp(from, to, { recursive: true, verbatimSymlinks: true });
  const extra = path.join(to, "lib/modules", images.kernelRelease, "extra");
  if (pair === undefined) return;
  for (const module of await readdir(extra)) await signModule(images.kernelTree, pair, path.join(extra, module));
}

/** Brings the folders of `directory` onto the machine, into core's home. */
export async function sendFolders(machine: Machine, directory: string, names: string[]): Promise<void> {
  const archive = path.join(directory, "modules.tar");
  await command("tar", ["-C", directory, "-cf", archive, ...names]);
  const { code, stderr } = await machine.run("tar -xf -", await readFile(archive));
  if (code !== 0) throw new Error(`tar on the machine: ${stderr}`);
}

/** Loads the modules as KMM's worker does: in-tree sfc out, then onload and sfc from the image's tree. */
export async function loadModules(machine: Machine, tree: string): Promise<SshResult> {
  const modprobe = `modprobe -d "$HOME/${tree}"`;
  return machine.run(`sudo modprobe -r sfc; sudo ${modprobe} onload && sudo ${modprobe} sfc`);
}

/** Unloads all four again; one that is already gone as another's dependency is no error. */
export async function unloadModules(machine: Machine, tree: string): Promise<SshResult> {
  return machine.run(
    `for module in onload sfc sfc_char sfc_resource; do sudo modprobe -r -d "$HOME/${tree}" $module || exit 1; done`,
  );
}
