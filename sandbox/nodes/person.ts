import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** What the person at the console is told. */
export interface Errand {
  /** Port of the node's serial console on 127.0.0.1 (`consolePort` in nodes.json). */
  port: number;
  /** The password that was chosen when the key was imported. Asked for only when MokManager asks. */
  password: () => Promise<string> | string;
  /** Hears what the person sees and does, a line each; never the password. */
  tell?: (line: string) => void;
  /** Ends the watch. */
  signal: AbortSignal;
}

/** How long the line must be quiet before the person takes the screen for complete. */
const SETTLED_MS = 120;
/** A line that stands still this long, with nothing on it that the person knew since coming, is asked to show itself. */
const STILL_MS = 1000;
/** A person doesn't type faster than this. */
const KEY_MS = 15;

const DOWN = "\u001b[B";
const ENTER = "\r";
const BLANK = " ";

const CHOOSE = {
  sign: /Perform MOK management[^]*\b(Enroll|Delete) MOK\b[^]*\bhash from disk\b/,
  says: "chooses the request",
  keys: [DOWN, ENTER],
};

/** What the person recognises on the screen, the more particular first, and which keys answer it. */
const SCREENS: { sign: RegExp; says: string; keys: string[] }[] = [
  { sign: /Failed to (enroll|delete) keys/, says: "MokManager refuses; gives up", keys: [ENTER] },
  { sign: /Password doesn't match/, says: "MokManager says that the password doesn't match", keys: [ENTER] },
  { sign: /\bReset MOK\b/, says: "Reset MOK is not what was asked for; boots on", keys: [ENTER] },
  { sign: /Perform MOK management[^]*\bReboot\b/, says: "it is done; reboots", keys: [ENTER] },
  { sign: /(Enroll|Delete) the key\(s\)\?[^]*\bYes\b/, says: "sure? Yes", keys: [DOWN, ENTER] },
  {
    sign: /\[(Enroll|Delete) MOK\][^]*\bView key 0\b[^]*\bContinue\b/,
    says: "sees the key; Continue",
    keys: [DOWN, ENTER],
  },
  CHOOSE,
  { sign: /Press any key to perform MOK management/, says: "presses a key in time", keys: [ENTER] },
];
/** What the main menu repaints after a key that means nothing in it: its entries, but not its title. */
const REPAINTED = /\bContinue boot\b[^]*\b(Enroll|Delete) MOK\b[^]*\bhash from disk\b/;
const MAIN_MENU = /Perform MOK management[^]*\bContinue boot\b[^]*\bhash from disk\b/;
const PASSWORD = /Password:/;
const GIVE_UP = { says: "Continue boot", keys: [ENTER] };

/**
 * Stands in for the person of the attended mode: watches a node's console and answers MokManager, again and again, until
 * `signal` aborts. One key is enrolled at a time. After three refusals the person continues the boot. At anything unexpected the
 * person does nothing, and the node waits as it would with nobody there.
 */
export async function attend({ port, password, tell = () => undefined, signal }: Errand): Promise<void> {
  while (!signal.aborted) {
    const line = connect(port, "127.0.0.1");
    line.setEncoding("utf8").setNoDelay(true);
    const closed = new Promise<void>((resolve) => line.once("close", () => resolve()));
    line.on("error", () => line.destroy());
    const watcher = new Watcher(line, password, tell);
    line.on("data", (text: string) => watcher.saw(text));
    const leave = (): unknown => line.destroy();
    signal.addEventListener("abort", leave);
    await closed;
    signal.removeEventListener("abort", leave);
    await watcher.idle();
    await sleep(200, undefined, { signal }).catch(() => undefined);
  }
}

class Watcher {
  readonly #line: Socket;
  readonly #password: Errand["password"];
  readonly #tell: (line: string) => void;
  #screen = "";
  #gaveUp = false;
  /** Set until the person has known a screen, or has knocked. */
  #still: NodeJS.Timeout | undefined;
  #knocked = false;
  #timer: NodeJS.Timeout | undefined;
  #acting: Promise<void> = Promise.resolve();

  constructor(line: Socket, password: Errand["password"], tell: (line: string) => void) {
    this.#line = line;
    this.#password = password;
    this.#tell = tell;
    this.#still = setTimeout(() => this.#knock(), STILL_MS);
  }

  saw(text: string): void {
    this.#still?.refresh();
    this.#screen += text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#acting = this.#acting.then(() => this.#act());
    }, SETTLED_MS);
  }

  async idle(): Promise<void> {
    clearTimeout(this.#still);
    clearTimeout(this.#timer);
    await this.#acting;
  }

  /**
   * MokManager may have been waiting for hours, or have painted all but its last line before the person came: a blank
   * makes it paint its menu again, and means nothing elsewhere.
   */
  #knock(): void {
    this.#still = undefined;
    this.#knocked = true;
    void this.#type([BLANK]);
  }

  async #act(): Promise<void> {
    const plain = this.#screen.replace(/\u001b\[[0-9;]*[A-Za-z]/g, " ");
    if (PASSWORD.test(plain) && !plain.includes("doesn't match")) {
      this.#done("types the password");
      await this.#type([...Array.from(await this.#password()), ENTER]);
      return;
    }
    const gone = this.#gaveUp && MAIN_MENU.test(plain);
    const screen = gone ? GIVE_UP : (SCREENS.find(({ sign }) => sign.test(plain)) ?? this.#afterKnock(plain));
    if (screen === undefined) return;
    this.#knocked = false;
    this.#gaveUp = plain.includes("Failed to");
    this.#done(screen.says);
    await this.#type(screen.keys);
  }

  #afterKnock(plain: string): (typeof SCREENS)[number] | undefined {
    return this.#knocked && REPAINTED.test(plain) ? CHOOSE : undefined;
  }

  /** The screen is dealt with: what comes next is a new one. */
  #done(line: string): void {
    clearTimeout(this.#still);
    this.#still = undefined;
    this.#screen = "";
    this.#tell(line);
  }

  async #type(keys: string[]): Promise<void> {
    for (const key of keys) {
      await sleep(KEY_MS);
      if (!this.#line.destroyed) this.#line.write(key);
    }
  }
}
