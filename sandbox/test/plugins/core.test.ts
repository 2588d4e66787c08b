import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { diffMaps, replaces, replaceWhere } from "../../plugins/core/diff.ts";
import { nameOf, typeOf } from "../../plugins/core/service.ts";
import {
  equal,
  hasSecret,
  hasUnknown,
  type PropertyMap,
  reveal,
  secret,
  UNKNOWN,
  type Value,
} from "../../plugins/core/values.ts";
import { fromStruct, toStruct } from "../../plugins/core/wire.ts";
import { markSecrets, prune } from "../../plugins/kubernetes/checkpoint.ts";
import { parseWaitFor } from "../../plugins/kubernetes/conditions.ts";
import { kindOfType } from "../../plugins/kubernetes/kinds.ts";
import { normalizeInputs } from "../../plugins/kubernetes/normalize.ts";

/** Property maps; the keys are such as a state has. */
const keys = fc.string({ minLength: 1, maxLength: 8 }).filter((key) => !key.startsWith("__"));
const { value: anyValue } = fc.letrec<{ value: Value }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, true, false),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => number + 0),
    fc.string(),
    fc.array(tie("value"), { maxLength: 4 }),
    fc.dictionary(keys, tie("value"), { maxKeys: 4, noNullPrototype: true }),
  ),
}));
const maps = fc.dictionary(keys, anyValue, { maxKeys: 4, noNullPrototype: true });

describe("values", () => {
  test("a secret is one envelope, however often it is made secret", () => {
    assert.deepEqual(secret(secret("a")), secret("a"));
    assert.equal(reveal({ list: [secret({ deep: secret(1) })] }) !== null, true);
    assert.deepEqual(reveal({ list: [secret({ deep: secret(1) })] }), { list: [{ deep: 1 }] });
    assert.ok(hasSecret({ a: [{ b: secret(null) }] }));
    assert.equal(hasSecret({ a: [{ b: null }] }), false);
  });

  test("unknowns are found at every depth", () => {
    assert.ok(hasUnknown({ a: [secret(UNKNOWN)] }));
    assert.equal(hasUnknown({ a: ["known"] }), false);
  });

  test("becoming secret is a change", () => {
    assert.equal(equal("a", secret("a")), false);
    assert.ok(equal(secret({ a: [1] }), secret({ a: [1] })));
  });

  test("any map survives the wire", () => {
    fc.assert(fc.property(maps, (map) => assert.deepEqual(fromStruct(toStruct(map)), map)));
  });
});

describe("differences", () => {
  test("a map doesn't differ from itself, and does from any other", () => {
    fc.assert(fc.property(maps, (map) => diffMaps(map, map).size === 0));
    fc.assert(fc.property(maps, maps, (a, b) => diffMaps(a, b).size > 0 === !equal(a, b)));
  });

  test("are told by the smallest path, in the engine's notation", () => {
    const old = { a: { b: 1, c: 2 }, list: [1, { x: 1 }], "dotted.key": { "k/e": 1 }, hidden: secret("1") };
    const now = { a: { b: 2, d: 3 }, list: [1, { x: 2 }, 3], "dotted.key": { "k/e": 2 }, hidden: secret("2") };
    assert.deepEqual(Object.fromEntries(diffMaps(old, now)), {
      "a.b": "update",
      "a.c": "delete",
      "a.d": "add",
      "list[1].x": "update",
      "list[2]": "add",
      '["dotted.key"].k/e': "update",
      hidden: "update",
    });
  });

  test("replace where a rule says so", () => {
    const changes = replaceWhere(diffMaps({ a: 1, b: 1 }, { a: 2, c: 1 }), (path) => path !== "a");
    assert.deepEqual(Object.fromEntries(changes), { a: "update", b: "delete-replace", c: "add-replace" });
    assert.ok(replaces(changes));
    assert.equal(replaces(diffMaps({ a: 1 }, { a: 2 })), false);
  });
});

test("a URN's type is its last one, and its name may have colons", () => {
  const urn = "urn:pulumi:dev::onload-kmm::onload-kmm:index:SigningKey$tls:index/privateKey:PrivateKey::a::b:c";
  assert.equal(typeOf(urn), "tls:index/privateKey:PrivateKey");
  assert.equal(nameOf(urn), "a::b:c");
});

describe("Kubernetes inputs", () => {
  const kind = (type: string) => {
    const found = kindOfType(`kubernetes:${type}`);
    assert.ok(found);
    return found;
  };

  test("of built-in kinds lose what is empty, those of custom resources don't", () => {
    const metadata = { name: "x", labels: {}, annotations: { a: "" }, finalizers: [], uid: "read-only" };
    const normalized = normalizeInputs({ metadata, data: {}, immutable: null }, kind("core/v1:ConfigMap"));
    assert.deepEqual(normalized, { metadata: { name: "x", annotations: { a: "" } } });
    const custom = normalizeInputs({ metadata, spec: {} }, kind("kmm.sigs.x-k8s.io/v1beta1:Module"));
    assert.deepEqual(custom["spec"], {});
  });

  test("of a Secret: stringData wins over data, and base64 is re-encoded", () => {
    const secretKind = kind("core/v1:Secret");
    const folded = normalizeInputs({ data: { a: "b2xk", b: "Yg==" }, stringData: { a: "new" } }, secretKind);
    assert.deepEqual(folded, { data: { a: Buffer.from("new").toString("base64"), b: "Yg==" } });
    assert.deepEqual(normalizeInputs({ data: { a: "YWJj\nZGVm\n" } }, secretKind), { data: { a: "YWJjZGVm" } });
  });

  test("with unknowns stay as they are", () => {
    const inputs = { stringData: { a: UNKNOWN } };
    assert.deepEqual(normalizeInputs(inputs, kind("core/v1:Secret")), inputs);
  });
});

describe("Kubernetes outputs", () => {
  test("are secret where the inputs are, a list as a whole, a Secret's data always", () => {
    const marked = markSecrets(
      { spec: { a: "1", list: ["x", "y"] } },
      { spec: { a: secret("1"), list: ["x", secret("y")] } },
    );
    assert.deepEqual(marked, { spec: { a: secret("1"), list: secret(["x", "y"]) } });
    assert.deepEqual(markSecrets({ kind: "Secret", data: { k: "v" } }, {}), {
      kind: "Secret",
      data: secret({ k: "v" }),
    });
  });

  test("cut down to a shape have nothing that the shape doesn't", () => {
    const live = { spec: { a: 1, b: 2, list: [{ x: 1, y: 2 }, { z: 3 }] }, status: {} };
    assert.deepEqual(prune(live, { spec: { a: 9, list: [{ x: 9 }] }, other: 1 }), { spec: { a: 1, list: [{ x: 1 }] } });
    fc.assert(fc.property(maps, (map) => assert.deepEqual(prune(map, map), map)));
  });
});

describe("pulumi.com/waitFor", () => {
  const met = (expression: string, object: PropertyMap): boolean =>
    parseWaitFor(expression).every((condition) => condition.met(object));

  test("JSONPath: a value, or that the path is there", () => {
    assert.ok(met("jsonpath={.status.phase}=Active", { status: { phase: "Active" } }));
    assert.equal(met("jsonpath={.status.phase}=Active", { status: { phase: "Gone" } }), false);
    assert.ok(met("jsonpath={.status.ready}", { status: { ready: false } }));
    assert.equal(met("jsonpath={.status.ready}", { status: {} }), false);
    assert.ok(met("jsonpath={.status.count}=3", { status: { count: 3 } }));
  });

  test("JSONPath: not before the controller has seen the latest version", () => {
    const object = { metadata: { generation: 2 }, status: { observedGeneration: 1, phase: "Active" } };
    assert.equal(met("jsonpath={.status.phase}=Active", object), false);
    assert.ok(
      met("jsonpath={.status.phase}=Active", { ...object, status: { ...object.status, observedGeneration: 2 } }),
    );
  });

  test("condition: True unless another status is named", () => {
    const object = { status: { conditions: [{ type: "Ready", status: "False" }] } };
    assert.equal(met("condition=Ready", object), false);
    assert.ok(met("condition=Ready=False", object));
    assert.ok(met('["condition=Ready=False"]', object));
  });

  test("anything else is refused", () => {
    assert.throws(() => parseWaitFor("ready"), /expected a "jsonpath=" or "condition=" prefix/);
    assert.throws(() => parseWaitFor("jsonpath=.status.phase"), /should be wrapped in brackets/);
    assert.throws(() => parseWaitFor("[]"), /at least one condition/);
  });
});
