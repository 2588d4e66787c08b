import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { compare } from "bcryptjs";
import { isObject, reveal, secret, textOf, UNKNOWN } from "../../plugins/core/values.ts";
import { asStored, comparable } from "./comparable.ts";
import { ProviderClient, type ResourceName } from "./providerClient.ts";
import { recorded } from "./recorded.ts";

const PASSWORD: ResourceName = { type: "random:index/randomPassword:RandomPassword", name: "pw" };
const VOLATILE = { result: /^[A-Za-z0-9]{16}$/, bcryptHash: /^\$2a\$10\$[./A-Za-z0-9]{53}$/ };

describe("random.RandomPassword", () => {
  let provider: ProviderClient;
  before(async () => {
    provider = await ProviderClient.start("random");
  });
  after(() => provider.stop());

  const passwordOf = async (inputs: Record<string, string | number | boolean>): Promise<string> =>
    textOf(reveal((await provider.make(PASSWORD, inputs)).outputs["result"] ?? null));

  test("stores what the real plugin stored", async () => {
    const real = recorded(PASSWORD.type);
    const checked = await provider.check(PASSWORD, real.inputs);
    assert.deepEqual(checked, { inputs: real.inputs, failures: [] });
    const made = await provider.create(PASSWORD, checked.inputs);
    assert.equal(made.id, real.id);
    const stored = asStored(made.outputs, real.additionalSecretOutputs);
    assert.deepEqual(comparable(stored, VOLATILE), comparable(real.outputs, VOLATILE));
  });

  test("the hash is the password's", async () => {
    const { outputs } = await provider.make(PASSWORD, { length: 20 });
    const [result, hash] = [outputs["result"], outputs["bcryptHash"]].map((value) => textOf(reveal(value ?? null)));
    assert.equal(await compare(result ?? "", hash ?? ""), true);
    assert.equal(await compare(`${result ?? ""}x`, hash ?? ""), false);
  });

  test("takes characters from the classes asked for, and no two passwords are alike", async () => {
    assert.match(await passwordOf({ length: 40, upper: false, special: false, number: false }), /^[a-z]{40}$/);
    assert.match(
      await passwordOf({ length: 40, overrideSpecial: "-", lower: false, upper: false, numeric: false }),
      /^-+$/,
    );
    const counted = await passwordOf({ length: 8, minUpper: 2, minLower: 2, minNumeric: 2, minSpecial: 2 });
    assert.equal(counted.replace(/[^A-Z]/g, "").length, 2);
    assert.equal(counted.replace(/[^0-9]/g, "").length, 2);
    assert.notEqual(await passwordOf({ length: 30 }), await passwordOf({ length: 30 }));
  });

  test("every change replaces, a default spelt out doesn't", async () => {
    const made = await provider.make(PASSWORD, { length: 16, special: false });
    const longer = await provider.diff(PASSWORD, made, { length: 17, special: false });
    assert.deepEqual([longer.changed, longer.replaces], [true, ["length"]]);
    const same = await provider.diff(PASSWORD, made, { length: 16, special: false, lower: true, minUpper: 0 });
    assert.deepEqual([same.changed, same.replaces], [false, []]);
    const kept = await provider.diff(PASSWORD, made, { length: 16, special: false, keepers: { node: "a" } });
    assert.deepEqual(kept.replaces, ["keepers"]);
  });

  test("keepers are marked as a map in the bookkeeping", async () => {
    const { outputs } = await provider.make(PASSWORD, { length: 16, keepers: { node: "a" } });
    const { __pulumi_raw_state_delta: delta = null } = outputs;
    assert.ok(isObject(delta));
    assert.deepEqual(delta, {
      obj: { ps: { keepers: { map: {} }, overrideSpecial: secret({ replace: { raw: null } }) } },
    });
  });

  test("a preview makes no password, and its secrets are secret already", async () => {
    const { id, outputs } = await provider.create(PASSWORD, { length: 16 }, { preview: true });
    assert.equal(id, "");
    assert.deepEqual(outputs["result"], secret(UNKNOWN));
    assert.equal(outputs["minUpper"], 0);
  });

  test("refuses by name what it doesn't do", async () => {
    const { failures } = await provider.check(PASSWORD, { length: 3, minUpper: 4, colour: "red", special: "no" });
    assert.deepEqual(failures, [
      "colour: the stand-in has no such input",
      "special: expected boolean",
      "length: must be at least 4",
    ]);
    await assert.rejects(provider.check({ type: "random:index/randomId:RandomId", name: "id" }, {}), {
      message: /has no resource type random:index\/randomId:RandomId/,
    });
  });
});
