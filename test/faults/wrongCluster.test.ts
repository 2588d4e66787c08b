/** Every way to the wrong cluster: nothing may ever be written there. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { after, before, describe, test } from "node:test";
import { parse, stringify } from "yaml";
import { startSandbox, type Sandbox } from "../../sandbox/sandbox.ts";
import { writesBy } from "../stack/cluster.ts";
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

  test("an expired token ends preview and destroy at once, with the API server's own word", async () => {
    const config = parse(own) as Kubeconfig;
    for (const { user } of config.users) user.token = "expired";
    await edit(stringify(config));
    for (const verb of ["preview", "destroy"] as const) {
      const { exitCode, output } = await scene.stack[verb]();
      assert.notEqual(exitCode, 0, verb);
      assert.match(output, /Unauthorized/);
    }
    await edit(own);
    await scene.assertFull();
  });
});
