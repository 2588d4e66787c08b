import assert from "node:assert/strict";
import { chmod, lstat, mkdir, readFile, readlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test, type TestContext } from "node:test";
import { rhelKernels } from "../core/build/kernels.ts";
import { temporary } from "./debian.ts";
import { run, type Ended } from "./run.ts";

const script = join(import.meta.dirname, "..", "..", "assets", "entitled-packages.sh");
const kernel = "5.14.0-570.49.1.el9_6.x86_64";

/** A UBI container as far as the script looks at it, and what it did there. */
interface Container {
  readonly root: string;
  readonly install: (kernel: string) => Promise<Ended>;
  /** The arguments of each call of dnf. */
  readonly calls: () => Promise<string[]>;
}

/**
 * @param dnf shell text of dnf, which sees its arguments and $ROOT; by default it installs every kernel
 */
async function container(
  context: TestContext,
  dnf = `mkdir -p "$ROOT/usr/src/kernels/${kernel}"`,
  architecture = "x86_64",
): Promise<Container> {
  const directory = await temporary(context);
  const [root, bin, log] = [join(directory, "root"), join(directory, "bin"), join(directory, "dnf.log")];
  const secret = join(root, "run", "secrets", "etc-pki-entitlement");
  for (const folder of [bin, secret, join(root, "etc", "rhsm-host"), join(root, "etc", "pki", "entitlement")]) {
    await mkdir(folder, { recursive: true });
  }
  await writeFile(join(secret, "123-key.pem"), "not a real key\n");
  await writeFile(join(secret, "123.pem"), "not a real certificate\n");
  await writeFile(log, "");
  for (const [name, text] of [
    ["dnf", `echo "$*" >>"${log}"\nROOT="${root}"\n${dnf}`],
    ["uname", `echo ${architecture}`],
  ] as const) {
    await writeFile(join(bin, name), `#!/bin/sh\n${text}\n`);
    await chmod(join(bin, name), 0o755);
  }
  const env = { PATH: `${bin}:/usr/bin:/bin`, ENTITLED_PACKAGES_ROOT: root };
  return {
    root,
    install: (release) => run("sh", [script, release], env),
    calls: async () => (await readFile(log, "utf8")).trimEnd().split("\n").filter(Boolean),
  };
}

test("installs the tools and the node's own kernel-devel and kernel-modules, from that minor version's repositories", async (t) => {
  const { install, calls } = await container(t);
  const { code, stderr } = await install(kernel);
  assert.equal(code, 0, stderr);
  const [devel, modules, ...rest] = await calls();
  const repositories =
    "rhel-9-for-x86_64-baseos-rpms,rhel-9-for-x86_64-appstream-rpms,codeready-builder-for-rhel-9-x86_64-rpms";
  for (const call of [devel, modules])
    assert.ok(call?.startsWith(`-y --releasever=9.6 --enablerepo=${repositories} `), call);
  assert.match(devel ?? "", / gcc .* kmod .* kernel-devel-5\.14\.0-570\.49\.1\.el9_6\.x86_64$/);
  assert.match(modules ?? "", / --setopt=tsflags=noscripts kernel-modules-5\.14\.0-570\.49\.1\.el9_6\.x86_64$/);
  assert.deepEqual(rest, ["clean all"]);
});

test("uses the entitlement through a link, so that no layer holds the key", async (t) => {
  const { install, root } = await container(t);
  assert.equal((await install(kernel)).code, 0);
  assert.equal(await readlink(join(root, "etc/pki/entitlement")), "/run/secrets/etc-pki-entitlement");
  // While UBI's link to the host is there, subscription-manager doesn't look at our certificate.
  await assert.rejects(lstat(join(root, "etc/rhsm-host")), { code: "ENOENT" });
});

test("a kernel that only Extended Update Support has", async (t) => {
  const { install, calls } = await container(
    t,
    `case "$*" in *-eus-rpms* | clean*) mkdir -p "$ROOT/usr/src/kernels/${kernel}" ;; *) exit 1 ;; esac`,
  );
  const { code, stderr } = await install(kernel);
  assert.equal(code, 0, stderr);
  const eus = (await calls()).filter((call) => call.includes("rhel-9-for-x86_64-baseos-eus-rpms"));
  assert.equal(eus.length, 2);
});

for (const [name, { version, package: named, architecture, major, minor, variant }] of rhelKernels) {
  if (minor === undefined) {
    test(`${name} is of no minor version: refused before dnf is asked`, async (t) => {
      const { install, calls } = await container(t, undefined, architecture);
      const { code, stderr } = await install(name);
      assert.equal(code, 1);
      assert.match(stderr, /is not a kernel of a RHEL minor version: no \.el<major>_<minor> in it/);
      assert.deepEqual(await calls(), []);
    });
    continue;
  }
  test(`${name} gets ${named}-devel and ${named}-modules of RHEL ${major}.${minor}`, async (t) => {
    const { install, calls } = await container(t, `mkdir -p "$ROOT/usr/src/kernels/${name}"`, architecture);
    const { code, stderr } = await install(name);
    assert.equal(code, 0, stderr);
    const repository = (set: string): string => `rhel-${major}-for-${architecture}-${set}-rpms`;
    const sets = ["baseos", "appstream"].map(repository);
    const realTime = variant.startsWith("rt") ? [repository("rt")] : [];
    const all = [...sets, `codeready-builder-for-rhel-${major}-${architecture}-rpms`, ...realTime].join(",");
    const [devel = "", modules = ""] = await calls();
    for (const call of [devel, modules]) {
      assert.ok(call.startsWith(`-y --releasever=${major}.${minor} --enablerepo=${all} `), call);
    }
    assert.ok(devel.endsWith(` ${named}-devel-${version}`), devel);
    assert.ok(modules.endsWith(` ${named}-modules-${version}`), modules);
  });
}

test("a build on a node of another architecture is told, and no package is asked for", async (t) => {
  const { install, calls } = await container(t);
  const { code, stderr } = await install("6.12.0-124.8.1.el10_1.aarch64+64k");
  assert.equal(code, 1);
  assert.match(stderr, /this build runs on x86_64, and 6\.12\S+64k is for aarch64: the Module's build\.selector/);
  assert.deepEqual(await calls(), []);
});

test("a package that no repository has is told with those that they have", async (t) => {
  const list = [
    "Available Packages",
    "kernel-rt-devel.x86_64      5.14.0-284.11.1.rt14.296.el9_2       rhel-9-for-x86_64-rt-rpms",
    "kernel-rt-devel.x86_64      5.14.0-284.25.1.rt14.310.el9_2       rhel-9-for-x86_64-rt-rpms",
  ].join("\n");
  const { install } = await container(t, `case "$*" in *list*) echo '${list}' ;; *) exit 1 ;; esac`);
  const { code, stderr } = await install("5.14.0-284.30.1.rt14.315.el9_2.x86_64");
  assert.equal(code, 1);
  const versions = String.raw`5\.14\.0-284\.11\.1\.rt14\.296\.el9_2 5\.14\.0-284\.25\.1\.rt14\.310\.el9_2`;
  assert.match(
    stderr,
    new RegExp(
      `cannot install kernel-rt-devel-5\\S+ \\(versions of kernel-rt-devel that it finds: ${versions}\\); .*variant rt`,
    ),
  );
});

test("without the secret: the remedy, and no call of dnf", async (t) => {
  const { install, calls, root } = await container(t);
  await run("rm", ["-r", join(root, "run/secrets")]);
  const { code, stderr } = await install(kernel);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /error: no \*-key\.pem in \/run\/secrets\/etc-pki-entitlement; .* Secret etc-pki-entitlement in openshift-config-managed/,
  );
  assert.deepEqual(await calls(), []);
});

test("a kernel that no repository has", async (t) => {
  const { install, calls } = await container(t, "exit 1");
  const { code, stderr } = await install(kernel);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /error: dnf cannot install kernel-devel-5\.14.* finds: none\); is the subscription valid, and does it cover RHEL 9\.6/,
  );
  assert.equal((await calls()).filter((call) => call.includes(" install ")).length, 2);
});

test("a dnf that says it installed, and didn't", async (t) => {
  const { install } = await container(t, "exit 0");
  const { code, stderr } = await install(kernel);
  assert.equal(code, 1);
  assert.match(stderr, new RegExp(`there is no /usr/src/kernels/${kernel}`));
});

test("an undeclared argument, and a kernel that isn't RHEL's", async (t) => {
  const { install } = await container(t);
  const empty = await install("");
  assert.equal(empty.code, 2);
  assert.match(empty.stderr, /ARG KERNEL_FULL_VERSION/);
  const debian = await install("6.1.0-56-amd64");
  assert.equal(debian.code, 1);
  assert.match(debian.stderr, /KERNEL "6\.1\.0-56-amd64" is not a kernel of a RHEL minor version/);
});
