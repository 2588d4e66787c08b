/** What the schema tells of its keys, from which their documents are made. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { configuration, keys, type KeySchema } from "../../../core/configuration/keys.ts";
import { parseSettings } from "../../../core/configuration/parseSettings.ts";
import { asPulumi, changed, complete, keyAt, leaves } from "./settings.ts";

test("every key has a description of one line", () => {
  const bad = keys.filter(({ description = "" }) => !/^\S[^\n]+[^.\s]$/.test(description));
  assert.deepEqual(
    bad.map(({ path }) => path),
    [],
  );
});

test("the keys are the schema's, down to the last", () => {
  const written = leaves(complete).map((path) => path.join(".").replaceAll(/\.\d+/g, "[]"));
  const apart = [
    "nodesFile",
    "signingKey",
    "signingCertificate",
    "mokPassword",
    "bmcCredentials.user",
    "bmcCredentials.password",
  ];
  const last = keys.filter(({ properties, items }) => properties === undefined && items === undefined);
  assert.deepEqual(last.map(({ path }) => path).sort(), [...written, ...apart].sort());
});

/** A list's first entry stands for all. */
const placeOf = (path: string) =>
  path
    .replaceAll("[]", ".0")
    .split(".")
    .map((step) => (step === "0" ? 0 : step));
const bmcCredentials = { user: "admin", password: "of the BMC" };

test("the program takes each example", () => {
  const shown = keys.flatMap(({ path, examples = [] }) => examples.map((example) => ({ path, example })));
  assert.ok(shown.length > 15);
  for (const { path, example } of shown) {
    const nodes = path === "nodesFile" ? [] : complete.nodes;
    const settings = changed({ ...complete, nodes, bmcCredentials }, placeOf(path), example);
    const readText = () => JSON.stringify(complete.nodes);
    assert.deepEqual(parseSettings(asPulumi(settings), () => true, { readText }).problems, [], keyAt(placeOf(path)));
  }
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
