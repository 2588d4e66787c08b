import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test, type TestContext } from "node:test";
import { relay } from "../../kmm/operator/relay.ts";

async function socketPath(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "relay-"));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, "socket");
}

test("a relay passes on what is said, and the answer after the end of it", async (t) => {
  const echo = createServer({ allowHalfOpen: true }, (socket) => {
    void text(socket).then((said) => socket.end(said.toUpperCase()));
  });
  await new Promise<void>((resolve) => echo.listen(0, "127.0.0.1", resolve));
  const path = await socketPath(t);
  const between = await relay({ path }, { host: "127.0.0.1", port: (echo.address() as AddressInfo).port });
  t.after(() => [echo, between].map((server) => server.close()));
  const socket = connect({ path, allowHalfOpen: true });
  socket.end("a word");
  assert.equal(await text(socket), "A WORD");
});

test("where nobody listens beyond it, the connection ends", async (t) => {
  const path = await socketPath(t);
  const between = await relay({ path }, { path: `${path}-of-nobody` });
  t.after(() => between.close());
  const socket = connect(path);
  assert.equal(await text(socket), "");
});
