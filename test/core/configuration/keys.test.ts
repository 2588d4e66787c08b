/** What the schema tells of its keys, from which their documents are made. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { configuration, keys, type KeySchema } from "../../../core/configuration/keys.ts";
import { complete, leaves } from "./settings.ts";

test("every key has a description of one line", () => {
  const bad = keys.filter(({ description = "" }) => !/^\S[^\n]+[^.\s]$/.test(description));
  assert.deepEqual(
    bad.map(({ path }) => path),
    [],
  );
});

test("the keys are the schema's, down to the last", () => {
  const written = leaves(complete).map((path) => path.join(".").replaceAll(/\.\d+/g, "[]"));
  const secret = ["signingKey", "signingCertificate", "mokPassword", "bmcCredentials.user", "bmcCredentials.password"];
  const last = keys.filter(({ properties, items }) => properties === undefined && items === undefined);
  assert.deepEqual(last.map(({ path }) => path).sort(), [...written, ...secret].sort());
});

test("an unknown key is refused in every object", () => {
  const objects: KeySchema[] = [configuration, ...keys.map((key) => key.items ?? key)].filter(
    ({ type }) => type === "object",
  );
  assert.equal(objects.length, 13);
  for (const object of objects)
    assert.equal((object as { additionalProperties?: boolean }).additionalProperties, false);
});

test("what must be secret is marked", () => {
  assert.deepEqual(
    keys.flatMap(({ path, secret }) => (secret === true ? [path] : [])),
    ["signingKey", "mokPassword", "bmcCredentials.password"],
  );
});
