import assert from "node:assert/strict";
import { createServer, type AddressInfo } from "node:net";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import fc from "fast-check";
import { ed25519Key } from "@onload-kmm/sandbox/test/sshKey";
import { runRemote, Unreachable } from "../../steps/node/ssh.ts";
import { scanHostKeys } from "../../steps/node/scanHostKeys.ts";
import { StepError } from "../../steps/lib/step.ts";
import { startNode } from "../steps/node/sshNode.ts";
import { assertTold, hostile } from "./hostile.ts";
import { damagedBytes } from "./inputs.ts";

/** A server's greeting, and a key exchange of one. */
const greetings = [
  "SSH-2.0-OpenSSH_8.7\r\n",
  "Authorized use only\r\nSSH-2.0-x\r\n",
  `SSH-2.0-${"x".repeat(20_000)}\r\n`,
  "HTTP/1.1 400 Bad Request\r\n\r\n",
  `SSH-2.0-OpenSSH_8.7\r\n\0\0\x01\x2c\x0a\x14${"k".repeat(200)}`,
  `${"banner\u001b[2J\n".repeat(1200)}SSH-2.0-x\r\n`,
].map((text) => Buffer.from(text, "latin1"));

let greeting: Buffer = Buffer.alloc(0);
const server = createServer((socket) => {
  socket.on("error", () => undefined);
  socket.end(greeting);
});
await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
server.unref();
after(async () => {
  server.close();
  await rm(directory, { recursive: true });
});

async function errorOf(work: Promise<unknown>): Promise<StepError> {
  const error = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  assert.ok(error instanceof StepError, String(error));
  assertTold(error.told, 2000);
  return error;
}

const directory = await mkdtemp(join(tmpdir(), "onload-kmm-hostile-"));
const privateKeyFile = join(directory, "key");
await writeFile(privateKeyFile, ed25519Key().private);
const hostKey = ed25519Key().public.split(" ").slice(0, 2).join(" ");
const away = { address, hostKey, user: "core", privateKeyFile, agent: false };
hostile("SSH server", fc.tuple(damagedBytes(greetings), fc.constantFrom("run", "scan")), async ([bytes, how]) => {
  greeting = bytes;
  if (how === "scan") {
    assert.equal((await errorOf(scanHostKeys(address))).id, "OKMM-HOSTKEY-UNREAD");
    return;
  }
  assert.ok((await errorOf(runRemote(away, "true", "secret", { connectSeconds: 5 }))) instanceof Unreachable);
});

test("words that a server chooses don't make a wrong host key of a broken connection", async () => {
  greeting = Buffer.from("host denied (verification failed)\r\n".repeat(3));
  const error = await errorOf(runRemote(away, "true", "", { connectSeconds: 5 }));
  assert.equal(error.id, "OKMM-SSH-AWAY");
});

test("a node that says more than it has any reason to is left, not stored", async (t) => {
  const { target } = await startNode(t);
  const error = await errorOf(runRemote(target, "timeout 3 yes", ""));
  assert.match(error.message, /an answer of more than 1048576 bytes to one command/);
});

test("a character that comes in two pieces is one", async (t) => {
  const { target } = await startNode(t);
  const { stdout } = await runRemote(target, "printf '\\342\\202'; sleep 0.2; printf '\\254'", "");
  assert.equal(stdout, "€");
});

test("an address where nobody listens is away", async () => {
  const error = await errorOf(runRemote({ ...away, address: "127.0.0.1:1" }, "true", ""));
  assert.equal(error.id, "OKMM-SSH-AWAY");
});
