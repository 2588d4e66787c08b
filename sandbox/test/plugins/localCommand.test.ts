import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { hasUnknown, secret, UNKNOWN } from "../../plugins/core/values.ts";
import { asStored, comparable } from "./comparable.ts";
import { ProviderClient, ProviderError, type ResourceName, urnOf } from "./providerClient.ts";
import { recorded } from "./recorded.ts";

const LOCAL: ResourceName = { type: "command:local:Command", name: "local" };

describe("local.Command", () => {
  let provider: ProviderClient;
  let directory: string;

  before(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), "local-command-"));
    provider = await ProviderClient.start("command", {}, directory);
  });
  after(async () => {
    await provider.stop();
    rmSync(directory, { recursive: true });
  });

  test("stores what the real plugin stored", async () => {
    const real = recorded(LOCAL.type);
    const checked = await provider.check(LOCAL, real.inputs);
    assert.deepEqual(checked, { inputs: real.inputs, failures: [] });
    const made = await provider.create(LOCAL, checked.inputs);
    assert.match(made.id, /^local[0-9a-f]{8}$/);
    assert.match(real.id, /^local[0-9a-f]{8}$/);
    const stored = asStored(made.outputs, real.additionalSecretOutputs);
    assert.deepEqual(comparable(stored), comparable(real.outputs));
  });

  test("names itself a stand-in for the version that the program's SDK wants, once", async () => {
    const said = provider.plugin.lines.filter((line) => line.message.includes("stand-in"));
    assert.deepEqual(
      said.map(({ severity, ephemeral }) => ({ severity, ephemeral })),
      [{ severity: "info", ephemeral: false }],
    );
    assert.equal(await provider.version(), "1.2.1");
  });

  test("keeps its configuration as the real plugin does", async () => {
    const real = recorded("pulumi:providers:command");
    const { inputs } = await provider.checkConfig({ version: "1.2.1" });
    assert.deepEqual(inputs, real.outputs);
  });

  test("runs nothing in a preview and shows its output as unknown", async () => {
    const touched = path.join(directory, "previewed");
    const preview = await provider.create(LOCAL, { create: `touch ${touched}` }, { preview: true });
    assert.equal(preview.id, "");
    assert.deepEqual(preview.outputs, { create: `touch ${touched}`, stdout: UNKNOWN, stderr: UNKNOWN });
    assert.equal(existsSync(touched), false);
  });

  test("runs in the plugin's directory with /bin/sh, stdin and environment", async () => {
    const create = 'pwd; echo "$0 $GREETING"; cat; echo problem >&2';
    const made = await provider.make(LOCAL, { create, stdin: secret("secret"), environment: { GREETING: "hello" } });
    assert.equal(made.outputs["stdout"], `${directory}\n/bin/sh hello\nsecret`);
    assert.equal(made.outputs["stderr"], "problem");
    assert.deepEqual(made.outputs["stdin"], secret("secret"));
  });

  test("takes another interpreter and directory", async () => {
    const made = await provider.make(LOCAL, { create: "pwd", interpreter: ["/bin/sh", "-e", "-c"], dir: "/" });
    assert.equal(made.outputs["stdout"], "/");
    await assert.rejects(provider.make(LOCAL, { create: "pwd", dir: "/not/there" }), {
      message: 'chdir /not/there: no such file or directory: running "pwd":\n',
    });
    await assert.rejects(provider.make(LOCAL, { create: "pwd", interpreter: ["no-such-shell"] }), {
      message: 'exec: "no-such-shell": executable file not found in $PATH: running "pwd":\n',
    });
  });

  test("fails with the exit status, the command's text and both streams, but never stdin", async () => {
    const create = "echo out; echo err >&2; exit 3";
    await assert.rejects(provider.make(LOCAL, { create, stdin: "do not show" }), (error: ProviderError) => {
      assert.match(error.message, /^exit status 3: running "echo out; echo err >&2; exit 3":\n/);
      assert.match(error.message, /out\n/);
      assert.match(error.message, /err\n/);
      assert.doesNotMatch(error.message, /do not show/);
      assert.equal(error.state, undefined);
      return true;
    });
  });

  test("sends lines to the engine's display as the logging mode says", async () => {
    const create = "echo out; echo err >&2; echo last";
    const expected = { stdout: ["out", "last"], stderr: ["err"], stdoutAndStderr: ["out", "err", "last"], none: [] };
    for (const [logging, lines] of Object.entries(expected)) {
      const resource = { ...LOCAL, name: `logging-${logging}` };
      await provider.make(resource, { create, logging });
      const seen = provider.plugin.lines.filter((line) => line.urn === urnOf(resource));
      assert.deepEqual(seen.map((line) => line.message).sort(), [...lines].sort(), logging);
      assert.ok(seen.every((line) => line.ephemeral && line.severity === "info"));
    }
  });

  test("reruns update, or create without one, when any input changes", async () => {
    const made = await provider.make(LOCAL, { create: "echo one", environment: { A: "1" } });
    const news = { create: "echo one $A", environment: { A: "2" } };
    const diff = await provider.diff(LOCAL, made, news);
    assert.deepEqual(Object.keys(diff.detailed).sort(), ["create", "environment.A"]);
    assert.deepEqual([diff.changed, diff.replaces], [true, []]);
    assert.equal((await provider.update(LOCAL, made, news)).outputs["stdout"], "one 2");
    const withUpdate = { ...news, update: "echo other" };
    assert.equal((await provider.update(LOCAL, made, withUpdate)).outputs["stdout"], "other");
    assert.equal((await provider.diff(LOCAL, made, made.inputs)).changed, false);
  });

  test("previews an update as unknown when an input that the state has differs", async () => {
    const made = await provider.make(LOCAL, { create: "echo one" });
    const changed = await provider.update(LOCAL, made, { create: "echo two" }, { preview: true });
    assert.ok(hasUnknown(changed.outputs["stdout"]));
    const added = await provider.update(LOCAL, made, { create: "echo one", update: "true" }, { preview: true });
    assert.equal(added.outputs["stdout"], "one");
  });

  test("replaces when triggers change, the new one first", async () => {
    const made = await provider.make(LOCAL, { create: "true", triggers: ["a"] });
    const diff = await provider.diff(LOCAL, made, { create: "true", triggers: ["b"] });
    assert.deepEqual(diff.replaces, ["triggers[0]"]);
    assert.equal(diff.deleteBeforeReplace, false);
  });

  test("deletes with the stored command, stdin and environment", async () => {
    const file = path.join(directory, "deleted");
    const inputs = { create: "true", delete: `cat >${file}; echo $A >>${file}`, stdin: "in ", environment: { A: "x" } };
    await provider.delete(LOCAL, await provider.make(LOCAL, inputs));
    assert.equal(readFileSync(file, "utf8"), "in x\n");
  });

  test("passes the previous output on unless it is told not to", async () => {
    const update = 'echo "[$PULUMI_COMMAND_STDOUT|$PULUMI_COMMAND_STDERR]"';
    for (const [passOn, seen] of [
      [true, "[out|err]"],
      [false, "[|]"],
    ] as const) {
      const inputs = { create: "echo out; echo err >&2", addPreviousOutputInEnv: passOn };
      const made = await provider.make(LOCAL, inputs);
      assert.equal((await provider.update(LOCAL, made, { ...inputs, update })).outputs["stdout"], seen);
    }
  });

  test("refuses by name what it doesn't do", async () => {
    const { failures } = await provider.check(LOCAL, { create: "true", assetPaths: ["a"], colour: "red", dir: 3 });
    assert.deepEqual(failures, [
      "assetPaths: the stand-in for pulumi-resource-command does not do assetPaths",
      "colour: unexpected input",
      "dir: expected string",
    ]);
    await assert.rejects(provider.check({ type: "command:remote:CopyToRemote", name: "copy" }, {}), {
      message: /has no resource type command:remote:CopyToRemote/,
    });
  });

  test("read takes the state for the truth", async () => {
    const made = await provider.make(LOCAL, { create: "echo once" });
    assert.deepEqual(await provider.read(LOCAL, made), made);
  });
});

describe("local.run", () => {
  test("runs each time and gives its arguments back with the output", async () => {
    const provider = await ProviderClient.start("command");
    try {
      const args = { command: "echo $A; cat", environment: { A: "1" }, stdin: "in", logging: "none" };
      assert.deepEqual(await provider.invoke("command:local:run", args), { ...args, stdout: "1\nin", stderr: "" });
      await assert.rejects(provider.invoke("command:local:run", { command: "exit 9", assetPaths: ["x"] }), {
        message: "assetPaths: the stand-in for pulumi-resource-command does not do assetPaths",
      });
      await assert.rejects(provider.invoke("command:local:walk", {}), {
        message: /has no function command:local:walk/,
      });
    } finally {
      await provider.stop();
    }
  });
});
