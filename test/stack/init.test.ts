/** `npm run init` on a sandbox: a file from nothing with which `preview` is clean, and what a second run says of it. */
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import { readAccess } from "@onload-kmm/sandbox/nodes/access";
import { parse, stringify } from "yaml";
import { writesBy } from "./cluster.ts";
import { startStack, type Stack, type StackConfig } from "./stack.ts";

const label = "feature.node.kubernetes.io/pci-1924.present";
const leftovers = ["get", "namespaces", "-l", "app.kubernetes.io/managed-by=onload-kmm-init", "-o", "name"];

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface Entry {
  readonly name: string;
  readonly address: string;
  readonly hostKey: string;
  readonly hold?: boolean;
}

describe("npm run init", { concurrency: false }, () => {
  let stack: Stack;
  let written: StackConfig;

  before(async () => {
    stack = await startStack({ nodes: 2 });
    written = await stack.config();
    await rm(stack.configFile);
  });
  after(async () => {
    await stack.end();
  });

  const file = (): Promise<string> => readFile(stack.configFile, "utf8");
  const entries = async (): Promise<Entry[]> => (await stack.config()).config["onload-kmm:nodes"] as Entry[];
  const inSandbox = (path: string): string => join(stack.sandbox.dir, path);
  const env = () => ({ ...process.env, ONLOAD_KMM_SANDBOX: stack.sandbox.dir });
  const known = () => ["dev", "--config-file", stack.configFile, "--kubeconfig", inSandbox("kubeconfig")];

  const init = (...args: string[]): Promise<Ran> => printed("scripts/init.ts", ...known(), ...args);

  /** As npm runs it, from a shell that knows nothing of the sandbox. */
  function printed(script: string, ...args: string[]): Promise<Ran> {
    const command = ["sandbox/operate.ts", script, ...args];
    return new Promise((resolve) => {
      execFile(process.execPath, command, { env: env(), cwd: projectRoot }, (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : 1, stdout, stderr });
      });
    });
  }

  /** All that a first run needs to know. The sandbox's nodes share an address: each has a port of its own. */
  function first(): string[] {
    const { package: zip } = written.config["onload-kmm:release"] as { package: string };
    const places = readAccess(stack.sandbox.dir).flatMap(({ name, address }) => ["--address", `${name}=${address}`]);
    return ["--context", "sandbox", "--release", zip, "--ssh-key", inSandbox("ssh/id_ed25519"), ...places];
  }

  async function leavesNothing(): Promise<void> {
    for (;;) {
      if ((await stack.sandbox.kubectl(leftovers)).trim() === "") return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }

  test("tells all that is missing at once, and which contexts there are", async () => {
    const { code, stdout, stderr } = await init();
    assert.deepEqual([code, stdout], [1, ""]);
    assert.match(stderr, /^3 problems, nothing was written:\n/);
    assert.match(stderr, /--context: missing; expected one of those in .*kubeconfig: sandbox\n/);
    assert.match(stderr, /--release: missing; .*\n.*--ssh-key: missing; /);
    assert.equal(existsSync(stack.configFile), false);
  });

  test("stopped while it reads host keys, it writes nothing and leaves nothing in the cluster", async () => {
    const { PATH } = await toolsOnPath();
    await stack.set({ "pull.fail": "ocp-v4.0-art-dev" });
    try {
      const command = ["scripts/init.ts", ...known(), ...first()];
      const child = spawn(process.execPath, command, { env: { ...env(), PATH }, cwd: projectRoot });
      let told = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        told += text;
        if (/ImagePull.*connection refused/.test(told)) child.kill("SIGINT");
      });
      const code = await new Promise((resolve) => child.once("exit", resolve));
      assert.equal(code, 130, told);
      assert.match(told, /waiting for host keys: .*worker-1: \w*ImagePull.*\nstopped; nothing was written\n$/s);
    } finally {
      await stack.set({ "pull.fail": "" });
    }
    assert.equal(existsSync(stack.configFile), false);
    await leavesNothing();
  });

  /** kubectl as the sandbox has it, for a program that isn't run by `operate.ts`. */
  async function toolsOnPath(): Promise<{ PATH: string }> {
    const { ensureToolchain } = await import("@onload-kmm/sandbox/toolchain/toolchain");
    const { bin } = await ensureToolchain();
    return { PATH: `${join(bin.kubectl, "..")}:${process.env["PATH"] ?? ""}` };
  }

  test("writes a file from nothing, with the nodes that NFD labels and the keys that they really have", async () => {
    await stack.sandbox.kubectl(["label", "node", "worker-2", `${label}-`]);
    const { code, stdout, stderr } = await init(...first());
    assert.equal(code, 0, stderr);
    assert.match(stdout, /written, for cluster \S+, OpenOnload 0\.9\.0\.1 and 1 node:\n {2}worker-1 /);
    const { config } = await stack.config();
    const sandboxs = written.config["onload-kmm:nodes"] as Entry[];
    const [{ name, address, hostKey } = assert.fail("no node")] = sandboxs;
    assert.deepEqual(config["onload-kmm:nodes"], [{ name, address, hostKey }]);
    for (const key of ["onload-kmm:cluster", "onload-kmm:release", "onload-kmm:ssh"]) {
      assert.deepEqual(config[key], written.config[key], key);
    }
    assert.match(await file(), /\n +# worker, pool worker\n +- name: worker-1\n/);
    await leavesNothing();
  });

  test("with it `preview` is clean", async () => {
    const { exitCode, output, steps } = await stack.preview();
    assert.equal(exitCode, 0, output);
    // The engine's own word on the sandbox's plugins isn't about the configuration.
    const told = output.split("\n").filter((line) => /^ *(warning|error): (?!using pulumi-\S+ from \$PATH)/.test(line));
    assert.deepEqual(told, []);
    assert.ok(steps.length > 10);
    assert.deepEqual([...new Set(steps.map(({ op }) => op))], ["create"]);
  });

  test("run again, it says that nothing differs, and keyscan finds the same keys", async () => {
    const before = await file();
    for (const way of ["api", "keyscan"]) {
      const { code, stdout, stderr } = await init("--host-keys", way);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /: nothing differs from the cluster and the release\.\n$/, way);
    }
    assert.equal(await file(), before);
  });

  test("tells a new node, one that is gone and another host key, and writes none of them unasked", async () => {
    const [{ hostKey: right } = assert.fail("no node")] = await entries();
    const { hostKey: wrong } = readAccess(stack.sandbox.dir).find(({ name }) => name === "worker-2") ?? assert.fail();
    const gone = `    - name: worker-9\n      address: 10.0.0.9\n      hostKey: ${wrong}\n`;
    const changed = (await file()).replace(right, wrong).replace(/(\n {6}hostKey: .*\n)/, `$1${gone}`);
    await writeFile(stack.configFile, changed);
    await stack.sandbox.kubectl(["label", "node", "worker-2", `${label}=true`]);
    const { code, stdout, stderr } = await init();
    assert.equal(code, 0, stderr);
    const key = "ssh-ed25519 SHA256:[\\w+/]{43}";
    assert.match(stdout, new RegExp(`\\n {2}host-keys {3}worker-1: ${key} → ${key}\\n`));
    assert.match(stdout, /\n {2}gone-nodes {2}worker-9: isn't in the cluster any more\n/);
    assert.match(
      stdout,
      new RegExp(`\\n {2}new-nodes {3}worker-2: new; worker, pool worker, 127\\.0\\.0\\.1, ${key}\\n`),
    );
    assert.match(
      stdout,
      /\nNothing was written\.\n.*\nTo take over what is right: --write host-keys,gone-nodes,new-nodes\n$/,
    );
    assert.equal(await file(), changed);
  });

  test("writes what it is asked for, and nothing else", async () => {
    const { stdout } = await init("--write", "host-keys");
    assert.match(stdout, /\nWritten: host-keys\.\nTo take over what is right: --write gone-nodes,new-nodes\n$/);
    assert.deepEqual(
      (await entries()).map(({ name }) => name),
      ["worker-1", "worker-9"],
    );
    const { code, stderr } = await init("--write", "gone-nodes,new-nodes", ...first());
    assert.equal(code, 0, stderr);
    const sandboxs = (written.config["onload-kmm:nodes"] as Entry[]).map(({ name, address, hostKey }) => [
      name,
      address,
      hostKey,
    ]);
    assert.deepEqual(
      (await entries()).map(({ name, address, hostKey }) => [name, address, hostKey]),
      sandboxs,
    );
    assert.match((await init()).stdout, /: nothing differs/);
    const { exitCode, output } = await stack.preview();
    assert.equal(exitCode, 0, output);
  });

  test("a list in a file of its own: compared and written there, previewed, and shown by status", async () => {
    const whole = await file();
    const { config, ...rest } = parse(whole) as StackConfig;
    const { "onload-kmm:nodes": nodes, ...others } = config;
    const list = inSandbox("nodes.yaml");
    const [first] = nodes as Entry[];
    await writeFile(list, stringify([first]));
    await writeFile(stack.configFile, stringify({ ...rest, config: { ...others, "onload-kmm:nodesFile": list } }));
    const named = await file();
    const places = readAccess(stack.sandbox.dir).flatMap(({ name, address }) => ["--address", `${name}=${address}`]);
    const { code, stdout, stderr } = await init("--write", "new-nodes", ...places);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /\n {2}new-nodes {3}worker-2: new; .*\nWritten: new-nodes\.\n$/);
    assert.equal(await file(), named);
    const written = parse(await readFile(list, "utf8")) as Entry[];
    assert.deepEqual(
      written.map(({ name, address, hostKey }) => [name, address, hostKey]),
      (nodes as Entry[]).map(({ name, address, hostKey }) => [name, address, hostKey]),
    );
    const { exitCode, output, steps } = await stack.preview();
    assert.equal(exitCode, 0, output);
    assert.ok(steps.some(({ name }) => name === "worker-2"));
    const status = await printed("scripts/status.ts", "--stack", "dev", "--config-file", stack.configFile, "--json");
    assert.deepEqual(
      (JSON.parse(status.stdout) as { nodes: { node: string }[] }).nodes.map(({ node }) => node).sort(),
      ["worker-1", "worker-2"],
    );
    await writeFile(list, "nodes: none\n");
    const { output: refused } = await stack.preview();
    assert.match(
      refused,
      /1 problem, nothing was changed:\n.*onload-kmm:nodesFile: found ".*", which holds no list, expected/,
    );
    await writeFile(stack.configFile, whole);
  });

  test("fills in a file that `pulumi stack init` has begun, and asks nothing of another cluster", async () => {
    const begun = "encryptionsalt: v1:3S+WRNuECpQ=:v1:bHDW5jcIm1zlOgSg:f6z/XlDIqLphKLOiTjRy6LBL9ZDB6w==\n";
    await writeFile(stack.configFile, begun);
    assert.equal((await init(...first())).code, 0);
    assert.ok((await file()).startsWith(begun));
    assert.equal((parse(await file()) as StackConfig).encryptionsalt, begun.trim().split(": ")[1]);
    const other = (await file()).replace(/(\n +id: )[0-9a-f]{8}/, "$17d1f3c52");
    await writeFile(stack.configFile, other);
    const sinceThen = (await stack.sandbox.auditLog()).length;
    const { code, stderr } = await init("--write", "cluster");
    assert.equal(code, 1);
    assert.match(stderr, /^another cluster: the context sandbox leads to /);
    assert.equal(await file(), other);
    assert.deepEqual(writesBy("admin", (await stack.sandbox.auditLog()).slice(sinceThen)), []);
  });
});
