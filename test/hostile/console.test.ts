import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Screen } from "@onload-kmm/sandbox/nodes/firmware/screen";
import { PASSWORD } from "@onload-kmm/sandbox/test/nodes/support";
import { ConsoleDecoder } from "../../steps/firmware/console/codepage.ts";
import { decide, type Progress } from "../../steps/firmware/console/decide.ts";
import { keys, knownMenus } from "../../steps/firmware/console/menu.ts";
import { ConsoleTerminal } from "../../steps/firmware/console/terminal.ts";
import { screenText, viewOf } from "../../steps/firmware/console/view.ts";
import { drive, ours, passwordsTyped, requesting } from "../steps/firmware/console/driving.ts";
import { clock, inCodePage437 } from "../steps/firmware/console/serialLine.ts";
import { assertQuick, assertShowable, hostile } from "./hostile.ts";
import { damagedBytes } from "./inputs.ts";

/** What MokManager writes for some of its screens. */
async function painted(paint: (screen: Screen) => Promise<void>): Promise<Buffer> {
  const written: string[] = [];
  const screen = new Screen((text) => written.push(text), clock);
  screen.clear();
  await paint(screen);
  return Buffer.from(written.join(""));
}

const screens = await Promise.all([
  painted((screen) => screen.text(["Press any key to perform MOK management", "Booting in 10 seconds"])),
  painted(async (screen) => {
    await screen.page(["Perform MOK management"]);
    await screen.menu(["Continue boot", "Enroll MOK", "Enroll key from disk", "Enroll hash from disk"], 1);
  }),
  painted(async (screen) => {
    await screen.page(["Enroll the key(s)?"]);
    await screen.menu(["No", "Yes"], 0);
  }),
  painted((screen) => screen.page(["Password:"])),
]);
const codePage = screens.map((bytes) => inCodePage437(bytes.toString()));
const rebooting = Buffer.from('\u001b[2J\u001b[01;01HBdsDxe: loading Boot0001 "RHCOS"\r\nWelcome to GRUB!\r\n');

const progress: Progress = { request: "enrol", checkedKeys: new Set(), passwordTyped: false, pressed: true };
const numbers = fc
  .tuple(fc.constantFrom(...Array.from("@ABCDEFGHIJKLMPSTXZ`abcdefghilmnqr")), fc.nat(2 ** 31))
  .map(([final, count]) => Buffer.from(`\u001b[${count}${final}`));
const bytes = fc
  .tuple(
    damagedBytes([...screens, ...codePage, rebooting]),
    fc.array(numbers, { maxLength: 3 }),
    fc.uint8Array({ maxLength: 40 }),
  )
  .map(([screen, sequences, more]) => Buffer.concat([screen, ...sequences, more]));

hostile("serial console", fc.tuple(bytes, fc.nat(60)), async ([input, piece]) => {
  const decoder = new ConsoleDecoder();
  const terminal = new ConsoleTerminal();
  const cut = Math.min(piece, input.length);
  for (const part of [input.subarray(0, cut), input.subarray(cut)]) await terminal.write(decoder.decode(part));
  const screen = terminal.screen();
  terminal.dispose();
  assert.equal(screen.length, 60);
  for (const { text, backgrounds } of screen) {
    assertShowable(text, 160);
    assert.equal(backgrounds.length, 160);
  }
  assertShowable(screenText(screen), 60 * 161);
  const view = viewOf(screen);
  const decision = decide(view, progress);
  // Nothing is pressed but where the table says so.
  if (decision.act === "press" || decision.act === "leave") assert.notEqual(view.kind, "other");
  if (decision.act === "press") assert.ok(decision.key in keys);
  if (decision.act === "type password") assert.equal(view.kind, "password");
  if (view.kind === "menu" && decision.act !== "wait")
    assert.ok(knownMenus("enrol").some(({ mustHave }) => view.items.includes(mustHave)));
});

test("the screens are read when nobody damages them", async () => {
  const kinds = [];
  for (const screen of [...screens, ...codePage]) {
    const terminal = new ConsoleTerminal();
    await terminal.write(new ConsoleDecoder().decode(screen));
    kinds.push(viewOf(terminal.screen()).kind);
    terminal.dispose();
  }
  const once = ["countdown", "menu", "menu", "password"];
  assert.deepEqual(kinds, [...once, ...once]);
});

test("a few bytes that ask for billions of lines don't keep the script from reading", async () => {
  const terminal = new ConsoleTerminal();
  await assertQuick(1000, async () => {
    for (const final of "LMSTbIZ@P") await terminal.write(`x\u001b[2147483647${final}`);
  });
  await terminal.write("\u001b[2J\u001b[1;1Hone\r\ntwo\u001b[1;1H\u001b[1L");
  assert.deepEqual(
    terminal
      .screen()
      .slice(0, 3)
      .map(({ text }) => text),
    ["", "one", "two"],
  );
  terminal.dispose();
});

/** What a line adds to what MokManager writes, and where it breaks. */
const disturbances = fc.record({
  noise: damagedBytes([...screens, rebooting]),
  every: fc.integer({ min: 2, max: 9 }),
  loses: fc.boolean(),
});
hostile("console script", disturbances, async ({ noise, every, loses }) => {
  let pieces = 0;
  const encode = (text: string): Buffer => {
    pieces += 1;
    if (pieces % every !== 0) return Buffer.from(text);
    return loses ? Buffer.alloc(0) : Buffer.concat([noise, Buffer.from(text)]);
  };
  const run = await drive(requesting([ours]), {}, { encode });
  const { outcome } = run;
  assert.ok(["accepted", "refused", "no-prompt", "lost"].includes(outcome.kind));
  assert.ok(passwordsTyped(run) <= 1);
  const kept = [
    ...run.log,
    ...run.screens,
    "screens" in outcome ? outcome.screens : "",
    "reason" in outcome ? outcome.reason : "",
  ];
  for (const text of kept) {
    assertShowable(text, 100_000);
    assert.ok(!text.includes(PASSWORD), text);
  }
});
