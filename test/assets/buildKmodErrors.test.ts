import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, lstat, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { makeRelease } from "@onload-kmm/sandbox/release/makeRelease";
import { openRelease } from "../../steps/build/releasePackage.ts";
import { buildKmod, pathWithout, scriptedSrpm } from "./buildKmod.ts";
import { ensurePrograms, testKernel, type TestKernel } from "./debian.ts";
import { output, type Ended } from "./run.ts";

/** What goes wrong, seen where it goes wrong: real modules, made once, pass through builds that spoil them. */
describe("build-kmod.sh when something is wrong", () => {
  let directory: string;
  let kernel: TestKernel;
  /** Directory with the four modules, built for `kernel`. */
  let modules: string;
  /** A source RPM whose build gives these modules. */
  let good: string;

  const work = (): string => join(directory, "work");
  const root = (): string => join(directory, "never");

  /** Runs the script; what isn't given is right. */
  const build = (given: {
    srpm?: string;
    args?: string[];
    kernel?: string;
    env?: Record<string, string>;
  }): Promise<Ended> => {
    const base = ["--srpm", given.srpm ?? good, "--host-modules", kernel.modules, "--work", work()];
    return buildKmod([...base, ...(given.args ?? []), given.kernel ?? kernel.release, root()], given.env);
  };

  /** A source RPM whose build copies the good modules and then runs `spoil`. */
  const spoiled = (spoil: string): Promise<string> =>
    scriptedSrpm(join(directory, "spoiled.src.rpm"), `cp ${modules}/*.ko "$out"\ncd "$out"\n${spoil}`);

  async function refused(ended: Promise<Ended>, message: RegExp): Promise<void> {
    const { code, stderr } = await ended;
    assert.match(stderr, message);
    assert.equal(code, 1);
    await assert.rejects(lstat(root()), { code: "ENOENT" }, "something was written in spite of the error");
    await assert.rejects(lstat(work()), { code: "ENOENT" }, "the working directory was left");
  }

  before(async () => {
    await ensurePrograms("bsdtar", "rpm");
    directory = await mkdtemp(join(tmpdir(), "onload-kmm-test-"));
    kernel = await testKernel();
    const release = await openRelease(await makeRelease(directory));
    const srpm = join(directory, release.srpmName);
    await writeFile(srpm, release.srpm);
    const made = join(directory, "made");
    const args = ["--srpm", srpm, "--host-modules", kernel.modules, "--work", work(), kernel.release, made];
    assert.equal((await buildKmod(args)).code, 0);
    modules = join(made, "lib", "modules", kernel.release, "extra");
    good = await scriptedSrpm(join(directory, "good.src.rpm"), `cp ${modules}/*.ko "$out"`);
  });
  after(() => rm(directory, { recursive: true, force: true }));

  test("wrong usage: exit code 2, the mistake and the usage", async () => {
    const cases: [string[], RegExp][] = [
      [[], /expected KERNEL and OUTPUT_ROOT, found 0 arguments/],
      [["", "/opt"], /KERNEL is empty: does the Dockerfile stage declare ARG KERNEL_FULL_VERSION\?/],
      [["../../etc", "/opt"], /KERNEL "\.\.\/\.\.\/etc" is not the output of `uname -r`/],
      [["5.14.0 x", "/opt"], /is not the output of `uname -r`/],
      [["5.14.0", ""], /OUTPUT_ROOT is empty/],
      [["--srpm"], /--srpm needs a value/],
      [["--force", "5.14.0", "/opt"], /unknown option --force/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await buildKmod(args);
      assert.equal(code, 2, args.join(" "));
      assert.match(stderr, message);
      assert.match(stderr, /usage: build-kmod\.sh /);
    }
  });

  test("no kernel tree", () =>
    refused(
      build({ kernel: "9.9.9-none" }),
      /error: no kernel tree for 9\.9\.9-none .* install kernel-devel-9\.9\.9-none .* --kernel-tree DIR/,
    ));

  for (const [name, found] of [
    ["9.9.9-1.el9_9.x86_64+rt", "kernel-rt-devel-9.9.9-1.el9_9.x86_64"],
    ["9.9.9-1.el9_9.aarch64+64k", "kernel-64k-devel-9.9.9-1.el9_9.aarch64"],
    ["9.9.9-1.rt14.2.el9_2.x86_64", "kernel-rt-devel-9.9.9-1.rt14.2.el9_2.x86_64"],
  ] as const) {
    test(`no kernel tree for ${name}: the package is named as RHEL names it`, () =>
      refused(build({ kernel: name }), new RegExp(`no kernel tree for .*; install ${found} \\(Debian`)));
  }

  test("a directory that is no kernel tree", async () => {
    await refused(build({ args: ["--kernel-tree", directory] }), /is not a kernel tree: it has no Makefile/);
  });

  test("no modules of that kernel on the build host: depmod would drop mtd without a word", () =>
    refused(
      build({ args: ["--host-modules", join(directory, "none")] }),
      /error: no modules of kernel .* install kernel-modules-/,
    ));

  test("host's modules without mtd", async () => {
    const poor = join(directory, "poor");
    await cp(kernel.modules, poor, { recursive: true });
    await rm(join(poor, "kernel", "drivers", "mtd"), { recursive: true });
    await refused(
      build({ args: ["--host-modules", poor] }),
      /error: modules\.dep records sfc without its dependency mtd/,
    );
  });

  test("no source RPM, or one that can't be read", async () => {
    await refused(build({ srpm: join(directory, "none.src.rpm") }), /--srpm .*none\.src\.rpm: no such file/);
    const text = join(directory, "text.src.rpm");
    await writeFile(text, "<!DOCTYPE html>");
    await refused(build({ srpm: text }), /rpm2cpio cannot read .*text\.src\.rpm/);
  });

  test("a build that fails keeps its own message", async () => {
    const srpm = await spoiled("echo 'ERROR: Failed to build driver components.' >&2; exit 3");
    await refused(
      build({ srpm }),
      /ERROR: Failed to build driver components\.\nbuild-kmod: error: scripts\/onload_build failed for kernel/,
    );
  });

  test("a build that makes three modules", async () => {
    await refused(
      build({ srpm: await spoiled("rm sfc_char.ko") }),
      /error: the build made no sfc_char\.ko; Onload 9\.0 and later make/,
    );
  });

  test("a build for another kernel", async () => {
    // A tree that says the name of a kernel whose modules the build then doesn't make: vermagic gives it away.
    const tree = join(directory, "lying-tree");
    await mkdir(join(tree, "include", "generated"), { recursive: true });
    await writeFile(join(tree, "Makefile"), "");
    await writeFile(join(tree, "include/generated/utsrelease.h"), '#define UTS_RELEASE "5.14.0-1.el9.x86_64"\n');
    const wrong = build({ args: ["--kernel-tree", tree], kernel: "5.14.0-1.el9.x86_64" });
    await refused(
      wrong,
      new RegExp(
        `error: sfc\\.ko was built for kernel ${kernel.release}, expected 5\\.14\\.0-1\\.el9\\.x86_64: wrong kernel tree`,
      ),
    );
  });

  test("an sfc that doesn't depend on mtd", async () => {
    const srpm = await spoiled("cp sfc_resource.ko sfc.ko");
    await refused(build({ srpm }), /error: modules\.dep records sfc without its dependency mtd/);
  });

  test("a release that needs a fifth module", async () => {
    // sfc under a new name is what sfc_char would need: the same dependency, by a name that isn't in extra/.
    const rename =
      "objcopy --dump-section .modinfo=info sfc_char.ko && sed -i 's/depends=sfc_resource/depends=sfc_driverlk/' info && objcopy --update-section .modinfo=info sfc_char.ko && rm info";
    await refused(build({ srpm: await spoiled(rename) }), /records sfc_char without its dependency sfc_driverlk/);
  });

  test("a depmod that lets the in-tree sfc win, or writes nothing, and says nothing", async () => {
    const inTree =
      'PATH=/usr/sbin:/usr/bin depmod "$@"; sed -i "s|^extra/sfc.ko:|kernel/drivers/net/ethernet/sfc/sfc.ko:|" "$2/lib/modules/"*/modules.dep';
    const path = await pathWithout(join(directory, "bin-in-tree"), [], { depmod: inTree });
    await refused(
      build({ env: { PATH: path } }),
      /error: modprobe sfc would load "kernel\/drivers\/net\/ethernet\/sfc\/sfc\.ko", expected extra\/sfc\.ko/,
    );
    const lazy = await pathWithout(join(directory, "bin-lazy"), [], { depmod: "exit 0" });
    await refused(build({ env: { PATH: lazy } }), /error: depmod wrote no modules\.dep/);
  });

  test("missing tools are named together", async () => {
    const path = await pathWithout(join(directory, "bin-poor"), ["gcc", "make"]);
    await refused(build({ env: { PATH: path } }), /error: missing tools: gcc make; install them/);
  });

  test("no way to unpack the source RPM", async () => {
    const path = await pathWithout(join(directory, "bin-no-unpacker"), ["rpm2cpio", "bsdtar", "rpm"]);
    await refused(build({ env: { PATH: path } }), /error: missing tools: rpm2cpio and cpio, or bsdtar, or rpm/);
  });

  for (const [unpacker, missing] of [
    ["bsdtar", ["rpm2cpio", "rpm"]],
    ["rpm", ["cpio", "bsdtar"]],
  ] as const) {
    test(`${unpacker} alone can unpack the source RPM`, async () => {
      const path = await pathWithout(join(directory, `bin-${unpacker}`), missing);
      const { code, stderr } = await build({ env: { PATH: path } });
      assert.equal(code, 0, stderr);
      assert.equal((await readdir(join(root(), "lib", "modules", kernel.release, "extra"))).length, 4);
      await rm(root(), { recursive: true });
    });
  }

  test("a system's own modules are left alone", async () => {
    const own = join(root(), "lib", "modules", kernel.release, "kernel");
    await mkdir(own, { recursive: true });
    const { code, stderr } = await build({});
    assert.equal(code, 1);
    assert.match(stderr, /kernel is a real directory, so .* is a system's root/);
    await rm(root(), { recursive: true });
  });

  test("an earlier result is replaced as a whole, and kept when the build fails", async () => {
    const place = join(root(), "lib", "modules", kernel.release);
    await mkdir(join(place, "extra"), { recursive: true });
    await writeFile(join(place, "extra", "old.ko"), "old");
    assert.equal((await build({ srpm: await spoiled("exit 1") })).code, 1);
    assert.deepEqual(await readdir(join(place, "extra")), ["old.ko"]);
    assert.equal((await build({})).code, 0);
    assert.equal((await readdir(join(place, "extra"))).includes("old.ko"), false);
    await rm(root(), { recursive: true });
  });

  test("a working directory in use is left alone; one of a killed build is cleared away", async () => {
    const sleeper = spawn("cat", { stdio: ["pipe", "ignore", "ignore"] });
    await mkdir(work(), { mode: 0o700 });
    await writeFile(join(work(), "pid"), `${sleeper.pid}\n`);
    const inUse = await build({});
    assert.equal(inUse.code, 1);
    assert.match(inUse.stderr, new RegExp(`work is in use by process ${sleeper.pid}; wait for it, or give --work DIR`));
    assert.equal(await readFile(join(work(), "pid"), "utf8"), `${sleeper.pid}\n`);
    sleeper.stdin.end();
    await once(sleeper, "exit");
    const afterwards = await build({});
    assert.equal(afterwards.code, 0, afterwards.stderr);
    await rm(root(), { recursive: true });
  });

  test("a working directory that isn't a build's is left alone", async () => {
    await mkdir(work());
    await writeFile(join(work(), "precious"), "");
    const { code, stderr } = await build({});
    assert.equal(code, 1);
    assert.match(stderr, /cannot make .*work: it exists already/);
    assert.deepEqual(await readdir(work()), ["precious"]);
    await rm(work(), { recursive: true });
  });

  test("ended by a signal, it leaves no working directory", async () => {
    const srpm = await scriptedSrpm(join(directory, "slow.src.rpm"), `echo "$$" >&2; exec cat <"${directory}/fifo"`);
    const args = ["--srpm", srpm, "--host-modules", kernel.modules, "--work", work(), kernel.release, root()];
    await output("mkfifo", [join(directory, "fifo")]);
    const child = spawn("sh", [join(import.meta.dirname, "../../assets/build-kmod.sh"), ...args], {
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    await once(child.stderr, "data");
    assert.ok((await lstat(work())).isDirectory());
    process.kill(-(child.pid ?? 0), "SIGTERM");
    await once(child, "close");
    await assert.rejects(lstat(work()), { code: "ENOENT" });
    await assert.rejects(lstat(root()), { code: "ENOENT" });
  });
});
