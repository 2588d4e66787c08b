/** The configuration's keys are described where people look for them. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { parseSettings } from "../../core/configuration/parseSettings.ts";
import { schema } from "../../core/configuration/settings.ts";
import { asPulumi, least } from "../core/configuration/settings.ts";
import { configOf } from "./program.ts";

const textOf = (file: string): Promise<string> => readFile(join(import.meta.dirname, "../..", file), "utf8");

interface Project {
  readonly config: Readonly<Record<string, { readonly description: string; readonly default: unknown }>>;
}
const projectText = await textOf("Pulumi.yaml");
const described = (parse(projectText) as Project).config;

/** The engine demands a declared key without a default, so optional ones without any are described in a comment. */
const optional = ["registry", "signingKey", "signingCertificate", "mokPassword", "bmcCredentials"];
const commentOf = (key: string): string => new RegExp(`^  #   ${key} +(\\S.*)`, "m").exec(projectText)?.[1] ?? "";

test("every key is described in Pulumi.yaml, and no other", () => {
  assert.deepEqual([...Object.keys(described), ...optional].sort(), Object.keys(schema.shape).sort());
  for (const key of optional) assert.notEqual(commentOf(key), "", key);
});

test("the defaults in Pulumi.yaml are those of the program", () => {
  const { settings } = parseSettings(asPulumi(least), () => false);
  for (const [key, { default: value }] of Object.entries(described)) {
    if (typeof value !== "object") assert.equal(value, settings?.[key as keyof typeof settings], key);
  }
});

test("a stack that nobody has configured is told all that it needs", () => {
  const defaults = Object.fromEntries(Object.entries(described).map(([key, value]) => [key, value.default]));
  const { problems } = parseSettings(asPulumi(defaults), () => false);
  assert.deepEqual(
    problems.map((problem) => problem.split(/: (?=missing|found)/)[0]),
    [
      "onload-kmm:cluster.kubeconfig",
      "onload-kmm:cluster.context",
      "onload-kmm:cluster.id",
      "onload-kmm:release.package",
      "onload-kmm:release.sha256",
      "onload-kmm:release.version",
      "onload-kmm:nodes",
      "onload-kmm:ssh",
    ],
  );
});

/** A schema's members, below defaults and lists; undefined where it has none. */
function membersOf(type: unknown): string[] | undefined {
  if (typeof type !== "object" || type === null) return undefined;
  if ("shape" in type) return Object.keys(type.shape as object);
  const { def } = type as { def?: { innerType?: unknown; element?: unknown } };
  return membersOf(def?.innerType ?? def?.element);
}

const objects = Object.entries(schema.shape).flatMap(([key, type]) => {
  const members = membersOf(type);
  return members === undefined ? [] : [{ key, members }];
});

test("the objects among the keys are these, so that the descriptions below are all looked at", () => {
  assert.deepEqual(
    objects.map(({ key }) => key),
    ["cluster", "release", "build", "registry", "signing", "nodes", "ssh", "enrolment", "bmcCredentials", "rollout"],
  );
});

for (const { key, members } of objects) {
  test(`the description of ${key} names each of its members`, () => {
    const text = described[key]?.description ?? commentOf(key);
    assert.deepEqual(
      members.filter((member) => !new RegExp(`\\b${member}\\b`).test(text)),
      [],
    );
  });
}

test("the registry in the comment of Pulumi.prod.yaml is one that the program takes, and shows each of its members", async () => {
  const [comment = ""] =
    /^ {2}# onload-kmm:registry:\n(?: {2}# {3}.*\n)+/m.exec(await textOf("Pulumi.prod.yaml")) ?? [];
  const shown = parse(comment.replaceAll(/^ {2}# /gm, "")) as Record<string, object>;
  const registry = shown["onload-kmm:registry"] ?? {};
  assert.deepEqual(Object.keys(registry).sort(), [...(membersOf(schema.shape.registry) ?? [])].sort());
  assert.deepEqual(parseSettings(asPulumi({ ...least, registry }), () => false).problems, []);
});

test("Pulumi.prod.yaml shows every key, down to the last, secrets by the command that sets them", async () => {
  const [config, text] = [await configOf("prod"), await textOf("Pulumi.prod.yaml")];
  assert.deepEqual(
    Object.keys(schema.shape).filter((key) => !(key in config)),
    optional,
  );
  for (const key of optional) assert.match(text, new RegExp(`pulumi config set.* onload-kmm:${key}\\b`));
  for (const { key, members } of objects.filter(({ key }) => !optional.includes(key))) {
    const value = config[key];
    const shown = (Array.isArray(value) ? value : [value]).flatMap((each) => Object.keys(each as object));
    // What excludes another is shown in a comment: `agent: true`.
    const missing = members.filter((member) => !shown.includes(member) && !text.includes(`\`${member}:`));
    assert.deepEqual(missing, [], key);
  }
});
