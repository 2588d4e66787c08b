import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";
import { nameWithHolders } from "../portHolder.ts";
import { isFree, PortClaims, withPortClaims } from "../ports.ts";

function claims(t: TestContext): PortClaims {
  const made = new PortClaims();
  t.after(() => made.release());
  return made;
}

/** A server of somebody else on this port, or on any. */
async function listen(t: TestContext, port = 0): Promise<number> {
  const server = createServer().listen(port, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

test("ports that are claimed are free and all different, also across sandboxes", async (t) => {
  const takers = [claims(t), claims(t)];
  const ports = await Promise.all(takers.flatMap((each) => Array.from({ length: 100 }, () => each.take())));
  assert.equal(new Set(ports).size, 200);
  for (const port of ports) assert.ok(await isFree(port), "a claim takes no port away from its server");
});

test("a wanted port is given when it is free, and another when somebody listens there", async (t) => {
  const own = claims(t);
  const wanted = await withPortClaims((first) => first.take());
  assert.equal(await own.take(wanted), wanted);
  assert.ok(own.has(wanted));
  const taken = await listen(t);
  const given = await own.take(taken);
  assert.notEqual(given, taken);
  assert.ok(!own.has(taken));
});

test("a port that another sandbox has claimed isn't given before that one ends", async (t) => {
  const [one, other] = [claims(t), claims(t)];
  const port = await one.take();
  assert.equal(await other.claim(port), false);
  one.release();
  assert.equal(await other.claim(port), true);
});

test("the claims of a process that was killed are gone", async (t) => {
  const program =
    `import { PortClaims } from ${JSON.stringify(import.meta.resolve("../ports.ts"))};\n` +
    `process.stdout.write(String(await new PortClaims().take())); setInterval(() => {}, 1000);`;
  const holder = spawn(process.execPath, ["--input-type=module", "--eval", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  t.after(() => holder.kill("SIGKILL"));
  const [text] = (await once(holder.stdout, "data")) as [Buffer];
  const port = Number(text.toString());
  const own = claims(t);
  assert.equal(await own.claim(port), false);
  holder.kill("SIGKILL");
  await once(holder, "exit");
  assert.equal(await own.claim(port), true);
});

test("taken ports are named with who has them, as far as it can be seen", async (t) => {
  const [one, other] = [await listen(t), await listen(t)];
  const us = `taken by node, process ${process.pid}`;
  assert.equal(nameWithHolders([one]), `port ${one} (${us})`);
  const free = await withPortClaims((own) => own.take());
  assert.equal(
    nameWithHolders([one, free, other]),
    `ports ${one}, ${other} (${us}), ${free} (taken by another program)`,
  );
});
