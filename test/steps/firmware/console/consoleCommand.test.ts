import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { liveBy } from "../../../../steps/lib/clock.ts";
import { openConsole } from "../../../../steps/firmware/console/consoleCommand.ts";
import { VirtualClock } from "../../virtualClock.ts";

const clock = new VirtualClock();
liveBy(clock);

/** Reads until the console has shown `pattern`. */
async function shown(console: Duplex, pattern: RegExp): Promise<string> {
  let text = "";
  for await (const chunk of console.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    if (pattern.test(text)) break;
  }
  return text;
}

/** Neither gone, nor dead and only not yet buried. */
function isAlive(pid: number): boolean {
  assert.ok(pid > 1);
  try {
    return !/\) Z/.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
  } catch {
    return false;
  }
}

/** Waits until a process is gone; the runner's time limit ends that. */
async function gone(pid: number): Promise<void> {
  while (isAlive(pid)) await delay(20);
}

test("a command runs on a raw terminal, and gets what is written", async () => {
  const console = await openConsole("test -t 0 && test -t 1 && echo ready && exec cat");
  await shown(console, /ready/);
  console.write("\u001b[B");
  assert.match(await shown(console, /B/), /^\u001b\[B$/, "neither held back, nor echoed twice");
  console.destroy();
  await once(console, "close");
});

test("destroying the console ends the command and what it started", async () => {
  const console = await openConsole("sleep 1000 & echo pid $! $$; wait");
  const [, ...pids] = /pid (\d+) (\d+)\r?\n/.exec(await shown(console, /pid \d+ \d+\r?\n/)) ?? [];
  assert.equal(pids.length, 2);
  console.destroy();
  await once(console, "close");
  for (const pid of pids) await gone(Number(pid));
});

test("a command that is deaf to a hang-up is killed", async (context) => {
  const directory = await mkdtemp(path.join(os.tmpdir(), "onload-kmm-console-"));
  context.after(() => rm(directory, { recursive: true }));
  const heard = path.join(directory, "heard");
  const console = await openConsole(`trap 'echo >${heard}' HUP; echo pid $$; while :; do sleep 0.1; done`);
  const pid = Number(/pid (\d+)/.exec(await shown(console, /pid \d+\r?\n/))?.[1]);
  console.destroy();
  while (!existsSync(heard)) await delay(20);
  assert.ok(isAlive(pid));
  clock.advance(3000);
  await once(console, "close");
  await gone(pid);
});

test("a command that fails closes the console with its exit code", async () => {
  const console = await openConsole("echo no such BMC; exit 3");
  await assert.rejects(shown(console, /never/), /the console command ended \(exit code 3\)/);
});

test("a socket that nobody answers is given up", async (context) => {
  const server = net.createServer().listen(0, "127.0.0.1");
  context.after(() => server.close());
  await once(server, "listening");
  const opening = openConsole(`tcp:127.0.0.1:${(server.address() as net.AddressInfo).port}`);
  // Before the connection's first packet can be answered.
  clock.advance(20_000);
  await assert.rejects(opening, /console tcp:127\.0\.0\.1:\d+: no connection in 20 s/);
});

test("unix: and tcp: are sockets", async (context) => {
  const directory = await mkdtemp(path.join(os.tmpdir(), "onload-kmm-console-"));
  context.after(() => rm(directory, { recursive: true }));
  for (const where of [path.join(directory, "serial"), { port: 0, host: "127.0.0.1" }]) {
    const server = net.createServer((socket) => socket.end("login: "));
    server.listen(where);
    await once(server, "listening");
    const address = server.address();
    const console = await openConsole(
      typeof address === "string" ? `unix:${address}` : `tcp:127.0.0.1:${address?.port ?? 0}`,
    );
    assert.equal(await shown(console, /login: /), "login: ");
    console.destroy();
    server.close();
  }
});

test("a socket that isn't there is an error that names it", async () => {
  await assert.rejects(openConsole("unix:/nonexistent/serial"), /console unix:\/nonexistent\/serial: .*ENOENT/);
});
