/** `npm run sbom`: what the program consists of, for scanners. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import { z } from "zod";

const bom = z.object({
  bomFormat: z.literal("CycloneDX"),
  metadata: z.object({ component: z.object({ purl: z.string(), type: z.literal("application") }) }),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()) })),
  components: z.array(
    z.object({
      "bom-ref": z.string(),
      name: z.string(),
      version: z.string(),
      purl: z.string(),
      hashes: z.array(z.unknown()).optional(),
    }),
  ),
});

const packageOf = (folder: string) =>
  z
    .object({ version: z.string(), dependencies: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(projectRoot, folder, "package.json"), "utf8")));

test("the bill of materials has the program, each dependency at its version with its hash, and nothing of the sandbox", () => {
  const { stdout, stderr } = spawnSync(process.execPath, ["scripts/sbom.ts"], { cwd: projectRoot, encoding: "utf8" });
  assert.notEqual(stdout, "", stderr);
  const { metadata, components, dependencies: edges } = bom.parse(JSON.parse(stdout));
  const { version, dependencies } = packageOf(".");
  assert.equal(metadata.component.purl, `pkg:npm/onload-kmm@${version}`);
  const found = new Map(components.map((component) => [`${component.name}@${component.version}`, component]));
  for (const [name, wanted] of Object.entries(dependencies)) assert.ok(found.has(`${name}@${wanted}`), name);
  const refs = edges.map(({ ref }) => ref);
  assert.deepEqual(refs.slice(1).sort(), components.map((component) => component["bom-ref"]).sort());
  for (const { ref, dependsOn } of edges)
    assert.deepEqual(
      dependsOn.filter((each) => !refs.includes(each)),
      [],
      ref,
    );
  assert.ok(components.length > Object.keys(dependencies).length, "theirs, too");
  for (const { purl, hashes = [] } of components) assert.ok(hashes.length > 0, purl);
  assert.ok("jsonpath-plus" in packageOf("sandbox").dependencies);
  assert.ok(!components.some(({ name }) => name === "jsonpath-plus"), "only the sandbox needs it");
});
