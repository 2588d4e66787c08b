/**
 * The machine under the fake node: what boots, what its firmware trusts and is asked for, which driver is live. It takes
 * requests as mokutil does, and its MokManager, its BMC and whoever sits at its console do as the real ones.
 */
import type { ErrorId } from "../../../../core/errors.ts";
import { StepError } from "../../../../steps/lib/step.ts";
import { Unreachable } from "../../../../steps/node/ssh.ts";
import { ToolFailure, type Machine } from "../../../../steps/node/nodeMachine.ts";
import type { Attendance, FirmwareAccess } from "../../../../steps/firmware/firmwareAccess.ts";
import { idle, kernel, live, machine as report, pci, port } from "../../../core/node/machines.ts";
import type { Timeline } from "./timeline.ts";

/** What is set up before a run. */
export interface Setup {
  readonly secureBoot?: "enabled" | "disabled";
  /** What the firmware trusts already. */
  readonly trusts?: "mokList" | "db";
  readonly driver?: "in-tree" | "onload";
  /** Whether its enrolment is asked for. */
  readonly requested?: boolean;
}

/** The only hash of a password that whoever answers MokManager knows. */
export const passwordHash = "the hash";

/** Seconds from `systemctl reboot` to its effect, and from there to an answer over SSH. */
const [delay, boot] = [3, 8];
/** Seconds until a person, or a script, has typed what MokManager asks for. */
const typing = { attended: 6, console: 2 };

const failing = (error: ErrorId, why: string | undefined): Promise<void> =>
  why === undefined ? Promise.resolve() : Promise.reject(new StepError(error, why));

export class FakeMachine implements Machine {
  driver: "in-tree" | "onload" | "none";
  /** What the firmware trusts. */
  readonly trusted = { mokList: false, db: false };
  /** What MokManager will be asked for. */
  request: "enrol" | "delete" | undefined;
  /** What the BMC was given for the next boot. */
  dbOrder: "add" | "remove" | undefined;
  away = false;
  inMokManager = false;
  boots = 1;
  /** Whether whoever answers MokManager knows the password. */
  isAnswered = true;
  /** Why its console can't be opened, and why its BMC refuses. */
  trouble: { readonly console?: string; readonly database?: string } = {};
  /** Whether it has a card. */
  hasCard = true;
  readonly firmware: FirmwareAccess;

  readonly #secureBoot: "enabled" | "disabled";
  readonly #timeline: Timeline;
  readonly #attended: boolean;
  /** Called for each act, before it is done. */
  readonly #act: (what: string) => void;
  readonly #down: () => void;
  readonly #booted: () => void;
  #planned = false;
  #scripts = new Set<object>();

  /** @param peers who is told of acts and boots, and whether a person answers MokManager */
  constructor(
    setup: Setup,
    timeline: Timeline,
    peers: { act: (what: string) => void; down: () => void; booted: () => void; attended: boolean },
  ) {
    this.#secureBoot = setup.secureBoot ?? "enabled";
    this.driver = setup.driver ?? "in-tree";
    if (setup.requested === true) this.request = "enrol";
    if (setup.trusts !== undefined) this.trusted[setup.trusts] = true;
    this.#timeline = timeline;
    this.#attended = peers.attended;
    this.#act = peers.act;
    this.#down = peers.down;
    this.#booted = peers.booted;
    this.firmware = {
      tryConsole: () => failing("OKMM-CONSOLE-UNUSABLE", this.trouble.console),
      openConsole: ({ wake }) => Promise.resolve(this.#sitDown(wake)),
      openDatabase: () => ({
        lists: () => failing("OKMM-BMC-UNFIT", this.trouble.database).then(() => this.trusted.db),
        add: () => this.#order("add"),
        remove: () => this.#order("remove").then((answer) => answer === "asked"),
        close: () => undefined,
      }),
    };
  }

  get bootId(): string {
    return `boot-${this.boots}`;
  }

  get trusts(): boolean {
    return this.#secureBoot === "disabled" || this.trusted.mokList || this.trusted.db;
  }

  /** A kill takes the script at the console with it. */
  kill(): void {
    this.#scripts.clear();
  }

  async state() {
    this.#look();
    const inTree = this.driver === "in-tree" ? live({ outOfTree: false }) : null;
    const ours = this.driver === "onload" ? live() : null;
    return Promise.resolve(
      report({
        secureBoot: this.#secureBoot,
        signaturesEnforced: this.#secureBoot === "enabled",
        key: this.#key(),
        deletionPending: this.request === "delete",
        bootId: this.bootId,
        modules: { onload: ours, sfc: ours ?? inTree, sfc_char: ours, sfc_resource: ours },
        ports: this.hasCard ? [this.driver === "none" ? idle : pci()] : [],
        interfaces: this.driver === "none" ? [] : [port(this.driver === "in-tree" ? { version: kernel } : {})],
      }),
    );
  }

  async stateOrAway() {
    return this.state().catch((error: unknown) => {
      if (error instanceof Unreachable) return undefined;
      throw error;
    });
  }

  async requestEnrolment(hash: string): Promise<string> {
    this.#look();
    if (this.trusted.mokList || this.trusted.db) return Promise.resolve(this.#key());
    this.#act("request enrolment");
    this.request = hash === passwordHash ? "enrol" : undefined;
    return Promise.resolve("pending");
  }

  async revokeRequests(): Promise<void> {
    this.#look();
    if (this.request !== undefined) this.#act("revoke requests");
    this.request = undefined;
    return Promise.resolve();
  }

  async requestDeletion(hash: string): Promise<boolean> {
    this.#look();
    if (!this.trusted.mokList) return Promise.resolve(false);
    this.#act("request deletion");
    this.request = hash === passwordHash ? "delete" : undefined;
    return Promise.resolve(true);
  }

  /** Whoever holds the modules: an application in a pod, as long as that is there. */
  holder: () => string | undefined = () => undefined;

  async users() {
    this.#look();
    // A reboot ends everybody.
    const pod = this.boots === 1 ? this.holder() : undefined;
    return Promise.resolve(pod === undefined ? [] : [{ name: "nginx (4242)", holds: "/dev/onload", pod }]);
  }

  async loadKernelDriver(): Promise<void> {
    this.#look();
    if (this.driver !== "none") return Promise.resolve();
    this.#act("load the kernel's driver");
    this.driver = "in-tree";
    return Promise.resolve();
  }

  async reboot(bootId: string, mokTimeout?: number): Promise<string | undefined> {
    this.#look();
    if (bootId !== this.bootId) throw new ToolFailure(`w1: reboot.sh failed on the node: rebooted already`);
    if (this.#planned) {
      throw new ToolFailure(
        "w1: reboot.sh failed on the node (exit code 1): systemd-run: Failed to start transient timer unit: " +
          "Unit onload-kmm-reboot.timer was already loaded or has a fragment file.",
      );
    }
    this.#act("reboot");
    this.#planned = true;
    this.#timeline.after(delay, () => this.#goDown(mokTimeout === -1));
    return Promise.resolve("0001");
  }

  #goDown(waits: boolean): void {
    this.away = true;
    this.#planned = false;
    this.driver = "none";
    this.#down();
    if (this.dbOrder !== undefined) this.trusted.db = this.dbOrder === "add";
    this.dbOrder = undefined;
    // Without the timeout MokManager starts the system after ten seconds; either way it takes the request as it starts.
    if (this.request === undefined || !waits) this.#start();
    else this.#stopInMokManager();
  }

  #stopInMokManager(): void {
    this.inMokManager = true;
    if (this.#attended) this.#timeline.after(typing.attended, () => this.#answer());
    else if (this.#scripts.size > 0) this.#timeline.after(typing.console, () => this.#answer());
  }

  /** A wrong password is no answer: MokManager goes on without, and forgets the request. */
  #answer(): void {
    if (!this.inMokManager) return;
    if (this.isAnswered) this.trusted.mokList = this.request === "enrol";
    this.inMokManager = false;
    this.#start();
  }

  #start(): void {
    this.request = undefined;
    this.#timeline.after(boot, () => {
      this.away = false;
      this.boots += 1;
      this.driver = "in-tree";
      this.#booted();
    });
  }

  #sitDown(wake: boolean): Attendance {
    const script = {};
    const begin = (): void => {
      this.#scripts.add(script);
      if (this.inMokManager) this.#timeline.after(typing.console, () => this.#answer());
    };
    if (wake) begin();
    return {
      requireOpen: () => undefined,
      begin,
      saw: undefined,
      end: () => void this.#scripts.delete(script),
      complain: () => Promise.resolve(),
    };
  }

  async #order(order: "add" | "remove"): Promise<"asked" | "listed"> {
    if (this.trusted.db === (order === "add")) return Promise.resolve("listed");
    this.#act(`${order} in db`);
    this.dbOrder = order;
    return Promise.resolve("asked");
  }

  #key() {
    if (this.trusted.mokList) return "enrolled";
    if (this.trusted.db) return "in-db";
    return this.request === "enrol" ? "pending" : "not-enrolled";
  }

  /** Nobody looks at a machine that is away, and a process that was killed at none. */
  #look(): void {
    this.#timeline.settle();
    if (this.away) throw new Unreachable("w1: 10.0.0.1: no SSH connection (connect ECONNREFUSED)");
  }
}
