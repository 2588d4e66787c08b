/** Every way to the wrong cluster: nothing may ever be written there. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { parse, stringify } from "yaml";
import { startSandbox, type Sandbox } from "@onload-kmm/sandbox/sandbox";
import { writesBy } from "../stack/cluster.ts";
import { start } from "./running.ts";
import { namespace, Scene } from "./scene.ts";

interface Kubeconfig {
  clusters: { name: string }[];
  contexts: { name: string; context: { cluster: string; user: string } }[];
  users: { name: string; user: { token: string } }[];
  "current-context": string;
}

describe("the wrong cluster", { concurrency: false }, () => {
  let scene: Scene;
  let other: Sandbox;
  let own: string;

  before(async () => {
    scene = await Scene.start();
    other = await startSandbox({ clusterId: "00000000-5a4d-4b0c-8000-000000000002" });
    own = await readFile(scene.stack.sandbox.kubeconfig, "utf8");
    // What a `destroy` that goes astray would find there.
    await other.kubectl(["create", "namespace", namespace]);
    await other.kubectl(["label", "node", "worker-1", "onload-kmm.io/stack=dev"]);
  });
  after(async () => {
    await other.stop({ purge: true });
    await scene.end();
  });

  const edit = (text: string): Promise<void> => writeFile(scene.stack.sandbox.kubeconfig, text);

  /** Runs `work` while the stack's kubeconfig leads to the other cluster, and tells what was written there. */
  async function astray(work: () => Promise<unknown>): Promise<unknown[]> {
    const before = (await other.auditLog()).length;
    await edit(await readFile(other.kubeconfig, "utf8"));
    try {
      await work();
    } finally {
      await edit(own);
    }
    return writesBy("admin", (await other.auditLog()).slice(before));
  }

  test("preview, up and destroy of a half-made stack refuse an edited kubeconfig, and write nothing", async () => {
    await scene.set({ "build.fail": "onload-build" });
    assert.notEqual((await scene.stack.up()).exitCode, 0);
    await scene.set({ "build.fail": null });

    const written = await astray(async () => {
      for (const verb of ["preview", "up", "destroy"] as const) {
        const { exitCode, output } = await scene.stack[verb]();
        assert.notEqual(exitCode, 0, verb);
        assert.match(
          output,
          /wrong cluster: context "sandbox" .* leads to the cluster 00000000-5a4d-4b0c-8000-000000000002/,
        );
      }
    });
    assert.deepEqual(written, []);
    assert.ok((await other.kubectl(["get", "namespace", namespace])).includes("Active"));
  });

  test("back on its own cluster the same stack is finished", async () => {
    await scene.again("up");
    await scene.assertFull();
  });

  test("destroy of the finished stack refuses, too, and writes nothing", async () => {
    const written = await astray(async () => {
      const { exitCode, output } = await scene.stack.destroy();
      assert.notEqual(exitCode, 0);
      assert.match(output, /wrong cluster/);
    });
    assert.deepEqual(written, []);
    await scene.again("up");
    await scene.assertFull();
  });

  test("a stack that is moved to another cluster, or to another namespace, is refused before anything changes", async () => {
    const config = await scene.stack.config();
    const there = { kubeconfig: other.kubeconfig, context: "sandbox", id: "00000000-5a4d-4b0c-8000-000000000002" };
    await other.kubectl(["label", "namespace", namespace, "onload-kmm.io/stack=dev"]);
    const before = (await other.auditLog()).length;
    const moves = [
      ["onload-kmm:cluster", there, /a stack keeps its name, cluster and namespace for life: its cluster was/],
      ["onload-kmm:namespace", "elsewhere", /lives in onload-kmm; a stack keeps its namespace for life/],
    ] as const;
    for (const [key, value, refusal] of moves) {
      await scene.stack.configure({ ...config, config: { ...config.config, [key]: value } });
      const { exitCode, output, steps } = await scene.stack.up();
      assert.notEqual(exitCode, 0);
      assert.match(output, refusal);
      assert.deepEqual(steps, []);
    }
    assert.deepEqual(writesBy("admin", (await other.auditLog()).slice(before)), []);
    await scene.stack.configure(config);
    await scene.again("up", "--expect-no-changes");
    await scene.assertFull();
  });

  test("a switched current context changes nothing: the configured one counts", async () => {
    const [mine, theirs] = [parse(own) as Kubeconfig, parse(await readFile(other.kubeconfig, "utf8")) as Kubeconfig];
    const named = <T extends { name: string }>(items: T[]) => items.map((item) => ({ ...item, name: "other" }));
    const contexts = [{ name: "other", context: { cluster: "other", user: "other" } }];
    await edit(
      stringify({
        ...mine,
        clusters: [...mine.clusters, ...named(theirs.clusters)],
        users: [...mine.users, ...named(theirs.users)],
        contexts: [...mine.contexts, ...contexts],
        "current-context": "other",
      }),
    );
    const { exitCode, output } = await scene.stack.up("--expect-no-changes");
    await edit(own);
    assert.equal(exitCode, 0, output);
  });

  test("an expired token ends preview, up and destroy at once, with the API server's own word", async () => {
    await edit(expired());
    for (const verb of ["preview", "up", "destroy"] as const) {
      const { exitCode, output } = await scene.stack[verb]();
      assert.notEqual(exitCode, 0, verb);
      assert.match(output, /You must be logged in to the server \(Unauthorized\); .*log in again/);
    }
    await edit(own);
    await scene.assertFull();
  });

  test("a token that expires in the middle ends `up`, and with a new one the next ends in the full state", async () => {
    await scene.set({ "build.hang": "onload-build" });
    const running = start(scene.stack, "up", "--config", "onload-kmm:rebuild=1");
    assert.ok(await running.says(/onload-build-[\w-]+: Running/), running.output);
    await edit(expired());
    const { exitCode, output } = await running.end();
    await edit(own);
    assert.notEqual(exitCode, 0);
    assert.match(output, /You must be logged in to the server .*log in again, then run the same command again/);

    await scene.set({ "build.hang": null });
    await scene.again("up", "--config", "onload-kmm:rebuild=1");
    await scene.assertFull();
  });

  test("a refresh that goes astray writes nothing, and `up` on the own cluster finds again what it forgot", async () => {
    const written = await astray(async () => {
      await scene.stack.pulumi("refresh", "--yes", "--skip-preview", ...ofStack());
    });
    assert.deepEqual(written, []);
    await scene.again("up");
    await scene.assertFull();
  });

  test("destroy goes to the stack's own cluster, whatever the configuration and KUBECONFIG say by then", async () => {
    const before = (await other.auditLog()).length;
    const config = await scene.stack.config();
    const cluster = { ...(config.config["onload-kmm:cluster"] as object), kubeconfig: other.kubeconfig };
    await scene.stack.configure({ ...config, config: { ...config.config, "onload-kmm:cluster": cluster } });
    for (const verb of ["preview", "up"] as const) assert.match((await scene.stack[verb]()).output, /wrong cluster/);

    const env = { KUBECONFIG: other.kubeconfig };
    const destroyed = await scene.stack.sandbox.pulumi(["destroy", "--yes", "--skip-preview", ...ofStack()], { env });
    assert.equal(destroyed.exitCode, 0, destroyed.stdout + destroyed.stderr);
    assert.deepEqual(writesBy("admin", (await other.auditLog()).slice(before)), []);
    await scene.assertGone();
  });

  const ofStack = (): string[] => ["--stack", "dev", "--config-file", scene.stack.configFile, "--non-interactive"];

  function expired(): string {
    const config = parse(own) as Kubeconfig;
    for (const { user } of config.users) user.token = "expired";
    return stringify(config);
  }
});
