import assert from "node:assert/strict";
import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cachedFolder, cacheKey, findBuilt } from "../../toolchain/build.ts";
import { findInstalled } from "../../toolchain/installed.ts";
import { programsOf, tools, type Tool } from "../../toolchain/tools.ts";

const inputs = { goMod: "module a", goSum: "sum", ldflags: "-s", platform: "linux-x64" };

function toolOf(name: string): Tool {
  const tool = tools.find((each) => each.name === name);
  assert.ok(tool);
  return tool;
}

test("the cache's key changes with each input, and with nothing else", () => {
  assert.match(cacheKey(inputs), /^[0-9a-f]{12}$/);
  assert.equal(cacheKey({ ...inputs }), cacheKey(inputs));
  for (const name of Object.keys(inputs)) {
    assert.notEqual(cacheKey({ ...inputs, [name]: "other" }), cacheKey(inputs), name);
  }
  assert.notEqual(cacheKey({ ...inputs, goMod: "ab", goSum: "c" }), cacheKey({ ...inputs, goMod: "a", goSum: "bc" }));
});

test("each tool has a Go module beside the code", async () => {
  for (const tool of tools) {
    const folder = await cachedFolder(tool, "/cache");
    assert.match(folder, new RegExp(`^/cache/toolchain/${tool.name}-[0-9a-f]{12}$`));
  }
});

test("a folder of the cache counts only once it has its final name", async (t) => {
  const cache = await mkdtemp(join(tmpdir(), "toolchain-"));
  t.after(() => rm(cache, { recursive: true }));
  const tool = toolOf("kubernetes");
  const folder = await cachedFolder(tool, cache);
  await mkdir(join(`${folder}.tmp-1`, "bin"), { recursive: true });
  assert.equal(await findBuilt(tool, folder), undefined);
  await mkdir(join(folder, "bin"), { recursive: true });
  const found = await findBuilt(tool, folder);
  assert.deepEqual([...(found?.keys() ?? [])], programsOf(tool));
  assert.equal(found?.get("kubectl"), join(folder, "bin", "kubectl"));
});

test("an installed program is used when it fits, and not when it is old or prints nothing", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "installed-"));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, "etcd");
  const install = (script: string) => writeFile(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const find = () => findInstalled(toolOf("etcd"), { PATH: `/nonexistent:${folder}` });

  await install("echo 'etcd Version: 3.6.1'");
  assert.deepEqual(await find(), new Map([["etcd", file]]));
  await install("echo 'etcd Version: 3.4.23'");
  assert.equal(await find(), undefined);
  await install("exit 1");
  assert.equal(await find(), undefined);
});

test("KUBEBUILDER_ASSETS goes before PATH", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "assets-"));
  t.after(() => rm(folder, { recursive: true }));
  for (const name of ["assets", "path"]) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "etcd"), "#!/bin/sh\necho 3.6.1\n", { mode: 0o755 });
  }
  const env = { PATH: join(folder, "path"), KUBEBUILDER_ASSETS: join(folder, "assets") };
  assert.deepEqual(await findInstalled(toolOf("etcd"), env), new Map([["etcd", join(folder, "assets", "etcd")]]));
  await access(join(folder, "path", "etcd"));
});
