import assert from "node:assert/strict";
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, test } from "node:test";
import { ensureDirectory, removeDirectory } from "../../controlPlane/directory.ts";
import { defaultClusterId } from "../../controlPlane/lifecycle.ts";
import { filesOf, playedKmm, readState, writeState, type State } from "../../controlPlane/state.ts";
import { stateDirectory } from "../../paths.ts";
import { UserError } from "../../userError.ts";

const state: State = {
  version: 1,
  clusterId: defaultClusterId,
  workers: 3,
  secureBoot: false,
  kmm: "2.4.1",
  compact: false,
  ports: { etcd: 21_000, etcdPeer: 21_001, apiServer: 21_002, gateway: 21_003 },
  installed: true,
  configured: true,
  processes: { etcd: { pid: 42, started: "boot/1" } },
};

test("an upgrade of KMM's own programs is no concern of the stand-ins, which play none", () => {
  const real: State = { ...state, kmmFolder: "/kmm-2.4.1" };
  assert.equal(playedKmm({ ...real, kmm: "2.4", kmmFolder: "/kmm-2.4" }), playedKmm(real));
  assert.notEqual(playedKmm({ ...state, kmm: "2.4" }), playedKmm(state));
});

describe("the state directory", () => {
  let parent: string;
  let dir: string;
  beforeEach(async () => {
    parent = await mkdtemp(join(tmpdir(), "state-"));
    dir = join(parent, "sandbox");
  });
  afterEach(() => rm(parent, { recursive: true }));

  test("the state is read as it was written", async () => {
    assert.equal(await readState(dir), undefined);
    await writeState(dir, state);
    assert.deepEqual(await readState(dir), state);
  });

  test("a sandbox from before `--kmm` has 2.4.1", async () => {
    const { kmm, ...older } = state;
    await writeState(dir, state);
    await writeFile(filesOf(dir).state, JSON.stringify(older));
    assert.equal((await readState(dir))?.kmm, kmm);
  });

  test("a damaged state is refused with its file and what is wrong", async () => {
    await writeState(dir, state);
    await writeFile(filesOf(dir).state, JSON.stringify({ ...state, ports: { ...state.ports, etcd: 0 } }));
    await assert.rejects(readState(dir), (error: Error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /state\.json.*ports\.etcd/s);
      return true;
    });
    await writeFile(filesOf(dir).state, "{");
    await assert.rejects(readState(dir), UserError);
  });

  test("it is for its owner alone, and goes with --purge", async () => {
    await ensureDirectory(dir);
    assert.equal((await stat(dir)).mode & 0o077, 0);
    await writeState(dir, state);
    await ensureDirectory(dir);
    await removeDirectory(dir);
    assert.deepEqual(await readdir(parent), []);
  });

  test("a directory with something else in it is neither taken nor removed", async () => {
    await mkdir(dir);
    await writeFile(join(dir, "thesis.txt"), "");
    await assert.rejects(ensureDirectory(dir), /thesis\.txt/);
    await removeDirectory(dir);
    assert.deepEqual(await readdir(dir), ["thesis.txt"]);
  });
});

test("the directory is the flag's, else the environment's, else .sandbox", () => {
  const env = { ONLOAD_KMM_SANDBOX: "/from/env", INIT_CWD: "/where/typed" };
  assert.equal(stateDirectory("/from/flag", env), "/from/flag");
  assert.equal(stateDirectory("here", env), "/where/typed/here");
  assert.equal(stateDirectory(undefined, env), "/from/env");
  assert.match(stateDirectory(undefined, {}), /\/\.sandbox$/);
});
