import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { test } from "node:test";
import { withLock } from "../lock.ts";

const unexpected = () => {
  throw new Error("nobody else holds this lock");
};

test("actions under one lock run one after the other, those under another meanwhile", async () => {
  const name = randomUUID();
  const events: string[] = [];
  const gate = Promise.withResolvers<undefined>();
  const first = withLock(name, unexpected, async () => {
    events.push("first begins");
    await gate.promise;
    events.push("first ends");
  });
  const waits = Promise.withResolvers<undefined>();
  const second = withLock(
    name,
    () => waits.resolve(undefined),
    () => Promise.resolve(events.push("second")),
  );
  await waits.promise;
  await withLock(randomUUID(), unexpected, () => Promise.resolve(events.push("other lock")));
  gate.resolve(undefined);
  await Promise.all([first, second]);
  assert.deepEqual(events, ["first begins", "other lock", "first ends", "second"]);
});

test("a failing action gives the lock back", async () => {
  const name = randomUUID();
  await assert.rejects(
    withLock(name, unexpected, () => Promise.reject(new Error("no"))),
    /no/,
  );
  assert.equal(await withLock(name, unexpected, () => Promise.resolve(1)), 1);
});

test("a killed holder leaves no lock behind", async () => {
  const name = randomUUID();
  const program =
    `import { withLock } from ${JSON.stringify(import.meta.resolve("../lock.ts"))};\n` +
    `await withLock(${JSON.stringify(name)}, () => {}, async () => {\n` +
    `  process.stdout.write("held"); setInterval(() => {}, 1000); await new Promise(() => {}); });`;
  const holder = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(holder.stdout, "data");
  let waited = false;
  const onWait = () => {
    waited = true;
    holder.kill("SIGKILL");
  };
  assert.equal(await withLock(name, onWait, () => Promise.resolve("mine")), "mine");
  assert.ok(waited);
});
