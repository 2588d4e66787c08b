import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { beforeEach, afterEach, describe, test } from "node:test";
import { choosePlugins, executableOf, isFresh, writeStandIns } from "../../toolchain/plugins.ts";

const all = [
  "pulumi-language-nodejs",
  "pulumi-resource-kubernetes",
  "pulumi-resource-tls",
  "pulumi-resource-random",
  "pulumi-resource-command",
];

describe("the choice between real plugins and stand-ins", () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  const options = () => ({ pulumi: join(folder, "pulumi"), home: join(folder, "home"), env });

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "plugins-"));
    await mkdir(join(folder, "home"));
    await mkdir(join(folder, "users"));
    const path = [join(folder, "bin"), "/usr/bin", "/bin"].join(delimiter);
    env = { PATH: path, XDG_CACHE_HOME: join(folder, "cache"), PULUMI_HOME: join(folder, "users") };
    await mkdir(join(folder, "bin"));
    await fakePulumi("exit 1");
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** A CLI that notes its arguments and does what `script` says. */
  async function fakePulumi(script: string): Promise<void> {
    await writeFile(join(folder, "pulumi"), `#!/bin/sh\necho "$@" >>'${folder}/calls'\n${script}\n`, { mode: 0o755 });
  }

  async function calls(): Promise<string[]> {
    const text = await readFile(join(folder, "calls"), "utf8").catch(() => "");
    return text.split("\n").filter((line) => line !== "");
  }

  test("nothing installed and nothing to be had: stand-ins for all, and no second try", async () => {
    assert.deepEqual(await choosePlugins(options()), all);
    assert.equal((await calls()).length, 1);
    assert.deepEqual(await choosePlugins(options()), all);
    assert.equal((await calls()).length, 1);
  });

  test("what can be installed is", async () => {
    await fakePulumi("exit 0");
    assert.deepEqual(await choosePlugins(options()), ["pulumi-language-nodejs"]);
    assert.equal((await calls()).length, 4);
    assert.match((await calls())[0] ?? "", /^plugin install resource kubernetes v\d+\.\d+\.\d+$/);
  });

  test("a plugin on PATH is used", async () => {
    await writeFile(join(folder, "bin", "pulumi-language-nodejs"), "#!/bin/sh\n", { mode: 0o755 });
    assert.deepEqual(await choosePlugins(options()), all.slice(1));
  });

  test("the user's installed plugin is used, in the version of its npm package only", async () => {
    const { version } = JSON.parse(await readFile("node_modules/@pulumi/tls/package.json", "utf8")) as {
      version: string;
    };
    const install = async (name: string) => {
      await mkdir(join(folder, "users", "plugins", name), { recursive: true });
      const file = join(folder, "users", "plugins", name, "pulumi-resource-tls");
      await writeFile(file, "#!/bin/sh\n");
      await chmod(file, 0o755);
    };
    await install("resource-tls-v0.0.1");
    assert.deepEqual(await choosePlugins(options()), all);
    await install(`resource-tls-v${version}`);
    assert.deepEqual(
      await choosePlugins(options()),
      all.filter((name) => name !== "pulumi-resource-tls"),
    );
    assert.equal(await readlink(join(folder, "home", "plugins")), join(folder, "users", "plugins"));
  });

  test("the user can ask for the stand-ins", async () => {
    await writeFile(join(folder, "bin", "pulumi-language-nodejs"), "#!/bin/sh\n", { mode: 0o755 });
    env = { ...env, ONLOAD_KMM_PLUGINS: "stand-ins" };
    assert.deepEqual(await choosePlugins(options()), all);
    assert.deepEqual(await calls(), []);
  });

  test("only the stand-ins that are needed come on PATH", async () => {
    const target = join(folder, "on path");
    await writeStandIns(target, all);
    const folders = await writeStandIns(target, ["pulumi-resource-tls"]);
    assert.deepEqual(folders, [join(target, "pulumi-resource-tls")]);
    const [own = ""] = folders;
    assert.deepEqual(await readdir(own), ["pulumi-resource-tls"]);
    const plugin = spawn(join(own, "pulumi-resource-tls"), ["127.0.0.1:1"], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [port] = (await once(plugin.stdout, "data")) as [Buffer];
    plugin.kill("SIGKILL");
    assert.match(port.toString(), /^\d+\n/, "a plugin tells its port first");
  });

  test("a stand-in that is there stays: another command may be about to start it", async () => {
    const target = join(folder, "on path");
    const [own = ""] = await writeStandIns(target, ["pulumi-resource-tls"]);
    const file = join(own, "pulumi-resource-tls");
    const { ino, mtimeMs } = await stat(file);
    await Promise.all([writeStandIns(target, all), writeStandIns(target, all), choosePlugins(options())]);
    const now = await stat(file);
    assert.deepEqual([now.ino, now.mtimeMs], [ino, mtimeMs]);
  });
});

test("a failed installation is remembered for a day", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "note-"));
  t.after(() => rm(folder, { recursive: true }));
  const note = join(folder, "note.json");
  const tried = Date.parse("2026-01-01T12:00:00Z");
  assert.equal(await isFresh(note, tried), false);
  await writeFile(note, JSON.stringify({ tried: new Date(tried) }));
  assert.equal(await isFresh(note, tried + 23 * 3_600_000), true);
  assert.equal(await isFresh(note, tried + 25 * 3_600_000), false);
  assert.equal(await isFresh(note, tried - 1), false, "a clock that went back");
  await writeFile(note, "{");
  assert.equal(await isFresh(note, tried), false);
});

test("an executable is named as the engine looks for it", () => {
  assert.equal(executableOf({ kind: "resource", name: "tls", version: "1.0.0" }), "pulumi-resource-tls");
});
