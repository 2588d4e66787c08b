import assert from "node:assert/strict";
import { test } from "node:test";
import { Screen } from "@onload-kmm/sandbox/nodes/firmware/screen";
import { enrolOverConsole } from "../../../../steps/firmware/console/mokManager.ts";
import { PASSWORD, PASSWORD_HASH, certificate, machine } from "@onload-kmm/sandbox/test/nodes/support";
import { drive, ours, passwordsTyped, refused, requesting, x509 } from "./driving.ts";
import { SerialLine, clock, inCodePage437 } from "./serialLine.ts";

for (const [name, encode] of [
  ["UTF-8", (text: string) => Buffer.from(text)],
  ["code page 437", inCodePage437],
] as const) {
  test(`enrols on a terminal that draws in ${name}`, async () => {
    const firmware = requesting([ours]);
    const run = await drive(firmware, {}, { encode });
    assert.deepEqual(run.outcome, { kind: "accepted" });
    assert.deepEqual(firmware.mokList, [ours]);
    assert.equal(passwordsTyped(run), 1);
    assert.ok(run.line.console.destroyed, "the console is given back");
  });
}

test("enrols without a countdown, and without comparing certificates", async () => {
  const firmware = requesting([ours], { mokTimeout: -1 });
  const line = new SerialLine();
  void line.boot(firmware);
  const outcome = await enrolOverConsole({
    console: line.console,
    password: PASSWORD,
    log: () => undefined,
    deadlineSeconds: 60,
  });
  assert.deepEqual(outcome, { kind: "accepted" });
  assert.deepEqual(firmware.mokList, [ours]);
});

test("carries out a deletion", async () => {
  const firmware = { ...machine().firmware, mokList: [ours], mokDel: [ours], mokDelAuth: PASSWORD_HASH };
  assert.deepEqual((await drive(firmware, { request: "delete" })).outcome, { kind: "accepted" });
  assert.deepEqual(firmware.mokList, []);
});

test("presses an arrow again that got lost", async () => {
  const firmware = requesting([ours], { mokTimeout: -1 });
  assert.deepEqual((await drive(firmware, {}, { loseKey: 0 })).outcome, { kind: "accepted" });
});

test("a wrong password is typed once, then the machine boots on", async () => {
  const firmware = requesting([ours]);
  const run = await drive(firmware, { password: "Another1password" });
  const { reason, left, screens } = refused(run);
  assert.match(reason, /did not accept the password/);
  assert.equal(left, "boots on");
  assert.equal(run.line.typed.join("").split("Another1password").length, 2);
  assert.match(screens, /Password doesn't match/);
  assert.deepEqual(firmware.mokList, []);
});

test("`Reset MOK` is refused, and every enrolled key stays", async () => {
  const firmware = requesting([], { mokNew: null, mokList: [ours] });
  const run = await drive(firmware);
  assert.match(refused(run).reason, /`Reset MOK`, which would delete every Machine Owner Key/);
  assert.equal(refused(run).left, "boots on");
  assert.deepEqual(firmware.mokList, [ours]);
  assert.equal(passwordsTyped(run), 0);
});

test("a request with somebody else's key beside ours is refused before the password", async () => {
  const stranger = certificate("Stranger");
  const firmware = requesting([ours, stranger]);
  const run = await drive(firmware);
  const fingerprint = x509(stranger).fingerprint.replaceAll(":", "");
  assert.match(refused(run).reason, new RegExp(`View key 1 has the SHA-1 fingerprint ${fingerprint}`));
  assert.equal(refused(run).left, "boots on");
  assert.equal(passwordsTyped(run), 0);
  assert.deepEqual(firmware.mokList, []);
});

test("a menu with an unknown entry is left as it is", async () => {
  const run = await drive(async ({ write }) => {
    const screen = new Screen(write, clock);
    await screen.page(["Perform MOK management"]);
    await screen.menu(["Continue boot", "Enroll MOK", "Change Secure Boot state"], 0);
  });
  assert.match(refused(run).reason, /something unknown.*Change Secure Boot state/);
  assert.equal(refused(run).left, "as it was");
  assert.deepEqual(run.line.typed, []);
});

test("a menu without `Enroll MOK` is refused", async () => {
  const run = await drive({ ...machine().firmware, mokDel: [ours], mokDelAuth: PASSWORD_HASH });
  assert.match(refused(run).reason, /something unknown.*Delete MOK/);
});

test("`Reboot` before a password was typed means somebody else is there", async () => {
  const run = await drive(async ({ write }) => {
    const screen = new Screen(write, clock);
    await screen.page(["Perform MOK management"]);
    await screen.menu(["Reboot", "Enroll key from disk", "Enroll hash from disk"], 0);
  });
  assert.match(refused(run).reason, /somebody else is at this console/);
});

const firstMenu = ["Continue boot", "Enroll MOK", "Enroll key from disk", "Enroll hash from disk"];

test("a console that shows MokManager but takes no keys is refused", async () => {
  const run = await drive(
    async ({ write }) => {
      const screen = new Screen(write, clock);
      await screen.page(["Perform MOK management"]);
      await screen.menu(firstMenu, 0);
    },
    { deadlineSeconds: 120 },
  );
  assert.match(refused(run).reason, /doesn't answer to keys/);
  assert.deepEqual(run.line.typed, ["\u001b[B", "\u001b[B", "\u001b[B"]);
});

test("a machine that loses its power under a key is silent for a while; what it shows then is what counts", async () => {
  const run = await drive(
    async ({ write }) => {
      const screen = new Screen(write, clock);
      await screen.page(["Perform MOK management"]);
      await screen.menu(firstMenu, 0);
      await clock.sleep(40_000);
      await screen.page(["Perform MOK management"]);
      await screen.menu(["Continue boot", "Reset MOK", "Enroll key from disk", "Enroll hash from disk"], 0);
    },
    { deadlineSeconds: 300 },
  );
  assert.match(refused(run).reason, /Reset MOK/);
});

test("nothing is pressed while a menu is being painted", async () => {
  const run = await drive(
    async ({ write, typed }) => {
      const pieces: string[] = [];
      const screen = new Screen((text) => pieces.push(text), clock);
      await screen.page(["Perform MOK management"]);
      await screen.menu(["Continue boot", "Reset MOK", "Enroll key from disk", "Enroll hash from disk"], 0);
      for (const piece of pieces.slice(0, -1)) write(piece);
      // Longer than a screen must rest: an unfinished box is not a menu.
      await clock.sleep(700);
      assert.deepEqual(typed, []);
      write(pieces.at(-1) ?? "");
    },
    { deadlineSeconds: 20 },
  );
  assert.match(refused(run).reason, /Reset MOK/);
});

test("a boot loader that comes first is no prompt", async () => {
  assert.equal((await drive(machine().firmware)).outcome.kind, "no-prompt");
});

test("a machine that somebody reboots while MokManager is open is told", async () => {
  const run = await drive(async ({ write, keyboard }) => {
    const screen = new Screen(write, clock);
    await screen.page(["Perform MOK management"]);
    await screen.menu(["Continue boot", "Enroll MOK", "Enroll key from disk", "Enroll hash from disk"], 0);
    await keyboard.next(new AbortController().signal);
    write("\u001b[2JWelcome to GRUB!\r\n");
  });
  assert.match(refused(run).reason, /booted on while MokManager was open/);
});

test("the caller can end the wait", async () => {
  const begun = clock.now();
  const caller = new AbortController();
  clock.after(50, () => caller.abort());
  const { outcome } = await drive(() => Promise.resolve(), { signal: caller.signal });
  assert.equal(outcome.kind, "no-prompt");
  assert.equal(clock.now() - begun, 50);
});

test("the wait ends by itself", async () => {
  const { outcome } = await drive(() => Promise.resolve(), { deadlineSeconds: 0.2 });
  assert.equal(outcome.kind, "no-prompt");
});

test("a console that closes in the middle is said", async () => {
  const run = await drive(async ({ write, console }) => {
    const screen = new Screen(write, clock);
    await screen.page(["[Enroll MOK]"]);
    console.destroy();
  });
  assert.equal(run.outcome.kind, "lost");
});

/** Runs the driver as after a kill: MokManager was open before it, and somebody had pressed these keys there. */
function resumed(...pressed: string[]) {
  const firmware = requesting([ours], { mokTimeout: -1 });
  return drive(
    async (line) => {
      // What MokManager wrote before the console was opened is lost: nothing shows until a key is pressed.
      let attached = false;
      const feed = line.keyboard.feed.bind(line.keyboard);
      for (const keys of pressed) feed(keys);
      line.keyboard.feed = (text) => {
        attached = true;
        feed(text);
      };
      await line.boot(firmware, (text) => {
        if (attached) line.write(text);
      });
    },
    { wake: true },
  );
}

const select = "\x1b[B\r";
for (const [where, pressed] of [
  ["in its first menu", []],
  ["in the list of keys", [select]],
  ["asking whether it shall enrol", [select, select]],
  ["done, and offering to reboot", [select, select, "\x1b[B\r", `${PASSWORD}\r`]],
] as const) {
  test(`with \`wake\` a MokManager that was left ${where} is answered to the end`, async () => {
    assert.deepEqual((await resumed(...pressed)).outcome, { kind: "accepted" });
  });
}

test("neither log nor screens ever hold the password", async () => {
  const run = await drive(async ({ write }) => {
    write(`${PASSWORD}\r\n`);
    const screen = new Screen(write, clock);
    await screen.page([`Odd ${PASSWORD}`]);
  });
  assert.match(refused(run).screens, /Odd \*{8}/);
  assert.doesNotMatch(
    [refused(run).screens, refused(run).reason, ...run.log, ...run.screens].join("\n"),
    new RegExp(PASSWORD),
  );
});
