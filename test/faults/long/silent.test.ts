/** What KMM keeps to itself: the program names it within a minute, with the remedy, and the remedy helps. */
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { kmm } from "../../../core/names.ts";
import { start } from "../running.ts";
import { namespace, Scene } from "../scene.ts";

const rebuild = (count: number): [string, string] => ["--config", `onload-kmm:rebuild=${count}`];

/** A rebuild of the Module alone, with the roll-out on worker-1: what else is missing isn't made again by it. */
const alone = (count: number): string[] => [
  ...rebuild(count),
  ...["module", "module-build", "worker-1-roll"].flatMap((name) => ["--target", `**::${name}`]),
];

/** Seconds within which a silent failure must be named, once its step has begun. */
const minute = 60;

describe("what KMM keeps to itself", { concurrency: false }, () => {
  let scene: Scene;

  before(async () => {
    scene = await Scene.start();
    await scene.again("up");
  });
  after(() => scene.end());

  /** Runs `up` to its failure and tells how long after `begin` it said `what`. */
  async function secondsUntilSaid(begin: RegExp, what: RegExp, ...args: string[]): Promise<number> {
    const running = start(scene.stack, "up", ...args);
    assert.ok(await running.says(begin), running.output);
    const began = Date.now();
    assert.ok(await running.says(what), running.output);
    const seconds = (Date.now() - began) / 1000;
    assert.notEqual((await running.end()).exitCode, 0);
    return seconds;
  }

  test("a deleted Dockerfile ConfigMap is named by an `up` that mustn't make it, and the next one makes it again", async () => {
    await scene.kubectl("-n", namespace, "delete", "configmap", "-l", "onload-kmm.io/stack=dev");
    const named = /somebody deleted what KMM needs in namespace onload-kmm: configmap\/onload-dockerfile-\w+/;
    assert.ok((await secondsUntilSaid(/module-build updating/, named, ...alone(1))) < minute);
    await scene.again("up");
    await scene.assertFull();
  });

  test("a deleted signing key is named by an `up` that mustn't make it, and the next one makes it again", async () => {
    const secrets = await scene.list("secrets", "-n", namespace, "-l", "onload-kmm.io/stack=dev");
    const key = secrets.map(({ metadata }) => metadata.name).find((name) => name.startsWith("onload-signing-key"));
    await scene.kubectl("-n", namespace, "delete", "secret", key ?? assert.fail());
    const named = new RegExp(`somebody deleted what KMM needs .*secret/${key}`);
    assert.ok((await secondsUntilSaid(/module-build updating/, named, ...alone(2))) < minute);
    await scene.again("up");
    await scene.assertFull();
  });

  test("a deleted ServiceAccount is named by an `up` that mustn't make it, and the next one makes it again", async () => {
    await scene.kubectl("-n", namespace, "delete", "serviceaccount", "onload-kmm-module");
    const named = /KMM can't make its worker pod: somebody deleted the ServiceAccount onload-kmm-module/;
    assert.ok((await secondsUntilSaid(/worker-1: KMM may load/, named, ...alone(3))) < minute);
    await scene.again("up");
    await scene.assertFull();
  });

  test("a worker that can't pull its image is named and taken away, and the second `up` loads", async () => {
    await scene.set({ "pull.fail": "onload-kmod" });
    const named = /kmm-worker-worker-1-onload can't pull its image/;
    assert.ok((await secondsUntilSaid(/worker-1: KMM may load/, named, ...rebuild(4))) < minute);
    await scene.set({ "pull.fail": null });
    await scene.again("up");
    await scene.assertFull();
  });

  test("a pull pod that no node takes is named, and goes on once one does", async () => {
    const nodes = (await scene.list("nodes")).map(({ metadata }) => metadata.name);
    await scene.kubectl("cordon", ...nodes);
    const running = start(scene.stack, "up", ...rebuild(5));
    assert.ok(
      await running.says(/onload-pull-pod-\w+, with which KMM looks for the image, doesn't start/),
      running.output,
    );
    await scene.kubectl("uncordon", ...nodes);
    const { exitCode, output } = await running.end();
    assert.equal(exitCode, 0, output);
    await scene.assertFull();
  });

  test("a pull pod that failed hangs forever: it is named, and once it is deleted KMM looks again", async () => {
    const nodes = (await scene.list("nodes")).map(({ metadata }) => metadata.name);
    await scene.kubectl("cordon", ...nodes);
    const running = start(scene.stack, "up", ...rebuild(6));
    const pod = await scene.until("the pull pod", async () => {
      const pods = await scene.list("pods", "-n", namespace, "-l", kmm.imageOwnerLabel);
      return pods.find(({ metadata }) => metadata.deletionTimestamp === undefined)?.metadata.name;
    });
    const failed = JSON.stringify({ status: { phase: "Failed" } });
    await scene.kubectl("-n", namespace, "patch", "pod", pod, "--subresource=status", "--type=merge", "-p", failed);
    const began = Date.now();
    assert.ok(await running.says(new RegExp(`${pod}, with which KMM looks for the image, failed`)), running.output);
    assert.ok(Date.now() - began < minute * 1000);
    assert.notEqual((await running.end()).exitCode, 0);

    assert.match(running.output, new RegExp(`kubectl -n ${namespace} delete pod ${pod}`));
    await scene.kubectl("uncordon", ...nodes);
    await scene.kubectl("-n", namespace, "delete", "pod", pod);
    await scene.again("up");
    await scene.assertFull();
  });

  test("a Driver Toolkit that the cluster doesn't have is named, and `up` builds once it is there", async () => {
    const stream = ["imagestreams.image.openshift.io", "driver-toolkit", "-n", "openshift"];
    const { spec } = (await scene.get(...stream)) ?? assert.fail();
    const setTags = (tags: unknown) =>
      scene.kubectl("patch", ...stream, "--type=merge", "-p", JSON.stringify({ spec: { tags } }));
    await setTags([]);
    const named = /no Driver Toolkit image for 5\.14\S+: the ImageStream openshift\/driver-toolkit has no tag/;
    assert.ok((await secondsUntilSaid(/module-build updating/, named, ...rebuild(7))) < minute);
    await setTags(spec?.["tags"]);
    await scene.again("up");
    await scene.assertFull();
  });

  test("a Build that OpenShift doesn't start is named, and followed once it does", async () => {
    await scene.set({ "build.pending": "onload-build" });
    const running = start(scene.stack, "up", ...rebuild(8));
    assert.ok(await running.says(/OpenShift hasn't started onload-build-[\w-]+/), running.output);
    await scene.set({ "build.pending": null });
    const { exitCode, output } = await running.end();
    assert.equal(exitCode, 0, output);
    await scene.assertFull();
  });
});
