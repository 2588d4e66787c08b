/** What Pulumi.yaml gives a stack that nobody has configured, and what Pulumi.prod.yaml shows in comments. */
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import { configuration } from "../../core/configuration/keys.ts";
import { parseSettings } from "../../core/configuration/parseSettings.ts";
import { asPulumi, least } from "../core/configuration/settings.ts";

const textOf = (file: string): Promise<string> => readFile(join(import.meta.dirname, "../..", file), "utf8");

interface Project {
  readonly config: Readonly<Record<string, { readonly default: unknown }>>;
}

test("a stack that nobody has configured is told all that it needs", async () => {
  const { config } = parse(await textOf("Pulumi.yaml")) as Project;
  const defaults = Object.fromEntries(Object.entries(config).map(([key, value]) => [key, value.default]));
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

test("the registry in the comment of Pulumi.prod.yaml is one that the program takes, and shows each of its members", async () => {
  const [comment = ""] =
    /^ {2}# onload-kmm:registry:\n(?: {2}# {3}.*\n)+/m.exec(await textOf("Pulumi.prod.yaml")) ?? [];
  const shown = parse(comment.replaceAll(/^ {2}# /gm, "")) as Record<string, object>;
  const registry = shown["onload-kmm:registry"] ?? {};
  const members = configuration.properties?.["registry"]?.properties ?? {};
  assert.deepEqual(Object.keys(registry).sort(), Object.keys(members).sort());
  assert.deepEqual(parseSettings(asPulumi({ ...least, registry }), () => false).problems, []);
});
