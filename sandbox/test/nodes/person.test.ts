import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { test } from "node:test";
import { attend } from "../../nodes/person.ts";

const MENU = [" Continue boot ", "  Enroll MOK  ", "Enroll hash from disk", "└─────────────────────┘"];

test("somebody who comes while the menu's last line is painted asks for the menu once more, and answers it", async () => {
  const leaving = new AbortController();
  const line = createServer().listen(0, "127.0.0.1");
  await once(line, "listening");
  const { port } = line.address() as AddressInfo;
  const said: string[] = [];
  const tell = (words: string): unknown => said.push(words);
  const person = attend({ port, password: () => assert.fail("nobody asks"), tell, signal: leaving.signal });
  const [socket] = (await once(line, "connection")) as [Socket];
  socket.write(MENU.at(-1) ?? "");
  assert.equal(await typed(socket, 1), " ");
  socket.write(MENU.join("\r\n"));
  assert.equal(await typed(socket, 4), "\u001b[B\r");
  assert.deepEqual(said, ["chooses the request"]);
  leaving.abort();
  await person;
  line.close();
});

/** The next `length` bytes that come from the person. */
async function typed(socket: Socket, length: number): Promise<string> {
  let keys = "";
  while (keys.length < length) keys += String((await once(socket, "data"))[0]);
  return keys;
}
