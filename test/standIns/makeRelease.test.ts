import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { before, test } from "node:test";
import { unzipSync } from "fflate";
import { parse } from "yaml";
import { makeRelease } from "@onload-kmm/sandbox/release/makeRelease";
import { sourceRpm } from "@onload-kmm/sandbox/release/rpm";
import { openRelease } from "../../steps/build/releasePackage.ts";
import { ensurePrograms, temporary } from "../assets/debian.ts";
import { output, run } from "../assets/run.ts";

before(() => ensurePrograms("rpm", "rpm2cpio", "cpio", "bsdtar"));

/** Makes the release and puts its source RPM beside it. */
async function made(directory: string): Promise<{ release: Awaited<ReturnType<typeof makeRelease>>; srpm: string }> {
  const release = await makeRelease(directory);
  const { srpm, srpmName } = await openRelease(release);
  const path = join(directory, srpmName);
  await writeFile(path, srpm);
  return { release, srpm: path };
}

test("the package has the structure of AMD's", async (t) => {
  const { release } = await made(await temporary(t));
  const names = Object.keys(unzipSync(await readFile(release.package)));
  assert.deepEqual(names.sort(), [
    "ChangeLog",
    "LICENSE",
    "README",
    "ReleaseNotes",
    `onload-${release.version}-1.src.rpm`,
  ]);
  assert.match(release.version, /^0\./, "no version of AMD's begins with 0");
});

test("the checksum is the file's, and the same on each call and in each time zone", async (t) => {
  const directory = await temporary(t);
  const { release } = await made(join(directory, "here"));
  assert.equal(
    release.sha256,
    createHash("sha256")
      .update(await readFile(release.package))
      .digest("hex"),
  );
  const script = join(import.meta.dirname, "..", "..", "sandbox", "release", "makeRelease.ts");
  const elsewhere = await run(process.execPath, [script, join(directory, "there")], { TZ: "Pacific/Kiritimati" });
  assert.equal(elsewhere.code, 0, elsewhere.stderr);
  assert.equal((JSON.parse(elsewhere.stdout) as typeof release).sha256, release.sha256);
  assert.deepEqual(await readdir(join(directory, "there")), [
    `onload-${release.version}-demo-srpm-release-package.zip`,
  ]);
});

test("another release is another package, whose source bears its version", async (t) => {
  const directory = await temporary(t);
  const next = await makeRelease(join(directory, "next"), "0.9.0.2");
  const { release } = await made(directory);
  assert.equal(next.version, "0.9.0.2");
  assert.notEqual(next.sha256, release.sha256);
  const { srpm, srpmName } = await openRelease(next);
  assert.equal(srpmName, "onload-0.9.0.2-1.src.rpm");
  await writeFile(join(directory, srpmName), srpm);
  await output("bsdtar", ["-xf", join(directory, srpmName), "-C", directory]);
  const tarball = join(directory, "onload-0.9.0.2.tgz");
  const versions = await output("tar", ["-xzOf", tarball, "onload-0.9.0.2/versions.mk"]);
  assert.match(versions, /^ONLOAD_VERSION := 0\.9\.0\.2$/m);
});

test("Pulumi.dev.yaml names this very package", async (t) => {
  const { release } = await made(await temporary(t));
  const stack = parse(await readFile(join(import.meta.dirname, "../../Pulumi.dev.yaml"), "utf8")) as {
    config: { "onload-kmm:release": typeof release };
  };
  const { package: path, ...rest } = stack.config["onload-kmm:release"];
  assert.deepEqual(
    [basename(path), rest],
    [basename(release.package), { sha256: release.sha256, version: release.version }],
  );
});

test("rpm reads it as a source package, and finds every digest right", async (t) => {
  const directory = await temporary(t);
  const { release, srpm } = await made(directory);
  assert.equal(await output("rpm", ["-qpl", srpm]), `onload-${release.version}.tgz\nopenonload.spec\n`);
  const format = "%{NAME} %{VERSION} %{RELEASE} %{SOURCEPACKAGE} [%{FILEFLAGS:fflags},] %{SUMMARY}";
  assert.equal(
    await output("rpm", ["-qp", "--qf", format, srpm]),
    `onload ${release.version} 1 1 ,s, onload-kmm's demonstration in place of OpenOnload`,
  );
  const digests = await output("rpm", ["-Kv", "--dbpath", join(directory, "db"), srpm]);
  assert.deepEqual(
    [...digests.matchAll(/^ +(.*): (\w+)$/gm)].map((line) => line.slice(1)),
    [
      ["Header SHA256 digest", "OK"],
      ["Header SHA1 digest", "OK"],
      ["Payload SHA256 digest", "OK"],
      ["MD5 digest", "OK"],
    ],
  );
});

test("rpm refuses it when one byte of the payload is another", async (t) => {
  const directory = await temporary(t);
  const { srpm } = await made(directory);
  const bytes = await readFile(srpm);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 20) ^ 1, bytes.length - 20);
  await writeFile(srpm, bytes);
  assert.notEqual((await run("rpm", ["-K", "--dbpath", join(directory, "db"), srpm])).code, 0);
});

test("rpm installs the spec with the specs and the tarball with the sources", async (t) => {
  const directory = await temporary(t);
  const { release, srpm } = await made(directory);
  const define = (macro: string): string[] => ["--define", `_${macro}dir ${join(directory, macro)}`];
  await output("rpm", [
    "-i",
    "--nodeps",
    "--dbpath",
    join(directory, "db"),
    ...define("source"),
    ...define("spec"),
    srpm,
  ]);
  assert.deepEqual(await readdir(join(directory, "source")), [`onload-${release.version}.tgz`]);
  assert.deepEqual(await readdir(join(directory, "spec")), ["openonload.spec"]);
});

test("rpm2cpio with cpio and bsdtar unpack the same files", async (t) => {
  const directory = await temporary(t);
  const { release, srpm } = await made(directory);
  const [one, two] = [join(directory, "cpio"), join(directory, "bsdtar")];
  await Promise.all([mkdir(one), mkdir(two)]);
  await output("sh", ["-c", 'rpm2cpio "$1" >"$2.cpio" && cd "$2" && cpio --quiet -id <"$2.cpio"', "sh", srpm, one]);
  await output("bsdtar", ["-xf", srpm, "-C", two]);
  for (const name of [`onload-${release.version}.tgz`, "openonload.spec"]) {
    assert.deepEqual(await readFile(join(one, name)), await readFile(join(two, name)));
  }
  const spec = await readFile(join(one, "openonload.spec"), "utf8");
  assert.equal(/^%define pkgversion (.*)$/m.exec(spec)?.[1], release.version);
});

test("the tarball holds one top directory, an executable scripts/onload_build and the modules' sources", async (t) => {
  const directory = await temporary(t);
  const { release, srpm } = await made(directory);
  await output("bsdtar", ["-xf", srpm, "-C", directory]);
  const listing = await output("tar", ["-tvzf", join(directory, `onload-${release.version}.tgz`)]);
  const lines = listing.trimEnd().split("\n");
  assert.ok(lines.length > 6);
  for (const line of lines) assert.equal(/ (\S+?)\/\S+$/.exec(line)?.[1], `onload-${release.version}`);
  assert.match(listing, /^-rwxr-xr-x .*\/scripts\/onload_build$/m);
  for (const name of ["sfc", "sfc_resource", "sfc_char", "onload"])
    assert.match(listing, new RegExp(`^-rw-r--r-- .*/${name}\\.c$`, "m"));
});

test("the writer takes empty files and names of any length", async (t) => {
  const directory = await temporary(t);
  const files = ["a", "bb", "ccc", "dddd", "eeeee"].map((name, size) => ({
    name,
    data: Buffer.alloc(size, "x"),
    mode: 0o600,
  }));
  const rpm = sourceRpm({
    ...{ name: "n".repeat(80), version: "1", release: "2", summary: "s", description: "d", license: "MIT" },
    ...{ time: 0, specFile: "a", files: files.toReversed() },
  });
  const path = join(directory, "any.src.rpm");
  await writeFile(path, rpm);
  assert.equal(
    await output("rpm", ["-qp", "--qf", "[%{FILENAMES} %{FILESIZES} %{FILEMODES:perms}\n]", path]),
    files.map(({ name, data }) => `${name} ${data.length} -rw-------\n`).join(""),
  );
  assert.equal((await run("rpm", ["-K", "--dbpath", join(directory, "db"), path])).code, 0);
});
