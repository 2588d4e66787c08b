/** Consoles that show again what they showed in an older boot, as BMCs do when they are opened, and minutes later. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Screen } from "@onload-kmm/sandbox/nodes/firmware/screen";
import { PASSWORD } from "@onload-kmm/sandbox/test/nodes/support";
import { drive, ours, passwordsTyped, requesting } from "./driving.ts";
import { clock } from "./serialLine.ts";

const olderBoot = "\u001b[2JWelcome to GRUB!\r\nLinux version 5.14.0-1.el9.x86_64\r\nlogin: ";

test("an older boot that the console shows again stops nobody: MokManager is answered when it comes", async () => {
  const firmware = requesting([ours]);
  const run = await drive(async (line) => {
    line.write(olderBoot);
    await clock.sleep(10_000);
    await line.boot(firmware);
  });
  assert.deepEqual(run.outcome, { kind: "accepted" });
  assert.match(run.log.join(), /it looks as if the machine booted; that may be an older boot's text: watching on/);
});

test("the same in the middle of MokManager's menus", async () => {
  let shown = false;
  const run = await drive(async (line) => {
    const feed = line.keyboard.feed.bind(line.keyboard);
    line.keyboard.feed = (text) => {
      feed(text);
      if (shown) return;
      shown = true;
      line.write(olderBoot);
    };
    await line.boot(requesting([ours], { mokTimeout: -1 }));
  });
  assert.deepEqual(run.outcome, { kind: "accepted" });
  assert.equal(passwordsTyped(run), 1);
});

test("an older boot's MokManager takes no keys, and isn't told the password; this boot's is answered", async () => {
  for (const page of ["Press any key to perform MOK management", "Password:"]) {
    const run = await drive(
      async (line) => {
        line.write(`\u001b[2J\u001b[1;1H${page}\r\n`);
        await clock.sleep(120_000);
        assert.ok(!line.typed.join("").includes(PASSWORD), page);
        await line.boot(requesting([ours]));
      },
      { deadlineSeconds: 600 },
    );
    assert.deepEqual(run.outcome, { kind: "accepted" }, page);
  }
});

test("before the machine is asked to reboot nothing on the console is acted on", async () => {
  const begin = new AbortController();
  const run = await drive(
    async (line) => {
      line.write(olderBoot);
      const screen = new Screen(line.write, clock);
      await screen.page(["Perform MOK management"]);
      await screen.menu(["Continue boot", "Enroll MOK", "Enroll key from disk", "Enroll hash from disk"], 0);
      await clock.sleep(20_000);
      assert.deepEqual(line.typed, []);
      begin.abort();
      await line.boot(requesting([ours]));
    },
    { begin: begin.signal },
  );
  assert.deepEqual(run.outcome, { kind: "accepted" });
});

test("a console that is lost before the machine is asked to reboot is told at once", async () => {
  const begun = clock.now();
  const { outcome } = await drive(({ console }) => Promise.resolve(void console.destroy()), {
    begin: new AbortController().signal,
  });
  assert.equal(outcome.kind, "lost");
  assert.ok(clock.now() - begun < 1000);
});
