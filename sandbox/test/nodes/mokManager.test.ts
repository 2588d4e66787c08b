import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { Keyboard } from "../../nodes/firmware/keyboard.ts";
import { runMokManager, wantsMokManager, type Ending } from "../../nodes/firmware/mokManager.ts";
import type { Certificate, Firmware } from "../../nodes/machine.ts";
import { certificate, machine, PASSWORD, PASSWORD_HASH } from "./support.ts";

const DOWN = "\u001b[B";
const UP = "\u001b[A";
const ENTER = "\r";

let key: Certificate;
before(() => (key = certificate("Onload")));

/** A firmware with a request for the key; what MokManager paints; and its keyboard. */
class Console {
  readonly firmware: Firmware;
  readonly keyboard = new Keyboard();
  readonly power = new AbortController();
  readonly ending: Promise<Ending | null>;
  #painted = "";
  #mark = 0;
  #waiting: (() => void) | undefined;

  constructor(change: (firmware: Firmware) => void = () => undefined) {
    this.firmware = machine().firmware;
    Object.assign(this.firmware, { mokNew: [key], mokAuth: PASSWORD_HASH, mokTimeout: -1 });
    change(this.firmware);
    this.ending = runMokManager({
      firmware: this.firmware,
      save: () => undefined,
      keyboard: this.keyboard,
      write: (text) => this.#write(text),
      signal: this.power.signal,
    });
  }

  /** Resolves when this text has been painted after the last key. */
  async sees(text: string): Promise<void> {
    while (!this.#since().includes(text)) await new Promise<void>((resolve) => (this.#waiting = resolve));
  }

  /** The lines of the last menu, and the one that is painted as selected. */
  press(...keys: string[]): void {
    this.#mark = this.#painted.length;
    this.keyboard.feed(keys.join(""));
  }

  /** Types blindly: the firmware keeps early keys. */
  get everything(): string {
    return this.#painted;
  }

  #since(): string {
    return this.#painted.slice(this.#mark).replace(/\u001b\[[0-9;]*[A-Za-z]/g, "");
  }

  #write(text: string): void {
    this.#painted += text;
    this.#waiting?.();
  }
}

const toPassword = [DOWN, ENTER, DOWN, ENTER, DOWN, ENTER];

describe("enrolling", () => {
  test("menu, key list, question, password, reboot: the key is enrolled and the machine resets", async () => {
    const console = new Console();
    await console.sees("Enroll hash from disk");
    console.press(DOWN, ENTER);
    await console.sees("[Enroll MOK]");
    await console.sees("Continue");
    console.press(DOWN, ENTER);
    await console.sees("Enroll the key(s)?");
    await console.sees("Yes");
    console.press(DOWN, ENTER);
    await console.sees("Password:");
    console.press(PASSWORD, ENTER);
    await console.sees("Reboot");
    console.press(ENTER);
    assert.equal(await console.ending, "reset");
    assert.deepEqual(console.firmware.mokList, [key]);
    assert.equal(wantsMokManager(console.firmware), false);
  });

  test("nothing that is typed shows on the screen", async () => {
    const console = new Console();
    console.press(...toPassword, PASSWORD, ENTER, ENTER);
    await console.ending;
    assert.equal(console.everything.includes(PASSWORD.slice(0, 4)), false);
  });

  test("View key shows the certificate", async () => {
    const console = new Console();
    console.press(DOWN, ENTER, ENTER);
    await console.sees("CN=Onload");
    await console.sees("[Fingerprint]");
    console.power.abort();
    assert.equal(await console.ending, null);
  });

  test("the selected row is painted on black, all others on blue", async () => {
    const console = new Console();
    await console.sees("Enroll hash from disk");
    const rows = [...console.everything.matchAll(/\u001b\[(4[04])m\u001b\[\d+;\d+H│ *([A-Z][^│]*?) *│/g)];
    const colours = Object.fromEntries(rows.map(([, colour, label = ""]) => [label, colour]));
    const [chosen, rest] = ["40", "44"];
    assert.deepEqual(colours, {
      "Perform MOK management": rest,
      "Continue boot": chosen,
      "Enroll MOK": rest,
      "Enroll key from disk": rest,
      "Enroll hash from disk": rest,
    });
    console.power.abort();
    await console.ending;
  });

  test("No, and a look back up, lead to the menu again; booting on uses the request up", async () => {
    const console = new Console();
    console.press(DOWN, ENTER, DOWN, ENTER, ENTER);
    await console.sees("Continue boot");
    console.press(DOWN, UP, ENTER);
    assert.equal(await console.ending, "boot");
    assert.deepEqual(console.firmware.mokList, []);
    assert.equal(wantsMokManager(console.firmware), false);
  });
});

describe("the password", () => {
  test("a wrong one can be corrected", async () => {
    const console = new Console();
    console.press(...toPassword, "wrong", ENTER);
    await console.sees("Password doesn't match");
    console.press(ENTER, `${PASSWORD}x\u007f`, ENTER, ENTER);
    assert.equal(await console.ending, "reset");
    assert.deepEqual(console.firmware.mokList, [key]);
  });

  test("after three wrong ones nothing is enrolled, and the request stays in the menu", async () => {
    const console = new Console();
    console.press(...toPassword, "one", ENTER, ENTER, "two", ENTER, ENTER, "three", ENTER, ENTER);
    await console.sees("Failed to enroll keys");
    console.press(ENTER);
    await console.sees("Enroll MOK");
    await console.sees("Enroll hash from disk");
    console.press(ENTER);
    assert.equal(await console.ending, "boot");
    assert.deepEqual(console.firmware.mokList, []);
  });

  test("an empty one has an invalid length", async () => {
    const console = new Console();
    console.press(...toPassword, ENTER);
    await console.sees("Invalid password length");
    console.power.abort();
    await console.ending;
  });
});

describe("the countdown", () => {
  test("ends in a boot without the key", async () => {
    const console = new Console((firmware) => (firmware.mokTimeout = 1));
    await console.sees("Press any key to perform MOK management");
    await console.sees("Booting in 1 second ");
    assert.equal(await console.ending, "boot");
    assert.deepEqual(console.firmware.mokList, []);
    assert.equal(wantsMokManager(console.firmware), false);
  });

  test("a key stops it and shows the menu; the timeout counts for one boot", async () => {
    const console = new Console((firmware) => (firmware.mokTimeout = 30));
    await console.sees("Booting in 30 seconds");
    console.press("x");
    await console.sees("Enroll MOK");
    assert.equal(console.firmware.mokTimeout, null);
    console.power.abort();
    await console.ending;
  });

  test("-1 goes to the menu at once", async () => {
    const console = new Console();
    await console.sees("Enroll MOK");
    assert.equal(console.everything.includes("Press any key"), false);
    console.power.abort();
    await console.ending;
  });
});

describe("a power reset with MokManager open", () => {
  test("leaves Reset MOK in the place of Enroll MOK", async () => {
    const first = new Console();
    await first.sees("Enroll hash from disk");
    first.power.abort();
    assert.equal(await first.ending, null);
    assert.deepEqual([first.firmware.mokNew, first.firmware.mokAuth], [null, PASSWORD_HASH]);
    assert.equal(wantsMokManager(first.firmware), true);

    const second = new Console((firmware) => Object.assign(firmware, first.firmware, { mokTimeout: -1 }));
    await second.sees("Enroll hash from disk");
    assert.equal(second.everything.includes("Reset MOK"), true);
    assert.equal(second.everything.includes("Enroll MOK"), false);
    second.press(ENTER);
    assert.equal(await second.ending, "boot");
    assert.equal(wantsMokManager(second.firmware), false);
  });

  test("Reset MOK erases every key that was enrolled", async () => {
    const console = new Console((firmware) => Object.assign(firmware, { mokNew: null, mokList: [key] }));
    console.press(DOWN, ENTER);
    await console.sees("Erase all stored keys in MokList?");
    console.press(DOWN, ENTER, PASSWORD, ENTER, ENTER);
    assert.equal(await console.ending, "reset");
    assert.deepEqual(console.firmware.mokList, []);
  });
});

describe("deleting", () => {
  test("Delete MOK takes the key out of the list", async () => {
    const console = new Console((firmware) =>
      Object.assign(firmware, {
        mokNew: null,
        mokAuth: null,
        mokList: [key],
        mokDel: [key],
        mokDelAuth: PASSWORD_HASH,
      }),
    );
    console.press(DOWN, ENTER);
    await console.sees("[Delete MOK]");
    console.press(DOWN, ENTER);
    await console.sees("Delete the key(s)?");
    console.press(DOWN, ENTER, PASSWORD, ENTER, ENTER);
    assert.equal(await console.ending, "reset");
    assert.deepEqual(console.firmware.mokList, []);
  });
});

test("keys from disk are refused", async () => {
  const console = new Console();
  console.press(DOWN, DOWN, ENTER);
  await console.sees("no disk to enroll from");
  console.power.abort();
  await console.ending;
});
