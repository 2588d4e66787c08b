import { randomBytes, randomUUID, X509Certificate } from "node:crypto";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { readControl } from "./access.ts";
import { addToDb } from "./bmc.ts";
import { diskEntry, networkEntry } from "./firmware/bootMenu.ts";
import { withoutCard, type Machine } from "./machine.ts";
import { heldBy, live } from "./modules.ts";
import type { SandboxNode } from "./node.ts";

/** What can be done to a machine that no command on it does: what a hand, a BMC or an administrator would do. */
export interface Actions {
  /** The machine's whole state. */
  state: Record<string, never>;
  /** Someone else reboots it, or presses reset: what it is depends on what the machine is doing. */
  reset: Record<string, never>;
  /** The operating system is reinstalled: another machine ID. The firmware keeps its keys. */
  reinstall: Record<string, never>;
  /** Another mainboard: another system UUID, and a firmware without keys. */
  replaceMainboard: Record<string, never>;
  /** The firmware forgets every key and request, as after a reset of its settings. It does not reboot. */
  forgetKeys: Record<string, never>;
  /** A certificate (PEM, or DER in base64) for `db`; the firmware takes it at the next boot. */
  addToDb: { certificate: string };
  /** What the next boot starts. */
  upgrade: { kernel: string; osImage?: string };
  secureBoot: { on: boolean };
  /** The machine boots with these arguments of the kernel from now on: `module_blacklist=`, `lockdown=` and the like. */
  bootWith: { arguments: string[] };
  /** Lines of modprobe.d: `blacklist sfc`, `install sfc /bin/false`. The machine boots. */
  configureModprobe: { lines: string[] };
  /** Its Solarflare card is taken out, for good. */
  removeCard: Record<string, never>;
  /** A program starts and opens a file that holds a module; in the pod of this UID, or outside of pods. */
  start: { name: string; file: string; pod?: string };
  /** The programs of this name end. */
  end: { name: string };
  /** Another firmware on its Solarflare card. */
  cardFirmware: { version: string };
  /** What the firmware tries first from now on; the network's boot server knows no shim, and so no MokManager. */
  bootOrder: { first: "disk" | "network" };
}

type Handlers = { [Name in keyof Actions]: (node: SandboxNode, input: Actions[Name]) => unknown };

const HANDLERS: Handlers = {
  state: ({ machine }) => machine,
  reset: ({ power }) => power.reset(),
  reinstall(node) {
    node.machine.machineId = randomBytes(16).toString("hex");
    node.machine.images = {};
    node.power.reset();
  },
  replaceMainboard(node) {
    node.machine.systemUuid = randomUUID();
    forgetKeys(node);
    node.power.reset();
  },
  forgetKeys,
  addToDb({ machine }, { certificate }) {
    const pem = certificate.includes("-----BEGIN");
    const der = new X509Certificate(pem ? certificate : Buffer.from(certificate, "base64")).raw.toString("base64");
    addToDb(machine, der);
  },
  upgrade({ machine }, { kernel, osImage }) {
    machine.next = { ...machine.next, kernel, osImage: osImage ?? machine.next.osImage };
  },
  secureBoot({ machine }, { on }) {
    machine.firmware.secureBoot = on;
  },
  bootWith({ machine, power }, input) {
    machine.next.arguments = input.arguments;
    power.reset();
  },
  configureModprobe({ machine, power }, { lines }) {
    const strange = lines.find((line) => !/^(blacklist \S+|install \S+ \/bin\/false)$/.test(line));
    if (strange !== undefined) throw new Error(`modprobe.d: the sandbox doesn't know ${strange}`);
    machine.modprobeConfig = lines;
    power.reset();
  },
  removeCard({ machine, power }) {
    withoutCard(machine);
    power.reset();
  },
  start({ machine }, { name, file, pod }) {
    if (live(machine, heldBy(file) ?? "") === undefined) throw new Error(`${file}: No such device or address`);
    const pid = Math.max(1000, ...machine.processes.map((each) => each.pid)) + 1;
    machine.processes.push({ pid, name, file, pod: pod ?? null });
  },
  end({ machine }, { name }) {
    machine.processes = machine.processes.filter((each) => each.name !== name);
  },
  cardFirmware({ machine }, { version }) {
    for (const { driver, card } of machine.interfaces) if (driver === "sfc") card.firmware = version;
  },
  bootOrder({ machine }, { first }) {
    machine.boot.order = first === "disk" ? [diskEntry, networkEntry] : [networkEntry, diskEntry];
  },
};

function forgetKeys({ machine }: SandboxNode): void {
  const keyless = { db: [], dbx: [], dbNext: null, mokList: [], mokNew: null, mokAuth: null };
  Object.assign(machine.firmware, keyless, { mokDel: null, mokDelAuth: null, mokTimeout: null });
}

/** Does it; the store is saved by the caller. Unknown actions are refused by name. */
export function control(node: SandboxNode, action: string, input: Record<string, unknown>): unknown {
  const handler = (HANDLERS as Record<string, ((node: SandboxNode, input: never) => unknown) | undefined>)[action];
  if (handler === undefined) {
    throw new Error(`no action ${action}; known are ${Object.keys(HANDLERS).join(", ")}`);
  }
  const answer = handler(node, input as never);
  node.save();
  return answer;
}

/** Asks the running sandbox in `stateDir` to do something to a machine. Throws its error. */
export async function controlNode<Name extends keyof Actions>(
  stateDir: string,
  node: string,
  action: Name,
  ...[input]: Actions[Name] extends Record<string, never> ? [] : [Actions[Name]]
): Promise<Machine | null> {
  const { port, token } = readControl(stateDir);
  const socket = connect(port, "127.0.0.1");
  socket.end(`${JSON.stringify({ ...input, token, node, action })}\n`);
  const answer = JSON.parse(await text(socket)) as Machine | { error: string } | null;
  if (answer !== null && "error" in answer) throw new Error(`${node}: ${answer.error}`);
  return answer;
}
