import assert from "node:assert/strict";
import { existsSync, mkdtempSync, rmdirSync } from "node:fs";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { type ApiServer, startApiServer } from "./apiServer.ts";
import { EngineLab, processesOf, type Run, until } from "./engineLab.ts";
import { MODULES, NODES } from "./kubernetesFixtures.ts";

const NAMESPACES = { group: "", version: "v1", plural: "namespaces", kind: "Namespace", namespaced: false };
const SECRETS = { group: "", version: "v1", plural: "secrets", kind: "Secret", namespaced: true };
const MODULE = { name: "module", namespace: "stand-ins" };

/** Resources that the stack makes: the Secret that it reads doesn't count. */
const RESOURCES = 15;

describe("the real engine with the stand-ins", () => {
  let server: ApiServer;
  let lab: EngineLab;

  before(async () => {
    server = await startApiServer();
    await server.kube.create(NODES, { metadata: { name: "n1" } });
    const source = { metadata: { name: "source", namespace: "default" }, data: { pem: "eA==" } };
    await server.kube.create(SECRETS, source);
    lab = await EngineLab.start(server.kubeconfig);
  });
  after(async () => {
    await lab.stop();
    await server.stop();
  });

  test("preview shows everything and makes nothing", async () => {
    const { output } = succeeded(await lab.run(["preview"]));
    assert.match(output, new RegExp(`\\+ ${RESOURCES} to create`));
    assert.equal(await server.kube.find(NAMESPACES, { name: "stand-ins" }), undefined);
  });

  test("up makes everything, says that plugins are stand-ins, and shows no secret", async () => {
    const { output } = succeeded(await lab.up());
    assert.match(output, new RegExp(`\\+ ${RESOURCES} created`));
    for (const plugin of [
      "language-nodejs",
      "resource-command",
      "resource-kubernetes",
      "resource-tls",
      "resource-random",
    ]) {
      assert.ok(output.includes(`pulumi-${plugin}: a stand-in for`), plugin);
    }
    for (const text of [output, await lab.stateFile()]) {
      assert.doesNotMatch(text, /PRIVATE KEY/);
      assert.doesNotMatch(text, /\$2a\$10\$/);
    }
    const local = (await lab.resources()).find(({ type }) => type === "command:local:Command");
    assert.match(local?.id ?? "", /^local[0-9a-f]{8}$/);
    const node = await server.kube.get(NODES, { name: "n1" });
    assert.equal(node.metadata.labels?.["onload-kmm.io/stack"], "dev");
  });

  test("up again changes nothing", async () => {
    const { output } = succeeded(await lab.up());
    assert.match(output, new RegExp(`\\n +${RESOURCES} unchanged\\n`));
  });

  test("a changed input updates, a ConfigMap's data replaces", async () => {
    const { output: preview } = succeeded(await lab.run(["preview", "--diff", "-c", "program:v=2"]));
    assert.match(preview, /~ 4 to update\n +\+-1 to replace/);
    assert.match(preview, /~ version: "1" => "2"/);
    const { output } = succeeded(await lab.up("-c", "program:v=2"));
    assert.match(output, /~ 4 updated\n +\+-1 replaced/);
    const live = await server.kube.get(MODULES, MODULE);
    assert.deepEqual((live as unknown as { spec: unknown }).spec, { version: "2" });
  });

  test("refresh sees what is gone, and up makes it again", async () => {
    await server.kube.delete(MODULES, MODULE);
    assert.match(succeeded(await lab.run(["refresh", "--yes", "--skip-preview"])).output, /- 1 deleted/);
    assert.match(succeeded(await lab.up()).output, /\+ 1 created/);
  });

  test("a plugin that is killed in the middle fails the up, and the next one recovers", async () => {
    const [held, running] = await holding();
    const [plugin] = await processesOf(lab.dir, "command/plugin.ts");
    assert.ok(plugin);
    process.kill(plugin, "SIGKILL");
    const killed = await running.ended;
    assert.notEqual(killed.exitCode, 0);
    rmdirSync(held);
    assert.match(succeeded(await lab.up()).output, /~ 1 updated/);
    assert.match(succeeded(await lab.up()).output, new RegExp(`\\n +${RESOURCES} unchanged\\n`));
  });

  test("an engine that is killed takes its plugins along", async () => {
    const [held, running] = await holding();
    assert.ok(running.child.pid);
    process.kill(running.child.pid, "SIGKILL");
    await until(async () => (await processesOf(lab.dir, "sandbox/plugins/")).length === 0);
    await until(async () => (await processesOf(lab.dir, "cmd/run/")).length === 0);
    rmdirSync(held);
    await running.ended;
    succeeded(await lab.run(["cancel", "--yes"]));
    assert.match(succeeded(await lab.up()).output, /~ 1 updated/);
  });

  test("destroy removes everything and runs the command's delete", async () => {
    const { output } = succeeded(await lab.run(["destroy", "--yes", "--skip-preview"]));
    assert.match(output, new RegExp(`- ${RESOURCES} deleted`));
    assert.deepEqual(await lab.resources(), []);
    assert.equal(await server.kube.find(NAMESPACES, { name: "stand-ins" }), undefined);
    assert.equal((await server.kube.get(NODES, { name: "n1" })).metadata.labels, undefined);
    assert.ok(existsSync(path.join(lab.dir, "deleted")));
    assert.deepEqual(await processesOf(lab.dir, "sandbox/plugins/"), []);
  });

  /** An up whose command has started and waits for a directory to go. */
  async function holding(): Promise<[string, ReturnType<EngineLab["spawn"]>]> {
    const held = mkdtempSync(path.join(lab.dir, "held-"));
    const running = lab.spawn(["up", "--yes", "--skip-preview", "-c", `program:hold=${held}`]);
    await until(async () => (await processesOf(lab.dir, "while [ -d")).length > 0);
    return [held, running];
  }
});

function succeeded(run: Run): Run {
  assert.equal(run.exitCode, 0, run.output);
  return run;
}
