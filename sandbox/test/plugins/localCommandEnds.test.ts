/** Where the real command plugin ends: output that it can't take, cancellations, and an engine that is gone. */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { ProviderClient, type ResourceName, urnOf } from "./providerClient.ts";

const LOCAL: ResourceName = { type: "command:local:Command", name: "local" };

/** Waits until something is so, at most 20 seconds. */
async function until(so: () => boolean): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!so()) {
    assert.ok(Date.now() < deadline, so.toString());
    await delay(20);
  }
}

/** Whether a process is there, and no zombie. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

describe("output that the real plugin can't take", () => {
  let provider: ProviderClient;
  let directory: string;

  before(async () => {
    directory = mkdtempSync(path.join(os.tmpdir(), "local-command-"));
    provider = await ProviderClient.start("command", {}, directory);
  });
  after(async () => {
    await provider.stop();
    rmSync(directory, { recursive: true });
  });

  /** Prints `bytes` bytes in one line, says that it did in the file `done`, and goes on. */
  const line = (bytes: number): string =>
    `head -c ${bytes} /dev/zero | tr '\\0' x >&2; touch done; echo >&2; echo end >&2`;

  test("a line of just below 64 KiB is passed on, and longer ones are where nobody reads lines", async () => {
    const made = await provider.make(LOCAL, { create: line(65_535), logging: "stderr" });
    assert.equal((made.outputs["stderr"] as string).length, 65_535 + "\nend".length);
    for (const logging of ["none", "stdout"]) {
      const unread = await provider.make(LOCAL, { create: line(100_000), logging });
      assert.equal((unread.outputs["stderr"] as string).length, 100_000 + "\nend".length);
    }
  });

  test("a longer line ends the reader: the command's end is never seen, and the first Ctrl-C doesn't change that", async () => {
    const resource = { ...LOCAL, name: "long" };
    rmSync(path.join(directory, "done"), { force: true });
    let ended = false;
    const create = `echo $$ >pid; echo begin >&2; ${line(65_537)}`;
    // It ends with the plugin, at this test's end.
    const running = provider.create(resource, { create, logging: "stderr" }).catch(() => undefined);
    void running.then(() => (ended = true));
    await until(() => existsSync(path.join(directory, "done")));
    const shell = Number(readFileSync(path.join(directory, "pid"), "utf8"));
    await until(() => !isRunning(shell));
    await delay(300);
    assert.equal(ended, false);

    await provider.cancel();
    await delay(300);
    assert.equal(ended, false);
    const seen = provider.plugin.lines.filter(({ urn }) => urn === urnOf(resource));
    assert.deepEqual(
      seen.map(({ message }) => message),
      ["begin"],
    );
  });

  test("a byte that is none of UTF-8's fails the command after it has run", async () => {
    const other = await ProviderClient.start("command", {}, directory);
    try {
      await assert.rejects(
        other.make(LOCAL, { create: "printf 'a\\377' >&2; touch ran", logging: "none" }),
        /string field contains invalid UTF-8/,
      );
      assert.ok(existsSync(path.join(directory, "ran")));
    } finally {
      await other.stop();
    }
  });
});

describe("a cancelled deployment", () => {
  test("begins nothing more", async () => {
    const provider = await ProviderClient.start("command");
    try {
      await provider.cancel();
      await assert.rejects(provider.create(LOCAL, { create: "echo one" }), {
        message: 'context canceled: running "echo one":\n',
      });
    } finally {
      await provider.stop();
    }
  });

  test("kills the shell", async () => {
    const provider = await ProviderClient.start("command");
    try {
      const running = provider.create(LOCAL, { create: "echo started; exec sleep 300" });
      const outcome = assert.rejects(running, {
        message: /^signal: killed: running "echo started; exec sleep 300":\n/,
      });
      await provider.plugin.said("started");
      await provider.cancel();
      await outcome;
    } finally {
      await provider.stop();
    }
  });
});

describe("an engine that is killed", () => {
  test("takes the shell that runs with it, for its connection breaks", async () => {
    const provider = await ProviderClient.start("command");
    const wire = await breakableWire(provider.plugin.address);
    try {
      const resource = { ...LOCAL, name: "running" };
      const engine = new ProviderClient({ ...provider.plugin, address: wire.address });
      const outcome = assert.rejects(engine.create(resource, { create: "echo $$; exec sleep 300" }));
      const shell = (): number =>
        Number(provider.plugin.lines.find(({ urn }) => urn === urnOf(resource))?.message ?? Number.NaN);
      await until(() => !Number.isNaN(shell()));
      assert.ok(isRunning(shell()));

      wire.cut();
      await until(() => !isRunning(shell()));
      await outcome;
      assert.equal((await provider.make(LOCAL, { create: "echo on" })).outputs["stdout"], "on");
    } finally {
      wire.cut();
      await provider.stop();
    }
  });
});

/** A way to a plugin that can be cut, as by the end of the process at its other end. */
async function breakableWire(to: string): Promise<{ address: string; cut: () => void }> {
  const sockets: Socket[] = [];
  const server = createServer((near) => {
    const far = connect(Number(to.split(":")[1]), "127.0.0.1");
    sockets.push(near, far);
    for (const [from, other] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("error", () => other.destroy()).pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
