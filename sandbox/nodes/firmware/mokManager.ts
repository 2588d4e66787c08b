import { X509Certificate } from "node:crypto";
import type { Certificate, Firmware } from "../machine.ts";
import { matchesHash } from "../tools/shaCrypt.ts";
import type { Key, Keyboard } from "./keyboard.ts";
import { Screen } from "./screen.ts";
import type { Timing } from "./timing.ts";

/** How MokManager ends: the boot goes on, or the machine resets because something changed. */
export type Ending = "boot" | "reset";

/** What MokManager works with. */
export interface MokManagerOptions {
  firmware: Firmware;
  /** Keeps the firmware's variables: MokManager writes them at once. */
  save: () => void;
  keyboard: Keyboard;
  write: (text: string) => void;
  /** Default: real time, which is what the keyboard must have, too. */
  timing?: Timing;
  /** The power goes. MokManager then stops wherever it is and leaves the variables as they are. */
  signal: AbortSignal;
}

/** The power went while MokManager was open. */
class PowerLost extends Error {}

const TITLE = "Shim UEFI key management";
const DEFAULT_TIMEOUT = 10;
const PASSWORD_TRIES = 3;
const PASSWORD_MAX = 256;

/** Does shim start MokManager at this boot? A left password hash is enough. */
export const wantsMokManager = ({ mokNew, mokAuth, mokDel, mokDelAuth }: Firmware): boolean =>
  mokNew !== null || mokAuth !== null || mokDel !== null || mokDelAuth !== null;

/** Runs MokManager; answers null when the power went. */
export async function runMokManager(options: MokManagerOptions): Promise<Ending | null> {
  try {
    return await new MokManager(options).run();
  } catch (error) {
    if (error instanceof PowerLost) return null;
    throw error;
  }
}

/**
 * shim's MokManager (15.8) over a serial line: countdown, menus, questions and password with the original's words, order
 * and effect on the firmware's variables. Keys and hashes from disk, MokListX, and the other requests are refused.
 */
class MokManager {
  readonly #options: MokManagerOptions;
  readonly #screen: Screen;
  #mokNew: Certificate[] | null;
  #mokDel: Certificate[] | null;
  #changed = false;

  constructor(options: MokManagerOptions) {
    this.#options = options;
    this.#screen = new Screen(options.write, options.timing);
    this.#mokNew = options.firmware.mokNew;
    this.#mokDel = options.firmware.mokDel;
  }

  async run(): Promise<Ending> {
    const { firmware, save } = this.#options;
    // The requests live on in memory only: whatever ends MokManager now has used them up.
    firmware.mokNew = null;
    firmware.mokDel = null;
    save();
    this.#screen.clear();
    if (await this.#countdown()) await this.#menus();
    if (this.#changed) return "reset";
    firmware.mokAuth = null;
    firmware.mokDelAuth = null;
    save();
    this.#screen.clear();
    return "boot";
  }

  /** True when a key was pressed; a negative timeout goes to the menu without asking. */
  async #countdown(): Promise<boolean> {
    const { firmware, save } = this.#options;
    let seconds = firmware.mokTimeout ?? DEFAULT_TIMEOUT;
    firmware.mokTimeout = null;
    save();
    if (seconds < 0) return true;
    await this.#screen.page([TITLE]);
    this.#screen.message("Press any key to perform MOK management");
    for (;;) {
      if (seconds > 1) this.#screen.footer(`Booting in ${seconds} seconds  `);
      else if (seconds !== 0) this.#screen.footer(`Booting in ${seconds} second   `);
      if ((await this.#key(1000)) !== null) return true;
      seconds -= 1;
      // From 0 it counts on below zero, forever, as the original does.
      if (seconds === 0) return false;
    }
  }

  async #menus(): Promise<void> {
    for (;;) {
      const entries = this.#entries();
      const labels = entries.map(([label]) => label);
      const choice = await this.#select(["Perform MOK management"], labels);
      const action = choice === null ? undefined : entries[choice]?.[1];
      if (action === undefined) return;
      if (await action()) this.#changed = true;
    }
  }

  /** The main menu: labels, and what they do; an entry without action leaves MokManager. */
  #entries(): [string, (() => Promise<boolean>) | undefined][] {
    const { firmware } = this.#options;
    const fromDisk = (): Promise<boolean> => this.#refuse("The sandbox's machines have no disk to enroll from");
    const entries: [string, (() => Promise<boolean>) | undefined][] = [
      [this.#changed ? "Reboot" : "Continue boot", undefined],
    ];
    if (this.#mokNew !== null) entries.push(["Enroll MOK", () => this.#enroll(this.#mokNew ?? [])]);
    else if (firmware.mokAuth !== null) entries.push(["Reset MOK", () => this.#reset()]);
    if (this.#mokDel !== null) entries.push(["Delete MOK", () => this.#delete(this.#mokDel ?? [])]);
    // The original ends with an internal error here; it never deletes without the list.
    else if (firmware.mokDelAuth !== null) entries.push(["Delete MOK", undefined]);
    entries.push(["Enroll key from disk", fromDisk], ["Enroll hash from disk", fromDisk]);
    return entries;
  }

  async #enroll(keys: Certificate[]): Promise<boolean> {
    const { firmware, save } = this.#options;
    await this.#viewKeys("[Enroll MOK]", keys);
    if (!(await this.#yes("Enroll the key(s)?"))) return false;
    if (!(await this.#authenticated(firmware.mokAuth))) return this.#failed("Failed to enroll keys");
    firmware.mokList = [...firmware.mokList, ...keys];
    firmware.mokAuth = null;
    this.#mokNew = null;
    save();
    return true;
  }

  async #delete(keys: Certificate[]): Promise<boolean> {
    const { firmware, save } = this.#options;
    await this.#viewKeys("[Delete MOK]", keys);
    if (!(await this.#yes("Delete the key(s)?"))) return false;
    if (!(await this.#authenticated(firmware.mokDelAuth))) return this.#failed("Failed to delete keys");
    firmware.mokList = firmware.mokList.filter(({ der }) => !keys.some((key) => key.der === der));
    firmware.mokDelAuth = null;
    this.#mokDel = null;
    save();
    return true;
  }

  async #reset(): Promise<boolean> {
    const { firmware, save } = this.#options;
    if (!(await this.#yes("Erase all stored keys in MokList?"))) return false;
    if (!(await this.#authenticated(firmware.mokAuth))) return this.#failed("Failed to erase keys");
    firmware.mokList = [];
    firmware.mokAuth = null;
    save();
    return true;
  }

  /** The list of keys; `Continue`, or Esc, leaves it. */
  async #viewKeys(title: string, keys: Certificate[]): Promise<void> {
    const items = [...keys.map((_, index) => `View key ${index}`), "Continue"];
    let start = 0;
    for (;;) {
      const choice = await this.#select([title], items, start);
      const key = choice === null ? undefined : keys[choice];
      if (key === undefined) return;
      start = choice ?? 0;
      await this.#screen.text(describe(key));
      await this.#key();
    }
  }

  async #authenticated(hash: string | null): Promise<boolean> {
    for (let failures = 0; failures < PASSWORD_TRIES; failures++) {
      const password = await this.#password();
      if (password.length < 1 || password.length > PASSWORD_MAX) await this.#error("Invalid password length");
      else if (hash !== null && matchesHash(password, hash)) return true;
      else await this.#error("Password doesn't match");
    }
    return false;
  }

  async #password(): Promise<string> {
    await this.#screen.prompt("Password:");
    let password = "";
    for (;;) {
      const key = await this.#key();
      if (key?.name === "enter") return password;
      if (key?.name === "backspace") password = password.slice(0, -1);
      else if (key?.name === "character" && password.length < PASSWORD_MAX) password += key.character;
    }
  }

  async #yes(question: string): Promise<boolean> {
    return (await this.#select([question], ["No", "Yes"])) === 1;
  }

  async #error(message: string): Promise<void> {
    await this.#select(["ERROR", "", message], ["OK"]);
  }

  async #failed(message: string): Promise<false> {
    await this.#select([message], ["OK"]);
    return false;
  }

  async #refuse(message: string): Promise<false> {
    await this.#error(message);
    return false;
  }

  /** A menu under a title: the index of the chosen item, null for Esc. */
  async #select(title: string[], items: string[], start = 0): Promise<number | null> {
    await this.#screen.page(title);
    let selected = start;
    for (;;) {
      await this.#screen.menu(items, selected);
      const key = await this.#key();
      if (key?.name === "escape") return null;
      if (key?.name === "enter") return selected;
      if (key?.name === "up") selected = Math.max(0, selected - 1);
      if (key?.name === "down") selected = Math.min(items.length - 1, selected + 1);
    }
  }

  /** The next key; null only when `timeoutMs` passed. */
  async #key(timeoutMs?: number): Promise<Key | null> {
    const { keyboard, signal } = this.#options;
    const key = await keyboard.next(signal, timeoutMs);
    if (signal.aborted) throw new PowerLost();
    return key;
  }
}

/** OpenSSL's names of what a certificate may be used for. */
const PURPOSES: Record<string, string> = { "1.3.6.1.5.5.7.3.3": "Code Signing" };

/** What `View key` shows of a certificate. */
function describe({ der }: Certificate): string[] {
  const certificate = new X509Certificate(Buffer.from(der, "base64"));
  const fingerprint = certificate.fingerprint.split(":");
  const serial = certificate.serialNumber.match(/../g) ?? [];
  // Node's types don't know that a certificate without the extension has none of these.
  const purposes = (certificate.keyUsage as string[] | undefined) ?? [];
  return [
    ...(purposes.length === 0 ? [] : ["[Extended Key Usage]"]),
    ...purposes.map((oid) => `OID: ${PURPOSES[oid] ?? oid}`),
    ...(purposes.length === 0 ? [] : [""]),
    "[Serial Number]",
    `${serial.join(":")}:`,
    "",
    "[Issuer]",
    certificate.issuer.replaceAll("\n", ", "),
    "",
    "[Subject]",
    certificate.subject.replaceAll("\n", ", "),
    "",
    "[Valid Not Before]",
    certificate.validFrom,
    "",
    "[Valid Not After]",
    certificate.validTo,
    "",
    "[Fingerprint]",
    fingerprint.slice(0, 10).join(" "),
    fingerprint.slice(10).join(" "),
    "",
  ];
}
