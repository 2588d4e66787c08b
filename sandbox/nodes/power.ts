import { setTimeout as sleep } from "node:timers/promises";
import { bootEntries, chooseEntry, diskEntry } from "./firmware/bootMenu.ts";
import { wantsMokManager, runMokManager } from "./firmware/mokManager.ts";
import type { SerialConsole } from "./firmware/serialConsole.ts";
import { startKernel, type Machine } from "./machine.ts";
import type { Readiness } from "./nodeStatus.ts";
import type { SwitchName } from "../switches.ts";

/** What one machine's power needs of its surroundings. */
export interface PowerOptions {
  machine: Machine;
  console: SerialConsole;
  /** Keeps the machine's state. */
  save: () => void;
  /** Is a failure switch on for this machine? */
  failing: (name: SwitchName) => boolean;
  /** How long kernel and kubelet take, in seconds. */
  bootSeconds: () => number;
  /** The operating system stops being there: connections and processes end, memory is lost. */
  wentDown: () => Promise<void>;
  /** It is there again, before its kubelet is. */
  cameUp: () => Promise<void>;
  /** What the cluster is to see of the kubelet. */
  report: (readiness: Readiness) => Promise<void>;
  log: (line: string) => void;
}

/** A node that is away this long becomes Unknown. The real node lifecycle controller takes 40 to 50 s. */
const UNKNOWN_AFTER_MS = 2000;
const FIRMWARE_MS = 200;
/** A kubelet is there for a moment before its network is. */
const STARTING_MS = 300;

/** One machine's power button: reboots, and everything that happens between power-on and Ready. */
export class Power {
  readonly #options: PowerOptions;
  #cycle = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #planned: NodeJS.Timeout | undefined;

  constructor(options: PowerOptions) {
    this.#options = options;
  }

  /** Plans a reboot; false when one is planned already. */
  plan(seconds: number): boolean {
    if (this.#planned !== undefined) return false;
    this.#planned = setTimeout(() => this.reset(), seconds * 1000);
    return true;
  }

  /** Restarts the machine, whatever it does: a reboot while it runs, a power reset in the firmware or MokManager. */
  reset(): void {
    clearTimeout(this.#planned);
    this.#planned = undefined;
    this.#cycle.abort();
    const cycle = new AbortController();
    this.#cycle = cycle;
    const before = this.#running;
    this.#running = before.then(() => this.#restart(cycle.signal)).catch((error: unknown) => this.#failed(error));
  }

  /** Goes on where an earlier process was cut: for the machine that was a power cut. */
  resume(): void {
    if (this.#options.machine.power !== "running") this.reset();
  }

  /** Ends all of it; a machine that isn't running stays where it is. */
  async stop(): Promise<void> {
    clearTimeout(this.#planned);
    this.#cycle.abort();
    await this.#running;
  }

  #failed(error: unknown): void {
    const { machine, log } = this.#options;
    log(`${machine.spec.name}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
  }

  async #restart(signal: AbortSignal): Promise<void> {
    const { machine, wentDown, save, console } = this.#options;
    if (signal.aborted) return;
    machine.power = "off";
    save();
    await wentDown();
    const isOn = new AbortController();
    void this.#becomeUnknown(AbortSignal.any([signal, isOn.signal]));
    console.keyboard.clear();
    const on = await this.#powerOn(signal);
    isOn.abort();
    if (on) await this.#boot(signal);
  }

  /** The cluster notices after a while that the kubelet is silent, and says so as soon as its API server takes it. */
  async #becomeUnknown(unlessOn: AbortSignal): Promise<void> {
    if (await pause(UNKNOWN_AFTER_MS, unlessOn)) await persist(() => this.#options.report("unknown"), unlessOn);
  }

  /**
   * From power-on to the kernel, through MokManager when there is a request and shim is what boots; a change in it resets the
   * machine. False when the power went on the way.
   */
  async #powerOn(signal: AbortSignal): Promise<boolean> {
    const { machine, save, console, failing } = this.#options;
    while (failing("node.never-returns")) if (!(await pause(FIRMWARE_MS, signal))) return false;
    for (;;) {
      machine.power = "firmware";
      if (!failing("node.db-unchanged")) machine.firmware.db = machine.firmware.dbNext ?? machine.firmware.db;
      machine.firmware.dbNext = null;
      chooseEntry(machine.boot);
      save();
      console.write(banner(machine.boot.current));
      if (!(await pause(FIRMWARE_MS, signal))) return false;
      if (machine.boot.current !== diskEntry || !wantsMokManager(machine.firmware)) return true;
      machine.power = "mok-manager";
      save();
      const { firmware } = machine;
      const write = (text: string): void => console.write(text);
      const ending = await runMokManager({ firmware, save, keyboard: console.keyboard, write, signal });
      if (ending !== "reset") return ending === "boot";
    }
  }

  async #boot(signal: AbortSignal): Promise<void> {
    const { machine, save, console, failing, bootSeconds, cameUp, report, log } = this.#options;
    machine.power = "firmware";
    console.write(`\r\nLoading Linux ${machine.next.kernel} ...\r\n`);
    const half = (bootSeconds() * 1000) / 2;
    if (!(await pause(half, signal))) return;
    startKernel(machine, { keepBootId: failing("node.boot-id-unchanged") });
    save();
    await cameUp();
    console.write(`\r\n${machine.osImage}\r\n${machine.spec.name} login: `);
    log(`${machine.spec.name}: booted, ${machine.bootId}`);
    if (!(await pause(half, signal))) return;
    if (!(await persist(() => report("starting"), signal))) return;
    if (await pause(STARTING_MS, signal)) await persist(() => report("ready"), signal);
  }
}

function banner(entry: string): string {
  const { label = "", path = "" } = bootEntries[entry] ?? {};
  return `\r\nBdsDxe: starting Boot${entry} "${label}" from ${path}\r\n`;
}

/** Sleeps; false when the signal came first. */
const pause = (milliseconds: number, signal: AbortSignal): Promise<boolean> =>
  sleep(milliseconds, true, { signal }).catch(() => false);

/** A kubelet posts its status until the API server takes it. False when the signal came first. */
async function persist(post: () => Promise<void>, signal: AbortSignal): Promise<boolean> {
  for (;;) {
    const taken = await post().then(
      () => true,
      () => false,
    );
    if (taken) return true;
    if (!(await pause(500, signal))) return false;
  }
}
