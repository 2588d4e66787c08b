/** What the tests of build-kmod.sh have in common. */
import { chmod, mkdir, readdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { sourceRpm } from "@onload-kmm/sandbox/release/rpm";
import { run, type Ended } from "./run.ts";

/** The script under test. */
export const script = join(import.meta.dirname, "..", "..", "assets", "build-kmod.sh");

/** Runs the script by `shell` (Debian's sh is dash). */
export const buildKmod = (args: readonly string[], env: Record<string, string> = {}, shell = "sh"): Promise<Ended> =>
  run(shell, [script, ...args], env);

/**
 * A source RPM whose scripts/onload_build is the given shell text, run with the kernel's name as $kernel in the
 * top directory, in place of a build of minutes.
 */
export async function scriptedSrpm(path: string, build: string): Promise<string> {
  const archive = pack();
  const whole = buffer(archive);
  const text = `#!/bin/sh\nset -eu\nkernel=$3\nout=build/x86_64_linux-$kernel/driver/linux\nmkdir -p "$out"\n${build}\n`;
  archive.entry({ name: "onload-0.0.1/scripts/onload_build", mode: 0o755 }, text);
  archive.finalize();
  const files = [
    { name: "onload-0.0.1.tgz", data: gzipSync(await whole), mode: 0o644 },
    { name: "openonload.spec", data: Buffer.from("Name: onload\n"), mode: 0o644 },
  ];
  const names = { name: "onload", version: "0.0.1", release: "1", summary: "s", description: "d", license: "MIT" };
  await writeFile(path, sourceRpm({ ...names, time: 0, specFile: "openonload.spec", files }));
  return path;
}

/** A PATH on which the named programs are missing, and those in `instead` (name → shell text) are ours. */
export async function pathWithout(
  directory: string,
  missing: readonly string[],
  instead: Readonly<Record<string, string>> = {},
): Promise<string> {
  await mkdir(directory, { recursive: true });
  for (const [name, text] of Object.entries(instead)) {
    await writeFile(join(directory, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(directory, name), 0o755);
  }
  for (const name of await readdir("/usr/bin")) {
    if (missing.includes(name) || name in instead) continue;
    await symlink(join("/usr/bin", name), join(directory, name));
  }
  return directory;
}
