/** Finding and building, with a `go` that builds in no time. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, test } from "node:test";

const fakeGo = `#!/bin/sh
set -eu
module=$(basename "$PWD")
if [ "$1" = env ]; then cat "$FAKE/version"; exit; fi
if [ "$1" = list ]; then echo -std/a; echo +own/b; echo +own/c; exit; fi
echo "$module" >>"$FAKE/builds"
if [ "$module" = "$(cat "$FAKE/broken")" ]; then echo 'compile: out of memory' >&2; exit 1; fi
case $module in
kubernetes) names='kube-apiserver kube-controller-manager kubectl' ;;
etcd) names=server ;;
*) names=$module ;;
esac
for name in $names; do echo "$module" >"$GOBIN/$name"; done
`;

describe("the toolchain", () => {
  let fake: string;
  beforeEach(async () => {
    fake = await mkdtemp(join(tmpdir(), "fake-go-"));
    await mkdir(join(fake, "bin"));
    await writeFile(join(fake, "bin", "go"), fakeGo, { mode: 0o755 });
    // Nothing else on PATH: an etcd or a pulumi of this machine would be used.
    for (const name of ["basename", "cat"]) await symlink(join("/usr/bin", name), join(fake, "bin", name));
    await writeFile(join(fake, "version"), "go1.26.8\n");
    await writeFile(join(fake, "broken"), "");
  });
  afterEach(() => rm(fake, { recursive: true }));

  /** `ensureToolchain` in a process of its own, with this `go` and nothing else of the toolchain on PATH. */
  async function ensure(): Promise<{ code: unknown; stdout: string; stderr: string }> {
    const module = JSON.stringify(import.meta.resolve("../../toolchain/toolchain.ts"));
    const program =
      `const { ensureToolchain } = await import(${module});\n` +
      `process.stdout.write(JSON.stringify(await ensureToolchain()));`;
    const child = spawn(process.execPath, ["--input-type=module", "--eval", program], {
      env: { PATH: join(fake, "bin"), XDG_CACHE_HOME: join(fake, "cache"), FAKE: fake },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, stderr, [code]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit") as Promise<[unknown]>,
    ]);
    return { code, stdout, stderr };
  }

  async function builds(): Promise<string[]> {
    const lines = await readFile(join(fake, "builds"), "utf8").catch(() => "");
    return lines.split("\n").filter((line) => line !== "");
  }

  test("builds each tool once, says how long it takes, and finds all of them next time", async () => {
    const first = await ensure();
    assert.equal(first.code, 0, first.stderr);
    assert.match(first.stderr, /building 4 of 4 tools .* about 12 min on 2 quiet cores/);
    assert.match(first.stderr, /\[2\/4\] pulumi v3\.259\.0: compiling 2 of 3 packages, the rest is cached\n/);
    const { bin } = JSON.parse(first.stdout) as { bin: Record<string, string> };
    const programs = ["etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "kwok", "pulumi"];
    assert.deepEqual(Object.keys(bin).sort(), programs);
    assert.equal(await readFile(bin["etcd"] ?? "", "utf8"), "etcd\n");

    const second = await ensure();
    assert.equal(second.stdout, first.stdout);
    assert.equal(second.stderr, "");
    assert.deepEqual(await builds(), ["kubernetes", "pulumi", "etcd", "kwok"]);
  });

  test("what was built before a failure is kept, and the failure shows the compiler's words", async () => {
    await writeFile(join(fake, "broken"), "pulumi");
    const failed = await ensure();
    assert.notEqual(failed.code, 0);
    assert.match(
      failed.stderr,
      /building pulumi v3\.259\.0 failed .*the same command goes on from here.*out of memory/s,
    );

    await writeFile(join(fake, "broken"), "");
    assert.equal((await ensure()).code, 0);
    assert.deepEqual(await builds(), ["kubernetes", "pulumi", "pulumi", "etcd", "kwok"]);
    const left = await readdir(join(fake, "cache", "onload-kmm", "toolchain"));
    assert.deepEqual(
      left.filter((name) => name.includes(".tmp-") && !name.endsWith(".log")),
      [],
    );
  });

  test("two at once build once", async () => {
    const both = await Promise.all([ensure(), ensure()]);
    for (const { code, stderr } of both) assert.equal(code, 0, stderr);
    assert.equal((await builds()).length, 4);
  });

  test("an old Go, or none, is refused with the way out", async () => {
    await writeFile(join(fake, "version"), "go1.22.1\n");
    assert.match((await ensure()).stderr, /go1\.22\.1 is too old; install Go 1\.26 or later/);
    await rm(join(fake, "bin", "go"));
    assert.match((await ensure()).stderr, /install Go 1\.26 or later .* or put the sandbox's tools on PATH/);
  });
});
