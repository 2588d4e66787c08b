import assert from "node:assert/strict";
import { test } from "node:test";
import { missingOf, orphans, remadeAnnotations, remadeAt, standsOn } from "../../../core/cluster/ownObjects.ts";
import { moduleSpec } from "../../../core/build/moduleSpec.ts";

const module = {
  spec: moduleSpec({
    strategy: "driver-toolkit",
    stack: "dev",
    image: "registry/onload-kmod:1-${KERNEL_FULL_VERSION}",
    kernels: ["5.14.0-1.el9.x86_64"],
    dockerfileConfigMap: "onload-dockerfile-1",
    buildArgs: [],
    buildSecrets: ["etc-pki-entitlement"],
    keySecret: "onload-signing-key-1",
    certSecret: "onload-signing-cert-1",
  }),
};

test("our own Module refers to each object that must be there", () => {
  assert.deepEqual(Object.values(standsOn(module)), [
    "serviceaccount/onload-kmm-module",
    "rolebinding.rbac.authorization.k8s.io/onload-kmm-module-privileged",
    "buildconfig.build.openshift.io/onload-srpm",
    "imagestream.image.openshift.io/onload-srpm",
    "secret/etc-pki-entitlement",
    "secret/onload-signing-key-1",
    "secret/onload-signing-cert-1",
    "configmap/onload-dockerfile-1",
  ]);
});

test("a Module with a registry of its own stands on that one's Secret, and on no ImageStream", () => {
  const outside = { spec: { ...module.spec, imageRepoSecret: { name: "onload-registry" } } };
  assert.equal(standsOn(outside)["registry-secret"], "secret/onload-registry");
  assert.equal(standsOn(outside)["source-stream"], undefined);
});

test("without the Module the objects with a hash in their names are known by their beginnings", () => {
  for (const wanted of [orphans(false), orphans(true)]) {
    const names = Object.values(wanted).map((name) => (name.endsWith("-") ? `${name}1` : name));
    assert.deepEqual(missingOf(wanted, names), {});
    assert.deepEqual(missingOf(wanted, names.slice(1)), { module: wanted.module });
  }
  assert.deepEqual(
    missingOf(standsOn(module), ["configmap/onload-dockerfile-12"])["dockerfile"],
    "configmap/onload-dockerfile-1",
  );
});

test("what was made again keeps its time, and what is missing now gets the look's", () => {
  const [then, now] = ["2026-11-25T03:00:00.000Z", "2026-11-26T03:00:00.000Z"];
  const first = remadeAt(then, { module: "module/onload", dockerfile: "configmap/a" });
  const second = remadeAt(now, { module: "module/onload" }, { "example.com/other": "1", ...remadeAnnotations(first) });
  assert.deepEqual(second, { module: { since: now, isGone: true }, dockerfile: { since: then, isGone: false } });
  assert.deepEqual(remadeAt(now, {}, remadeAnnotations(second)), {
    module: { since: now, isGone: false },
    dockerfile: { since: then, isGone: false },
  });
});
