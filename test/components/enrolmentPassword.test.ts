import assert from "node:assert/strict";
import { test } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { compareSync } from "bcryptjs";
import { EnrolmentPassword } from "../../components/enrolmentPassword.ts";
import { Given, leaks, valueOf } from "./fixtures.ts";
import { named, record, type RecordOptions, type Registration } from "./harness.ts";

const password = "correcthorsebattery";
const salt = "abcdefghijklmnopqrstu";

/** What the random provider answers. */
const outputs: NonNullable<RecordOptions["outputs"]> = ({ name }) => ({
  result: name.endsWith("-salt") ? salt : password,
  bcryptHash: "$2a$10$made-by-the-provider",
});

/** Registers the password, and a resource that uses it and its hash. */
async function register(given?: string): Promise<{ all: Registration[]; made: EnrolmentPassword }> {
  let made: EnrolmentPassword | undefined;
  const all = await record(
    () => {
      const args = given === undefined ? {} : { given: pulumi.secret(given) };
      made = new EnrolmentPassword("mok-password", args, {});
      new Given("user", { hash: made.hash, password: made.password });
    },
    { outputs },
  );
  return { all, made: made ?? assert.fail() };
}

test("a generated password has letters and digits only, and its hash stays the same from run to run", async () => {
  const { all, made } = await register();
  assert.deepEqual(named(all, "mok-password", ":RandomPassword").inputs, { length: 16, special: false });
  assert.equal(await valueOf(made.hash), "$2a$10$made-by-the-provider");
});

test("a given password is hashed with a salt that is kept in the state", async () => {
  const { all, made } = await register(password);
  assert.deepEqual(named(all, "mok-password-salt").inputs, { length: 21, special: false });
  const hash = await valueOf(made.hash);
  assert.match(hash, /^\$2a\$10\$[./A-Za-z0-9]{53}$/);
  assert.ok(hash.startsWith(`$2a$10$${salt}.`));
  assert.ok(compareSync(password, hash));
  assert.equal(await valueOf((await register(password)).made.hash), hash);
});

for (const given of [undefined, password]) {
  test(`a ${given === undefined ? "generated" : "given"} password and its hash are secret wherever they go`, async () => {
    const { all, made } = await register(given);
    assert.deepEqual([...leaks(all, password), ...leaks(all, "$2a$10$")], []);
    assert.deepEqual(named(all, "user").inputs, {
      hash: { secret: await valueOf(made.hash) },
      password: { secret: password },
    });
  });
}
