import assert from "node:assert/strict";
import { test } from "node:test";
import { CopiedSecret } from "../../components/copiedSecret.ts";
import { leaks, mentions, ownsOnStack } from "./fixtures.ts";
import { named, record, unknown, type RecordOptions } from "./harness.ts";

const entitlement = "ZW50aXRsZW1lbnQta2V5";
const source = { namespace: "openshift-config-managed", name: "etc-pki-entitlement" };
const copy = (options: RecordOptions) =>
  record(() => new CopiedSecret("entitlement", { ...ownsOnStack, source, namespace: "onload-kmm" }, {}), options);

const original: RecordOptions["outputs"] = ({ name }) =>
  name === "entitlement-source" ? { data: { "entitlement.pem": entitlement }, type: "Opaque" } : {};

test("the Secret is copied under its name into the namespace of the builds", async () => {
  const { inputs, parent, dependencies } = named(await copy({ outputs: original }), "entitlement", ":Secret");
  assert.equal(inputs["type"], "Opaque");
  assert.deepEqual(inputs["data"], { secret: { "entitlement.pem": entitlement } });
  assert.deepEqual(inputs["metadata"], {
    name: "etc-pki-entitlement",
    namespace: "onload-kmm",
    annotations: { "pulumi.com/patchFieldManager": "onload-kmm-dev" },
    labels: { "app.kubernetes.io/managed-by": "onload-kmm", "onload-kmm.io/stack": "dev" },
  });
  assert.equal(parent, "entitlement");
  assert.deepEqual(dependencies, ["entitlement-source"]);
});

test("the original is read, never owned", async () => {
  const all = await copy({ outputs: original });
  assert.deepEqual(
    all.filter(({ read }) => read).map(({ name, type }) => `${name} ${type}`),
    ["entitlement-source kubernetes:core/v1:Secret"],
  );
});

test("the entitlement is a secret in every place it appears", async () => {
  const all = await copy({ outputs: original });
  assert.deepEqual(leaks(all, entitlement), []);
  assert.deepEqual(mentions(all, entitlement), ["entitlement"]);
});

test("a preview in which the original isn't known yet shows the copy", async () => {
  const { inputs } = named(await copy({ preview: true }), "entitlement", ":Secret");
  assert.deepEqual(inputs["data"], { secret: unknown });
});
