import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { X509Certificate } from "node:crypto";
import { after, before, test } from "node:test";
import type { Firmware } from "../../../sandbox/nodes/machine.ts";
import { answerMokManager } from "../../../steps/lib/console/answer.ts";
import { PASSWORD, PASSWORD_HASH, certificate, machine } from "../../sandbox/nodes/support.ts";
import { SerialLine } from "./serialLine.ts";

const ours = certificate("OnloadModules");
let directory: string;
before(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), "onload-kmm-answer-"));
});
after(() => rm(directory, { recursive: true }));

/** A machine that starts to boot when somebody opens its console. */
async function consoleOf(firmware: Firmware): Promise<{ console: string; close: () => void }> {
  const server = net.createServer((socket) => {
    const line = new SerialLine();
    line.console.pipe(socket).pipe(line.console);
    socket.on("error", () => line.console.destroy());
    void line.boot(firmware);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo;
  return { console: `tcp:127.0.0.1:${port}`, close: () => server.close() };
}

const errand = (console: string, log: (line: string) => void = () => undefined) => ({
  name: "worker-1",
  console,
  password: PASSWORD,
  certificate: new X509Certificate(Buffer.from(ours.der, "base64")),
  timeoutMinutes: 1,
  screensDirectory: path.join(directory, "logs"),
  log,
});

test("enrols at the node's console, and says each act with the node's name", async (context) => {
  const firmware = { ...machine().firmware, mokNew: [ours], mokAuth: PASSWORD_HASH };
  const { console, close } = await consoleOf(firmware);
  context.after(close);
  const lines: string[] = [];
  assert.deepEqual(await answerMokManager(errand(console, (line) => lines.push(line))), { kind: "accepted" });
  assert.deepEqual(firmware.mokList, [ours]);
  assert.ok(lines.every((line) => line.startsWith("worker-1: MokManager: ")));
  assert.doesNotMatch(lines.join("\n"), new RegExp(PASSWORD));
});

test("keeps the screens of a refusal in a file of the user's own, without the password", async (context) => {
  const { console, close } = await consoleOf({ ...machine().firmware, mokNew: null, mokAuth: PASSWORD_HASH });
  context.after(close);
  const lines: string[] = [];
  const outcome = await answerMokManager(errand(console, (line) => lines.push(line)));
  assert.equal(outcome.kind, "refused");
  const file = path.join(directory, "logs", "mokmanager-worker-1.txt");
  const kept = await readFile(file, "utf8");
  assert.match(kept, /Reset MOK/);
  assert.match(kept, /►/);
  assert.doesNotMatch(kept, new RegExp(PASSWORD));
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.match(String(lines.at(-1)), /the screens that led to this are in .*mokmanager-worker-1\.txt/);
});

test("a console that can't be opened is an error", async () => {
  await assert.rejects(answerMokManager(errand("unix:/nonexistent/serial")), /console unix:\/nonexistent\/serial/);
});
