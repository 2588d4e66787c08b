import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { makeRelease } from "@onload-kmm/sandbox/release/makeRelease";
import { StepError } from "../../../steps/lib/step.ts";
import { openRelease, ReleaseError } from "../../../steps/build/releasePackage.ts";
import { temporary } from "../../assets/debian.ts";

test("opens the demonstration's release", async (t) => {
  const settings = await makeRelease(await temporary(t));
  const { version, srpmName, srpm } = await openRelease(settings);
  assert.equal(version, settings.version);
  assert.equal(srpmName, `onload-${version}-1.src.rpm`);
  assert.equal(srpm.readUInt32BE(0), 0xedabeedb);
});

test("opens the source RPM just as well", async (t) => {
  const directory = await temporary(t);
  const settings = await makeRelease(directory);
  const fromZip = await openRelease(settings);
  const path = join(directory, fromZip.srpmName);
  await writeFile(path, fromZip.srpm);
  assert.deepEqual(await openRelease({ ...settings, package: path, sha256: fromZip.srpmSha256 }), fromZip);
});

test("says all that is wrong at once, without a stack trace", async (t) => {
  const settings = await makeRelease(await temporary(t));
  await assert.rejects(openRelease({ ...settings, version: "1.2", sha256: "ab" }), (error: unknown) => {
    assert.ok(error instanceof ReleaseError && error instanceof StepError);
    assert.deepEqual(
      error.problems.map((problem) => problem.split(": ")[0]),
      ["onload-kmm:release.sha256", "onload-kmm:release.version"],
    );
    assert.equal(error.message, error.problems.join("\n"));
    return true;
  });
});

test("names the path of a package that can't be read", async (t) => {
  const directory = await temporary(t);
  await mkdir(join(directory, "folder.zip"));
  const open = (name: string): Promise<unknown> =>
    openRelease({ package: join(directory, name), sha256: "", version: "" });
  await assert.rejects(
    open("none.zip"),
    /^Error: onload-kmm:release\.package: found ".*none\.zip": no such file; expected/,
  );
  await assert.rejects(open("folder.zip"), /found ".*folder\.zip": a directory; expected/);
});
