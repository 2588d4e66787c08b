import assert from "node:assert/strict";
import { test } from "node:test";
import { RegistrySecret } from "../../components/registrySecret.ts";
import { leaks, ownsOnStack } from "./fixtures.ts";
import { named, record, unknown, type RecordOptions } from "./harness.ts";

const pushAuth = Buffer.from("pusher:push-password").toString("base64");
const pullAuth = Buffer.from("puller:pull-password").toString("base64");
const data = (auths: object) => ({
  data: { ".dockerconfigjson": Buffer.from(JSON.stringify({ auths })).toString("base64") },
});
const outputs: RecordOptions["outputs"] = ({ name }) =>
  name === "registry-push-source"
    ? data({ "registry.example.com": { auth: pushAuth } })
    : name === "registry-pull-source"
      ? data({ "registry.example.com": { auth: pullAuth }, "mirror.example.com": { auth: pullAuth } })
      : {};
const make = (options: RecordOptions, change: object = {}) => {
  const args = { ...ownsOnStack, namespace: "onload-kmm", pushSecret: "openshift-config/push", ...change };
  return record(() => new RegistrySecret("registry", args, {}), options);
};

/** What the Secret holds, seen behind the mark that it is secret. */
function contentOf(inputs: Readonly<Record<string, unknown>>): unknown {
  const [text] = Object.values((inputs["data"] as { secret: Record<string, string> }).secret);
  return JSON.parse(Buffer.from(text ?? "", "base64").toString("utf8"));
}

test("both Secrets become one in the builds' namespace, and who may push stands over who may not", async () => {
  const { inputs } = named(await make({ outputs }, { pullSecret: "team/pull" }), "registry", ":Secret");
  assert.equal(inputs["type"], "kubernetes.io/dockerconfigjson");
  assert.equal((inputs["metadata"] as { name: string }).name, "onload-registry");
  assert.deepEqual(contentOf(inputs), {
    auths: { "registry.example.com": { auth: pushAuth }, "mirror.example.com": { auth: pullAuth } },
  });
});

test("the originals are read, never owned, and no password is in plain sight", async () => {
  const all = await make({ outputs }, { pullSecret: "team/pull" });
  const read = all.filter((each) => each.read).map(({ name }) => name);
  assert.deepEqual(read, ["registry-pull-source", "registry-push-source"]);
  const { inputs } = named(all, "registry", ":Secret");
  assert.deepEqual(leaks(all, JSON.stringify(contentOf(inputs))), []);
  assert.deepEqual(leaks(all, pushAuth), []);
});

test("a preview in which an original isn't known yet shows the Secret", async () => {
  const { inputs } = named(await make({ preview: true }), "registry", ":Secret");
  assert.deepEqual(inputs["data"], { secret: unknown });
});
