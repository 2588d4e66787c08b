import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from "node:fs/promises";
import { release as runningKernel, tmpdir } from "node:os";
import { join, relative } from "node:path";
import { after, before, describe, test } from "node:test";
import { makeRelease } from "@onload-kmm/sandbox/release/makeRelease";
import { openRelease } from "../../steps/build/releasePackage.ts";
import { buildKmod, script } from "./buildKmod.ts";
import { testKernel, type TestKernel } from "./debian.ts";
import { output, run, type Ended } from "./run.ts";

/** The demonstration's release, built for real: for a Debian kernel that isn't the running one. */
describe("build-kmod.sh with a real compiler, kernel tree and depmod", () => {
  const modules = ["onload", "sfc", "sfc_char", "sfc_resource"];
  let directory: string;
  let kernel: TestKernel;
  let srpm: string;
  let built: Ended;
  /** lib/modules/<kernel> of the result. */
  let tree: string;

  const build = (root: string, shell = "sh", extra: string[] = []): Promise<Ended> => {
    const from = ["--srpm", srpm, "--host-modules", kernel.modules, "--work", join(directory, "work")];
    return buildKmod([...from, ...extra, kernel.release, root], {}, shell);
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), "onload-kmm-test-"));
    kernel = await testKernel();
    const release = await openRelease(await makeRelease(directory));
    srpm = join(directory, release.srpmName);
    await writeFile(srpm, release.srpm);
    tree = join(directory, "opt", "lib", "modules", kernel.release);
    built = await build(join(directory, "opt"));
    assert.equal(built.code, 0, built.stderr);
  });
  after(() => rm(directory, { recursive: true, force: true }));

  const modinfo = async (name: string, field: string): Promise<string> =>
    (await output("/usr/sbin/modinfo", ["-F", field, join(tree, "extra", `${name}.ko`)])).trim();

  test("the kernel isn't this machine's", () => {
    assert.notEqual(kernel.release, runningKernel());
  });

  test("exactly the four modules are in extra/, as real files", async () => {
    assert.deepEqual(
      (await readdir(join(tree, "extra"))).sort(),
      modules.map((name) => `${name}.ko`),
    );
    for (const name of modules) assert.ok((await lstat(join(tree, "extra", `${name}.ko`))).isFile());
  });

  test("each is for that kernel", async () => {
    for (const name of modules) assert.equal((await modinfo(name, "vermagic")).split(" ")[0], kernel.release);
  });

  test("onload and sfc say their versions; the other two have none, like OpenOnload's", async () => {
    const versions = await Promise.all(modules.map((name) => modinfo(name, "version")));
    assert.deepEqual(versions, ["0.9.0.1", "0.6.1.1", "", ""]);
  });

  test("they depend on each other, and sfc on mtd, as OpenOnload's do", async () => {
    const depends = Object.fromEntries(
      await Promise.all(
        modules.map(async (name) => [name, (await modinfo(name, "depends")).split(",").sort()] as const),
      ),
    );
    assert.deepEqual(depends, {
      onload: ["sfc_char", "sfc_resource"],
      sfc: ["mtd"],
      sfc_char: ["sfc_resource"],
      sfc_resource: [""],
    });
  });

  test("debug symbols are gone", async () => {
    for (const name of modules) {
      assert.doesNotMatch(await output("readelf", ["-SW", join(tree, "extra", `${name}.ko`)]), /\.debug_/);
    }
  });

  test("`kernel` leads to the node's own modules, wherever they were while building", async () => {
    assert.equal(await readlink(join(tree, "kernel")), `/lib/modules/${kernel.release}/kernel`);
  });

  test("the index holds our sfc with mtd, and no other sfc", async () => {
    const lines = (await readFile(join(tree, "modules.dep"), "utf8")).split("\n");
    const sfc = lines.filter((line) => /(^|\/)sfc\.ko[^:]*:/.test(line));
    assert.equal(sfc.length, 1);
    assert.match(sfc[0] ?? "", /^extra\/sfc\.ko: kernel\/drivers\/mtd\/mtd\.ko/);
    // Else the test would prove nothing: the kernel has an sfc of its own.
    assert.ok(
      (await readdir(join(kernel.modules, "kernel/drivers/net/ethernet/sfc"))).some((name) => /^sfc\.ko/.test(name)),
    );
  });

  test("modprobe on the node loads mtd before sfc, and onload's own in their order", async () => {
    // A node: our image's tree at dirName, its `kernel` link leading to the host's modules.
    const node = join(directory, "node");
    const place = join(node, "lib", "modules", kernel.release);
    await cp(tree, place, { recursive: true, verbatimSymlinks: true });
    await rm(join(place, "kernel"));
    await cp(join(kernel.modules, "kernel"), join(place, "kernel"), { recursive: true });
    const order = async (name: string): Promise<string[]> => {
      const args = ["-d", node, "-C", join(directory, "opt"), "-S", kernel.release, "--show-depends", name];
      const shown = await output("/usr/sbin/modprobe", args);
      return shown
        .trimEnd()
        .split("\n")
        .map((line) => line.trim().replace(`insmod ${place}/`, ""));
    };
    const [mtd, ...rest] = await order("sfc");
    assert.match(mtd ?? "", /^kernel\/drivers\/mtd\/mtd\.ko/);
    assert.deepEqual(rest, ["extra/sfc.ko"]);
    assert.deepEqual(await order("onload"), ["extra/sfc_resource.ko", "extra/sfc_char.ko", "extra/onload.ko"]);
  });

  test("the log's end names each file with version and checksum", async () => {
    for (const name of modules) {
      const file = join(tree, "extra", `${name}.ko`);
      const sum = (await output("sha256sum", [file])).split(" ")[0] ?? "?";
      assert.ok(
        built.stdout.includes(`built ${file} version ${(await modinfo(name, "version")) || "-"} sha256 ${sum}`),
        name,
      );
    }
  });

  test("nothing is left in the working directory's place", async () => {
    await assert.rejects(lstat(join(directory, "work")), { code: "ENOENT" });
  });

  test("a second build gives the same bytes: another shell, host, user, time, zone, one processor, other places", async () => {
    const again = join(directory, "again");
    const elsewhere = join(directory, "elsewhere.src.rpm");
    await cp(srpm, elsewhere);
    const env = {
      KCFLAGS: "-DNOISE",
      KBUILD_BUILD_HOST: "another-host",
      KBUILD_BUILD_USER: "somebody",
      KBUILD_BUILD_TIMESTAMP: "Mon Jan  1 00:00:00 UTC 2001",
      SOURCE_DATE_EPOCH: "1",
      HOME: "/nowhere",
      LANG: "C.UTF-8",
      TZ: "Asia/Tokyo",
    };
    const args = ["--srpm", elsewhere, "--host-modules", kernel.modules, "--work", join(directory, "work")];
    const oneProcessor = ["-c", "0", "bash", script, ...args, kernel.release, again];
    const second = await run("taskset", oneProcessor, env);
    assert.equal(second.code, 0, second.stderr);
    const [one, two] = await Promise.all([bytesIn(tree), bytesIn(join(again, "lib", "modules", kernel.release))]);
    assert.ok(modules.every((name) => one.has(`extra/${name}.ko`)));
    assert.deepEqual(two, one);
  });

  test("the tree of another kernel is refused at once", async () => {
    const other = join(directory, "other-tree");
    await mkdir(join(other, "include", "generated"), { recursive: true });
    await writeFile(join(other, "Makefile"), "");
    await writeFile(join(other, "include/generated/utsrelease.h"), '#define UTS_RELEASE "5.14.0-1.el9.x86_64"\n');
    const { code, stderr } = await build(join(directory, "never"), "sh", ["--kernel-tree", other]);
    assert.equal(code, 1);
    assert.match(
      stderr,
      new RegExp(`error: .*other-tree is the tree of kernel 5\\.14\\.0-1\\.el9\\.x86_64, expected ${kernel.release}`),
    );
    await assert.rejects(lstat(join(directory, "never")), { code: "ENOENT" });
  });

  test("finds the only source RPM beside itself, as in the image", async () => {
    const image = join(directory, "onload");
    await mkdir(image);
    await Promise.all([cp(script, join(image, "build-kmod.sh")), cp(srpm, join(image, srpm.split("/").at(-1) ?? "?"))]);
    const root = join(directory, "found");
    const args = ["--host-modules", kernel.modules, "--work", join(directory, "work"), kernel.release, root];
    await output("sh", [join(image, "build-kmod.sh"), ...args]);
    assert.equal((await readdir(join(root, "lib", "modules", kernel.release, "extra"))).length, modules.length);
  });
});

/** Each file below a directory, by its path, with the SHA-256 of its bytes. */
async function bytesIn(directory: string): Promise<Map<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const sums = await Promise.all(
    files.sort().map(async (file) => {
      const sum = createHash("sha256").update(await readFile(file));
      return [relative(directory, file), sum.digest("hex")] as const;
    }),
  );
  return new Map(sums);
}
