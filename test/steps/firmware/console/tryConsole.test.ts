import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import net from "node:net";
import os from "node:os";
import path from "node:path";
import { describe, test, type TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { liveBy } from "../../../../steps/lib/clock.ts";
import { tryConsole } from "../../../../steps/firmware/console/tryConsole.ts";
import { VirtualClock } from "../../virtualClock.ts";

const clock = new VirtualClock();
liveBy(clock);

/** A console server that does this with each connection. */
async function server(t: TestContext, meet: (client: net.Socket) => unknown) {
  const listening = net.createServer(meet).listen(0, "127.0.0.1");
  t.after(() => listening.close());
  await once(listening, "listening");
  return { console: `tcp:127.0.0.1:${(listening.address() as net.AddressInfo).port}`, listening };
}

/** Moves the time on until the trial is over. */
async function passing(trial: Promise<void>): Promise<void> {
  const over = trial.then(() => true);
  while ((await Promise.race([over, delay(50)])) !== true) clock.advance(1000);
}

describe("a console that can't be used is said, with what it showed", () => {
  const refused: Record<string, [command: string, why: RegExp]> = {
    "the command isn't there": [
      "no-such-ipmitool sol activate",
      /exit code 127\).*it showed: .*no-such-ipmitool.*not found/,
    ],
    "another session has it": [
      "echo SOL payload already active; exit 1",
      /exit code 1\) \(it showed: SOL payload already active\)/,
    ],
    "the command ends well, but at once": ["true", /the console command ended \(exit code 0\)/],
    "the BMC hangs up after its greeting": [
      "echo Connected.; sleep 0.2; exit 255",
      /exit code 255\) \(it showed: Connected\.\)/,
    ],
    "no such socket": ["unix:/nonexistent/serial.sock", /console unix:\/nonexistent\/serial\.sock: connect ENOENT/],
  };
  for (const [what, [command, why]] of Object.entries(refused)) {
    // The time stands still: they end by themselves.
    test(what, async () => {
      await assert.rejects(tryConsole("w1", command), (error: Error) => {
        assert.match(error.message, /^w1: its console can't be used: /);
        assert.match(error.message, why);
        assert.match(error.message, /; the node was not touched\. Fix what its `console` names/);
        return true;
      });
    });
  }

  test("the connection is refused", async (t) => {
    const { console, listening } = await server(t, () => undefined);
    listening.close();
    await once(listening, "close");
    await assert.rejects(
      tryConsole("w1", console),
      /w1: its console can't be used: console tcp:\S+: connect ECONNREFUSED/,
    );
  });

  test("a console server says why and hangs up", async (t) => {
    const { console } = await server(t, (client) => client.end("port 7 is in use\r\n"));
    await assert.rejects(
      tryConsole("w1", console),
      /the console was closed at once \(it showed: port 7 is in use\); the node was not touched/,
    );
  });
});

describe("a console that stays open is given back", () => {
  test("a socket, silent as it may be", async (t) => {
    const gone = Promise.withResolvers<unknown>();
    const { console } = await server(t, (client) => client.resume().once("close", gone.resolve));
    await passing(tryConsole("w1", console));
    await gone.promise;
  });

  for (const [what, says] of [
    ["that speaks", "echo SOL session operational; "],
    ["that is silent", ""],
  ] as const) {
    test(`a command ${what}`, async (t) => {
      const directory = await mkdtemp(path.join(os.tmpdir(), "onload-kmm-console-"));
      t.after(() => rm(directory, { recursive: true }));
      const back = path.join(directory, "back");
      await passing(tryConsole("w1", `trap 'echo >${back}; exit' HUP; ${says}while :; do sleep 0.1; done`));
      assert.ok(existsSync(back), "it was hung up on, and has ended");
    });
  }
});
