/** A stack's key that must stay, its life after `destroy`, and what its images lose between two `up`s. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { names } from "../../core/names.ts";
import { rsaPair } from "../core/configuration/pems.ts";
import { namespace, Scene } from "./scene.ts";

describe("a stack that ends and begins again", { concurrency: false }, () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.start({
      nodes: 1,
      configure: ({ config }) => (config["onload-kmm:signing"] = { source: "generated", protect: true }),
    });
    await scene.again("up");
  });
  after(() => scene.end());

  test("a protected key: `destroy` is refused before the first deletion, with the way to go on", async () => {
    const { exitCode, output, steps } = await scene.stack.destroy();
    assert.notEqual(exitCode, 0, output);
    assert.match(output, /signing\.protect is true: the signing key must not be deleted; nothing was deleted/);
    assert.deepEqual(
      steps.filter(({ op }) => op === "delete"),
      [],
    );
    await scene.assertFull();
    assert.equal((await scene.stack.up("--expect-no-changes")).exitCode, 0);
  });

  test("a key that is protected no longer: `up` changes no node, and `destroy` then deletes all", async () => {
    await configure("onload-kmm:signing", { source: "generated", protect: false });
    const { exitCode, output, steps } = await scene.stack.up();
    assert.equal(exitCode, 0, output);
    assert.deepEqual(steps.map(({ op, name }) => `${op} ${name}`).sort(), ["update guard", "update signing-guard"]);
    await scene.again("destroy");
    await scene.assertGone();
  });

  test("`destroy`, then `up` with the same key: it is built again, though the node still has the old images", async () => {
    const { key, certificate } = await rsaPair();
    await configure("onload-kmm:signing", { source: "existing" });
    await configure("onload-kmm:signingCertificate", certificate);
    const { stack } = scene;
    const secret = ["config", "set", "--secret", "onload-kmm:signingKey", "--stack", "dev"];
    const set = await stack.sandbox.pulumi([...secret, "--config-file", stack.configFile], { input: key });
    assert.equal(set.exitCode, 0, set.stderr);
    await scene.again("up");
    await scene.assertFull();
    await scene.again("destroy");
    await scene.assertGone();

    await scene.again("up");
    await scene.assertFull();
  });

  test("the source's ImageStream, deleted by hand: `up` makes it and uploads the source again", async () => {
    const stream = ["imagestreams.image.openshift.io", names.srpmImageStream, "-n", namespace];
    await scene.kubectl("delete", ...stream);
    await scene.again("up", "--config", "onload-kmm:rebuild=1");
    const tags = (await scene.get(...stream))?.status?.["tags"] as unknown[] | undefined;
    assert.equal(tags?.length, 1);
    await scene.assertFull();
  });

  test("the Module deleted by hand, and then the namespace with all in it: `up` makes, builds and loads everything again", async () => {
    await scene.kubectl("delete", "modules.kmm.sigs.x-k8s.io", "onload", "-n", namespace);
    await scene.kubectl("delete", "namespace", namespace);
    const { exitCode, output } = await scene.stack.preview();
    assert.equal(exitCode, 0, output);
    assert.match(output, /deleted by hand in namespace onload-kmm: namespace\/onload-kmm, module\.kmm/);
    await scene.again("up");
    await scene.assertFull();
    const { output: said, steps } = await scene.stack.up("--expect-no-changes");
    assert.deepEqual(steps, [], said);
  });

  async function configure(key: string, value: unknown): Promise<void> {
    const stack = await scene.stack.config();
    stack.config[key] = value;
    await scene.stack.configure(stack);
  }
});
