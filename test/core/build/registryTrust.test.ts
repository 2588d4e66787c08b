import assert from "node:assert/strict";
import { test } from "node:test";
import { canBeAsked, registryProblems, type RegistryFacts } from "../../../core/build/registryTrust.ts";

const registry = {
  repository: "registry.example.com:5000/team/onload",
  pushSecret: "openshift-config/onload-push",
  pullSecret: "mirrors/pull",
  caConfigMap: "registry-cas",
};
const good: RegistryFacts = {
  pushSecret: { type: "kubernetes.io/dockerconfigjson", fits: true },
  pullSecret: { type: "kubernetes.io/dockerconfigjson", fits: false },
  caKeys: ["registry.example.com..5000"],
  trusted: { name: "registry-cas", keys: ["registry.example.com..5000"] },
};

test("a registry as it should be has no problems, and may be asked", () => {
  assert.deepEqual(registryProblems(registry, good), []);
  assert.equal(canBeAsked(registry, good), true);
});

for (const [what, change, expected] of [
  [
    "the Secret to push isn't there",
    { pushSecret: undefined },
    /registry\.pushSecret: found "openshift-config\/onload-push", but the cluster has no such Secret; create it with `kubectl -n openshift-config create secret docker-registry onload-push --docker-server=registry\.example\.com:5000 …`/,
  ],
  [
    "it is of another type",
    { pushSecret: { type: "Opaque", fits: false } },
    /registry\.pushSecret: .*a Secret of type Opaque, expected kubernetes\.io\/dockerconfigjson/,
  ],
  [
    "it is for another registry",
    { pushSecret: { ...good.pushSecret, fits: false } },
    /registry\.pushSecret: .*without user and password for registry\.example\.com:5000.*; add an entry/,
  ],
  [
    "the Secret to pull isn't there",
    { pullSecret: undefined },
    /registry\.pullSecret: found "mirrors\/pull", but the cluster has no such Secret/,
  ],
  [
    "the ConfigMap isn't there",
    { caKeys: undefined },
    /registry\.caConfigMap: .*openshift-config has no such ConfigMap; create it with .*--from-file=registry\.example\.com\.\.5000=CA\.pem/,
  ],
  [
    "it has another key",
    { caKeys: ["ca.crt"] },
    /registry\.caConfigMap: .*no key registry\.example\.com\.\.5000 .*its keys are ca\.crt/,
  ],
  [
    "the cluster names none",
    { trusted: undefined },
    /names none as spec\.additionalTrustedCA, so that nodes and builds don't trust .*; set it to registry-cas/,
  ],
  [
    "the cluster names another one",
    { trusted: { name: "others", keys: [] } },
    /names others as .*; add the key registry\.example\.com\.\.5000 to that ConfigMap and name it here/,
  ],
  ["the registry refuses", { refusal: "it is away" }, /registry\.repository: found ".*\/team\/onload": it is away/],
] as const) {
  test(`nothing begins when ${what}, and the message says what to do`, () => {
    const problems = registryProblems(registry, { ...good, ...change } as RegistryFacts);
    assert.equal(problems.length, 1, problems.join("\n"));
    assert.match(problems[0] ?? "", expected);
  });
}

test("a registry isn't asked with a Secret that is amiss: that would be the same problem twice", () => {
  assert.equal(canBeAsked(registry, { ...good, pushSecret: undefined }), false);
});
