import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { accountNamespace, rbacManifests } from "../../../core/cluster/rbacManifests.ts";
import { kindOf, rightsOf, type RightsFor } from "../../../core/cluster/rights.ts";
import { inWords, isGranted, needsOf, type Need, type Rule } from "../../../core/cluster/rightsGranted.ts";

const plain: RightsFor = { namespace: "onload-kmm", strategy: "driver-toolkit", nextKernels: false };
const registry = {
  repository: "registry.example.com/team/onload",
  pushSecret: "openshift-config/onload-push",
  pullSecret: "openshift-config/onload-push",
};

interface Manifest {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string; readonly labels?: Record<string, string> };
  readonly rules?: readonly Rule[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
  readonly subjects?: readonly object[];
}

const manifests = (settings: RightsFor): Manifest[] =>
  parseAllDocuments(rbacManifests({ ...settings, stack: "prod" })).map(
    (document) => (document as { toJS: () => unknown }).toJS() as Manifest,
  );

/** What the manifests allow, as single needs. */
const allowed = (settings: RightsFor): string[] =>
  manifests(settings).flatMap(({ metadata: { namespace }, rules = [] }) =>
    rules.flatMap(({ verbs, apiGroups, resources, resourceNames }) =>
      needsOf({
        group: apiGroups?.[0] ?? "",
        resource: resources?.[0] ?? "",
        verbs,
        why: "",
        ...(resourceNames && { names: resourceNames }),
        ...(namespace !== undefined && { namespace }),
      }).map(text),
    ),
  );

const text = (need: Need): string => inWords([need]).join();

describe("the rights of a stack", () => {
  for (const settings of [plain, { ...plain, strategy: "entitled-ubi" as const, nextKernels: true, registry }]) {
    test(`the manifests allow just that, each thing once: ${settings.strategy}`, () => {
      const needed = rightsOf(settings).flatMap(needsOf).map(text);
      assert.deepEqual(allowed(settings), needed);
      assert.equal(new Set(needed).size, needed.length);
    });

    test(`each Role is bound to the one account, where it is: ${settings.strategy}`, () => {
      const all = manifests(settings);
      const roles = all.filter(({ rules }) => rules !== undefined);
      assert.ok(roles.length >= 4);
      for (const { kind, metadata } of roles) {
        const binding = all.find(
          (each) => each.kind === `${kind}Binding` && each.metadata.namespace === metadata.namespace,
        );
        assert.equal(binding?.roleRef?.name, metadata.name);
        assert.deepEqual(binding.subjects, [
          { kind: "ServiceAccount", name: "onload-kmm", namespace: accountNamespace },
        ]);
      }
    });
  }

  test("the stack's namespace bears the label that preview knows it by", () => {
    const own = manifests(plain).find(({ kind, metadata }) => kind === "Namespace" && metadata.name === "onload-kmm");
    assert.deepEqual(own?.metadata.labels, { "onload-kmm.io/stack": "prod" });
  });

  test("nothing is allowed by a wildcard, and no Secret anywhere but in the stack's namespace, unless by its name", () => {
    for (const right of rightsOf({ ...plain, strategy: "entitled-ubi", nextKernels: true, registry })) {
      assert.doesNotMatch([kindOf(right), ...right.verbs, ...(right.names ?? [])].join(), /\*/);
      if (right.resource !== "secrets" || right.namespace === "onload-kmm") continue;
      assert.ok(right.namespace !== undefined && right.names?.length === 1, right.why);
      assert.deepEqual(right.verbs, ["get"]);
    }
  });

  test("one Secret that is used twice is one right", () => {
    const secrets = rightsOf({ ...plain, registry }).filter(({ namespace }) => namespace === "openshift-config");
    assert.deepEqual(
      secrets.map(({ resource, names }) => [resource, names]),
      [
        ["secrets", ["onload-push"]],
        ["configmaps", undefined],
      ],
    );
  });

  test("each rule has its reason above it", () => {
    const lines = rbacManifests({ ...plain, stack: "prod" }).split("\n");
    const rules = lines.flatMap((line, index) => (line.includes("- apiGroups:") ? [index] : []));
    assert.equal(rules.length, rightsOf(plain).length);
    for (const index of rules) assert.match(lines[index - 1] ?? "", /^ {2}# \S/);
  });
});

describe("what an account's rules allow", () => {
  const need = (change: Partial<Need> = {}): Need => ({ verb: "get", group: "", resource: "pods", ...change });
  const rule = (change: Partial<Rule> = {}): Rule => ({
    verbs: ["get"],
    apiGroups: [""],
    resources: ["pods"],
    ...change,
  });

  const cases: readonly (readonly [string, boolean, Need, Rule])[] = [
    ["itself", true, need(), rule()],
    ["another verb", false, need({ verb: "list" }), rule()],
    ["another group", false, need({ group: "apps" }), rule()],
    ["another resource", false, need({ resource: "secrets" }), rule()],
    ["anything", true, need({ group: "apps" }), rule({ verbs: ["*"], apiGroups: ["*"], resources: ["*"] })],
    ["a subresource isn't its resource", false, need({ resource: "pods/log" }), rule()],
    ["a subresource by name", true, need({ resource: "pods/log" }), rule({ resources: ["pods/log"] })],
    ["a subresource of any", true, need({ resource: "pods/log" }), rule({ resources: ["*/log"] })],
    ["another subresource of any", false, need({ resource: "pods/eviction" }), rule({ resources: ["*/log"] })],
    ["one object by name", true, need({ name: "a" }), rule({ resourceNames: ["b", "a"] })],
    ["another object", false, need({ name: "c" }), rule({ resourceNames: ["b", "a"] })],
    ["any object, by a rule for one", false, need(), rule({ resourceNames: ["a"] })],
    ["one object, by a rule for any", true, need({ name: "a" }), rule({ resourceNames: [] })],
    ["what isn't a resource", false, need(), { verbs: ["get"] }],
  ];
  for (const [what, granted, asked, given] of cases) {
    test(what, () => assert.equal(isGranted(asked, [rule({ verbs: [] }), given]), granted));
  }

  test("in words: verbs on one kind in one place together", () => {
    const builds = { group: "build.openshift.io", resource: "builds/log", namespace: "x" };
    assert.deepEqual(
      inWords([
        need({ verb: "list" }),
        need({ ...builds }),
        need({ verb: "watch" }),
        need({ name: "a", namespace: "x" }),
      ]),
      [
        "list, watch pods in the whole cluster",
        "get builds.build.openshift.io/log in namespace x",
        'get pods "a" in namespace x',
      ],
    );
  });
});
