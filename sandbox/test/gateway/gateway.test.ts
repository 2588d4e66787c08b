import assert from "node:assert/strict";
import { request, type RequestOptions } from "node:https";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { after, before, describe, test } from "node:test";
import { KubeConfig } from "@kubernetes/client-node";
import { buffer } from "node:stream/consumers";
import { pack } from "tar-stream";
import { kubeconfigFile } from "../../controlPlane/credentials.ts";
import { Informer, Kube, type KubeObject, type Resource } from "../../kube.ts";
import { INTERNAL_REGISTRY } from "../../openshift/imageReference.ts";
import { Registry } from "../../openshift/registry.ts";
import { type Build, buildConfigs, builds, imageStreams } from "../../openshift/resources.ts";
import { type Sandbox, startSandbox } from "../../sandbox.ts";
import { SWITCHES_TARGET } from "../../switches.ts";

const core = { group: "", version: "v1", namespaced: true } as const;
const configMaps: Resource<KubeObject & { data?: Record<string, string> }> = {
  ...core,
  plural: "configmaps",
  kind: "ConfigMap",
};
const namespaces: Resource = { ...core, plural: "namespaces", kind: "Namespace", namespaced: false };
const events: Resource<KubeObject & { reason?: string; message?: string }> = {
  ...core,
  plural: "events",
  kind: "Event",
};

let sandbox: Sandbox;
/** Through the gateway, as its users go. */
let kube: Kube;
/** Past it. */
let direct: Kube;
let connection: { server: string; options: RequestOptions };

before(async () => {
  sandbox = await startSandbox({ nodes: 1 });
  kube = await Kube.fromKubeconfig(sandbox.kubeconfig);
  direct = await Kube.fromKubeconfig(kubeconfigFile(sandbox.dir, "standins.kubeconfig"));
  const config = new KubeConfig();
  config.loadFromFile(sandbox.kubeconfig);
  const options: RequestOptions = {};
  await config.applyToHTTPSOptions(options);
  connection = { server: config.getCurrentCluster()?.server ?? "", options };
  await set({ "build.seconds": "0.1" });
});

after(async () => {
  kube.close();
  direct.close();
  await sandbox.stop({ purge: true });
});

const set = (data: Record<string, string | null>): Promise<unknown> =>
  direct.patch(configMaps, SWITCHES_TARGET, { data });

async function until<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 120_000;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > deadline) throw new Error(`timed out: ${what}`);
    await sleep(25);
  }
}

/** A namespace with an ImageStream and a binary BuildConfig, both named `app`. */
async function project(namespace: string, spec: Record<string, unknown> = {}): Promise<void> {
  await kube.create(namespaces, { metadata: { name: namespace } });
  const metadata = { namespace, name: "app" };
  await kube.create(imageStreams, { metadata });
  const output = { to: { kind: "ImageStreamTag", name: "app:latest" } };
  const strategy = { type: "Docker", dockerStrategy: {} };
  await kube.create(buildConfigs, {
    metadata,
    spec: { source: { type: "Binary", binary: {} }, strategy, output, ...spec },
  });
}

async function archive(dockerfile: string): Promise<Buffer> {
  const tar = pack();
  tar.entry({ name: "Dockerfile" }, dockerfile);
  tar.finalize();
  return gzipSync(await buffer(tar));
}

/** Posts a context; `cutAfter` bytes the connection is cut. */
async function upload(
  namespace: string,
  body: Buffer,
  options: { token?: string; cutAfter?: number; query?: string } = {},
): Promise<{ code: number; text: string }> {
  const path = `/apis/build.openshift.io/v1/namespaces/${namespace}/buildconfigs/app/instantiatebinary${options.query ?? ""}`;
  const headers =
    options.token === undefined ? connection.options.headers : { Authorization: `Bearer ${options.token}` };
  return new Promise((resolve, reject) => {
    const { ca } = connection.options;
    const outgoing = request(new URL(path, connection.server), { method: "POST", ca, headers }, (answer) => {
      text(answer).then((found) => resolve({ code: answer.statusCode ?? 0, text: found }), reject);
    });
    outgoing.on("error", reject);
    if (options.cutAfter === undefined) outgoing.end(body);
    else
      outgoing.write(body.subarray(0, options.cutAfter), () =>
        setTimeout(() => outgoing.destroy(new Error("cut")), 300),
      );
  });
}

const build = (namespace: string, name: string): Promise<Build> => kube.get(builds, { namespace, name });
const ended = (namespace: string, name: string): Promise<Build> =>
  until(`build ${name} to end`, async () => {
    const found = await build(namespace, name);
    return found.status?.completionTimestamp !== undefined && found;
  });
const log = (namespace: string, name: string, query = ""): Promise<string> =>
  sandbox.kubectl(["get", "--raw", `/apis/build.openshift.io/v1/namespaces/${namespace}/builds/${name}/log${query}`]);

const GOOD = "FROM scratch\nCOPY Dockerfile /x\n";

describe("pass-through", () => {
  test("a watch streams, and goes on after its connections were cut", async (t) => {
    const names: string[] = [];
    const scope = { namespace: "default", labelSelector: "test=watch" };
    const informer = new Informer(
      kube,
      configMaps,
      { changed: ({ metadata }) => names.push(metadata.name ?? "") },
      scope,
    );
    t.after(() => informer.stop());
    await informer.synced();
    const create = (name: string) =>
      direct.create(configMaps, { metadata: { namespace: "default", name, labels: { test: "watch" } } });
    await create("one");
    await until("the first event", () => Promise.resolve(names.includes("one")));
    await set({ "gateway.cut": "0" });
    await assert.rejects(kube.list(configMaps, scope));
    await create("two");
    await set({ "gateway.cut": null });
    await until("the second event", () => Promise.resolve(names.includes("two")));
    assert.deepEqual(names, ["one", "two"]);
  });

  test("a wrong token is the API server's own 401", async () => {
    await assert.rejects(kube.withToken("Bearer wrong").list(namespaces), { status: 401 });
  });
});

describe("instantiatebinary", () => {
  test("numbers the builds, answers 201 with the running one, and its end names the digest", async () => {
    await project("binary");
    const answer = await upload("binary", await archive(GOOD));
    assert.equal(answer.code, 201);
    const running = JSON.parse(answer.text) as Build;
    assert.deepEqual([running.metadata.name, running.status?.phase], ["app-1", "Running"]);
    const followed = await log("binary", "app-1", "?follow=true");
    assert.match(
      followed,
      /STEP 1\/2: FROM scratch\n[^]*Push successful\nSuccessfully pushed \S+@sha256:[0-9a-f]{64}\n$/,
    );
    const digest = (await ended("binary", "app-1")).status?.output?.to?.imageDigest ?? "";
    assert.ok(followed.includes(digest));
    const stream = await kube.get(imageStreams, { namespace: "binary", name: "app" });
    assert.equal(stream.status?.tags?.[0]?.items?.[0]?.image, digest);
    const repository = stream.status.dockerImageRepository ?? "";
    const registry = Registry.open(sandbox.dir);
    assert.ok(registry.resolve(`${repository}@${digest}`) !== undefined);
    assert.equal((JSON.parse((await upload("binary", await archive(GOOD))).text) as Build).metadata.name, "app-2");
    await ended("binary", "app-2");
    await kube.delete(imageStreams, { namespace: "binary", name: "app" });
    await until("the images to be forgotten", () =>
      Promise.resolve(registry.resolve(`${repository}@${digest}`) === undefined),
    );
  });

  test("builds that push at once leave all their tags: none overwrites what another has just written", async () => {
    await project("together");
    const tags = Array.from({ length: 8 }, (_, at) => `t${at}`);
    for (const tag of tags) {
      const output = { to: { kind: "DockerImage", name: `${INTERNAL_REGISTRY}/together/app:${tag}` } };
      await kube.create(builds, {
        metadata: { namespace: "together", name: tag },
        spec: { source: { dockerfile: "FROM scratch\n" }, strategy: { type: "Docker", dockerStrategy: {} }, output },
      });
    }
    for (const tag of tags) await ended("together", tag);
    const stream = await kube.get(imageStreams, { namespace: "together", name: "app" });
    assert.deepEqual(stream.status?.tags?.map(({ tag }) => tag).sort(), tags);
  });

  test("a failing build: 201 all the same, then Failed with reason, message and the log's end", async () => {
    await project("failing");
    assert.equal((await upload("failing", await archive("FROM scratch\nCOPY *.zip /\n"))).code, 201);
    const { status } = await ended("failing", "app-1");
    assert.deepEqual(
      [status?.phase, status?.reason, status?.message],
      ["Failed", "DockerBuildFailed", "Dockerfile build strategy has failed."],
    );
    assert.match(status?.logSnippet ?? "", /error: build error: building at STEP/);
    assert.match(await log("failing", "app-1"), /no items matching glob "\/\*\.zip"/);
  });

  test("a build that is cancelled before it runs is a 400 in OpenShift's words", async () => {
    await project("early");
    await set({ "build.pending": "^early/" });
    const answer = upload("early", await archive(GOOD));
    await until(
      "the build to be pending",
      async () => (await kube.find(builds, { namespace: "early", name: "app-1" }))?.status?.phase === "Pending",
    );
    await kube.patch(builds, { namespace: "early", name: "app-1" }, { status: { cancelled: true } });
    const { code, text: body } = await answer;
    await set({ "build.pending": null });
    assert.equal(code, 400);
    assert.match(body, /"message":"build app-1 was cancelled"/);
  });

  test("an interrupted upload cancels the build", async () => {
    await project("cut");
    const body = await archive(GOOD);
    await assert.rejects(upload("cut", body, { cutAfter: 20 }), /cut/);
    const { status } = await ended("cut", "app-1");
    assert.deepEqual([status?.phase, status?.reason], ["Cancelled", "CancelledBuild"]);
  });

  test("callers need the permission, by their own token", async () => {
    await project("rights");
    await until("the service account", async () =>
      (await sandbox.kubectl(["get", "serviceaccounts", "-n", "rights", "-o", "name"])).includes("builder"),
    );
    const token = (await sandbox.kubectl(["create", "token", "builder", "-n", "rights"])).trim();
    const { code, text: body } = await upload("rights", await archive(GOOD), { token });
    assert.equal(code, 403);
    assert.match(
      body,
      /buildconfigs\.build\.openshift\.io \\"app\\" is forbidden: cannot create resource \\"buildconfigs\/instantiatebinary\\"/,
    );
    assert.equal((await upload("rights", await archive(GOOD), { token: "wrong" })).code, 401);
    assert.deepEqual((await kube.list(builds, { namespace: "rights" })).items, []);
  });

  test("what isn't there is a 404, an unknown option a 400", async () => {
    assert.equal((await upload("nowhere", await archive(GOOD))).code, 404);
    assert.equal((await upload("rights", await archive(GOOD), { query: "?revision=1" })).code, 400);
  });
});

describe("builds", () => {
  test("one after the other, and only as many are kept as the limits say", async () => {
    await project("history", { successfulBuildsHistoryLimit: 1, failedBuildsHistoryLimit: 0 });
    for (const dockerfile of [GOOD, "FROM scratch\nCOPY nothing /\n", GOOD, GOOD])
      await upload("history", await archive(dockerfile));
    await ended("history", "app-4");
    await until("the older builds to go", async () => {
      const { items } = await kube.list(builds, { namespace: "history" });
      return items.map(({ metadata }) => metadata.name).join() === "app-4";
    });
  });

  test("their spec can't change, and an ended one stays ended", async () => {
    await project("fixed");
    await upload("fixed", await archive(GOOD));
    await ended("fixed", "app-1");
    const target = { namespace: "fixed", name: "app-1" };
    await assert.rejects(kube.patch(builds, target, { spec: { serviceAccount: "other" } }), /spec is immutable/);
    await assert.rejects(
      kube.patch(builds, target, { status: { phase: "Running" } }),
      /phase cannot be updated from a terminal state/,
    );
  });

  test("a build for an ImageStream that isn't there waits in New, and says why", async () => {
    await project("no-output");
    const output = { to: { kind: "ImageStreamTag", name: "missing:latest" } };
    const strategy = { type: "Docker", dockerStrategy: {} };
    const source = { type: "Dockerfile", dockerfile: "FROM scratch\n" };
    await kube.create(builds, { metadata: { namespace: "no-output", name: "b" }, spec: { source, strategy, output } });
    const waiting = await until("the reason", async () => {
      const found = await build("no-output", "b");
      return found.status?.reason !== undefined && found;
    });
    assert.deepEqual([waiting.status?.phase, waiting.status?.reason], ["New", "InvalidOutputReference"]);
    await kube.create(imageStreams, { metadata: { namespace: "no-output", name: "missing" } });
    assert.equal((await ended("no-output", "b")).status?.phase, "Complete");
  });
});

test("a switch with a slip of the pen is refused by an Event", async () => {
  await set({ "build.fial": "." });
  const told = await until("the Event", async () => {
    const { items } = await kube.list(events, { namespace: SWITCHES_TARGET.namespace });
    return items.find(({ reason }) => reason === "UnknownSwitch");
  });
  await set({ "build.fial": null });
  assert.match(told.message ?? "", /^switch build\.fial: unknown; known are (?:[\w.-]+, )*build\.fail, /);
});

test("a Build that is made with an empty phase, as clients in Go do it, is New; one with a phase that isn't is refused", async () => {
  await kube.create(namespaces, { metadata: { name: "phases" } });
  const build = (name: string, phase: string): Build => ({
    metadata: { namespace: "phases", name },
    spec: { source: { type: "Dockerfile", dockerfile: "FROM scratch" }, serviceAccount: "nobody" },
    status: { phase } as Build["status"] & object,
  });
  assert.equal((await kube.create(builds, build("empty", ""))).status?.phase, "New");
  await assert.rejects(kube.create(builds, build("wrong", "Asleep")), /status\.phase: Unsupported value: "Asleep"/);
});
