/** What tests that build kernel modules for real need from Debian: programs, a kernel's headers, its modules. */
import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { homedir, release as runningKernel, tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { projectRoot } from "@onload-kmm/sandbox/paths";

const execute = promisify(execFile);

/** A kernel to build for. */
export interface TestKernel {
  /** As `uname -r` would say: never this machine's own. */
  readonly release: string;
  /** Its build tree. */
  readonly tree: string;
  /** What /lib/modules/<release> is on a node, as far as Solarflare's drivers are concerned: in-tree sfc and mtd. */
  readonly modules: string;
}

/** Program → Debian packages that it needs. */
const packages: Readonly<Record<string, string>> = {
  bsdtar: "libarchive-tools",
  // A page without a font is empty.
  chromium: "chromium fonts-dejavu-core",
  cpio: "cpio",
  depmod: "kmod",
  gcc: "gcc",
  make: "make",
  readelf: "binutils",
  rpm: "rpm",
  rpm2cpio: "rpm2cpio",
  sshd: "openssh-server",
};

/** Makes sure that the programs are there: as root on Debian by apt-get, else by an error that names the packages. */
export async function ensurePrograms(...programs: (keyof typeof packages)[]): Promise<void> {
  const missing = programs.filter((program) =>
    ["/usr/bin", "/usr/sbin", "/bin", "/sbin"].every((folder) => !existsSync(join(folder, program))),
  );
  await install(missing.flatMap((program) => (packages[program] ?? program).split(" ")));
}

/** Headers and modules of a kernel that isn't the running one; the first call downloads them (70 MB, kept in the cache). */
export async function testKernel(): Promise<TestKernel> {
  await ensurePrograms("gcc", "make", "depmod", "readelf", "cpio", "rpm2cpio");
  const release = await otherKernel();
  const tree = `/usr/src/linux-headers-${release}`;
  if (!existsSync(join(tree, "Makefile"))) await install([`linux-headers-${release}`]);
  return { release, tree, modules: await kernelModules(release) };
}

/** The newest kernel of Debian's, or its real-time variant where the newest is the running one. */
async function otherKernel(): Promise<string> {
  for (const name of ["linux-image-amd64", "linux-image-rt-amd64"]) {
    const release = (await dependency(name)) ?? (await refreshed(name));
    if (release !== undefined && release !== runningKernel()) return release;
  }
  throw new Error("apt-cache knows no linux-image-amd64: this test needs Debian on amd64; run `sudo apt-get update`");
}

async function dependency(name: string): Promise<string | undefined> {
  const { stdout } = await execute("apt-cache", ["depends", name]).catch(() => ({ stdout: "" }));
  return /Depends: linux-image-(\S+)/.exec(stdout)?.[1];
}

/** On a fresh machine apt's lists are empty. */
async function refreshed(name: string): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  await aptGet("update");
  return dependency(name);
}

async function install(names: readonly string[]): Promise<void> {
  if (names.length === 0) return;
  if (process.getuid?.() !== 0) {
    throw new Error(`missing on this machine: ${names.join(", ")}; run \`sudo apt-get install ${names.join(" ")}\``);
  }
  await aptGet("install", "-y", "--no-install-recommends", ...names).catch(async () => {
    await aptGet("update");
    await aptGet("install", "-y", "--no-install-recommends", ...names);
  });
}

async function aptGet(...args: readonly string[]): Promise<void> {
  await execute(join(projectRoot, "scripts/aptGet.sh"), args, { maxBuffer: 16 * 1024 * 1024 });
}

/** Unpacks, without installing a kernel, what depmod must see of it. */
async function kernelModules(release: string): Promise<string> {
  const cache = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "onload-kmm", "test");
  const unpacked = join(cache, `linux-image-${release}`);
  const modules = join(unpacked, "lib", "modules", release);
  if (existsSync(modules)) return modules;
  await mkdir(cache, { recursive: true });
  const unfinished = await mkdtemp(join(cache, "unfinished-"));
  try {
    await download(`linux-image-${release}`, unfinished);
    // Another test run may have been quicker.
    await rename(unfinished, unpacked).catch((error: unknown) => {
      if (!existsSync(modules)) throw error;
    });
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
  return modules;
}

async function download(name: string, directory: string): Promise<void> {
  // apt's own user can't write into a home directory; packages are verified all the same.
  const arguments_ = ["-qq", "-o", "APT::Sandbox::User=root", "download", name];
  await execute("apt-get", arguments_, { cwd: directory }).catch(async (error: unknown) => {
    if (process.getuid?.() !== 0) throw error;
    // Old lists name a version that the archive no longer has.
    await aptGet("update");
    await execute("apt-get", arguments_, { cwd: directory });
  });
  const deb = (await readdir(directory)).find((file) => file.endsWith(".deb"));
  if (deb === undefined) throw new Error(`apt-get downloaded no ${name}`);
  const wanted = ["*/kernel/drivers/mtd/mtd.ko*", "*/kernel/drivers/net/ethernet/sfc/sfc.ko*", "*/modules.*"];
  const unpack = 'dpkg-deb --fsys-tarfile "$0" | tar -x --wildcards "$@"';
  await execute("sh", ["-c", unpack, deb, ...wanted], { cwd: directory });
  await rm(join(directory, deb));
}

/** A directory that is removed when the test (or the file's tests) are over. */
export async function temporary(context: { after(fn: () => Promise<void>): void }): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "onload-kmm-test-"));
  context.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}
