/** What goes into every image's tag: a changed byte, in a comment even, rebuilds and rolls each user's nodes. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const files = [
  "srpm.Dockerfile",
  "build-kmod.sh",
  "entitled-packages.sh",
  "driver-toolkit.Dockerfile",
  "entitled-ubi.Dockerfile",
] as const;

test("the files that images are built from change on purpose only", async () => {
  const hash = createHash("sha256");
  for (const file of files) hash.update(await readFile(`assets/${file}`));
  assert.equal(
    hash.digest("hex"),
    "81981351733b4f89f6f35a5916d8f7ad7cd52d7790f76111d9630ee15acdc14a",
    "users will see one rebuild and roll-out by this change: is it worth that? Then say so in CHANGELOG.md, and put the new hash here",
  );
});
