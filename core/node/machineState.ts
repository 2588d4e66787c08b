/** What a node's own tools report about it (assets/node/state.sh), and what follows from that. */
import type { BootOrder } from "../firmware/bootOrder.ts";

/** State of our certificate on the node, told by `mokutil --test-key`. */
export type KeyState = "enrolled" | "pending" | "not-enrolled" | "in-db" | "in-kernel" | "blocked" | "unsupported";

/** A kernel module that is live. */
export interface LiveModule {
  readonly version: string | null;
  readonly srcversion: string | null;
  readonly outOfTree: boolean;
  /** The kernel's own mark on a module whose signature it could not verify. */
  readonly unsigned: boolean;
  readonly signers: readonly string[];
}

/** A PCI function that the kernel's `sfc` or OpenOnload's binds. */
export interface Port {
  /** As `0000:3b:00.0`. */
  readonly pci: string | null;
  /** Vendor and device, as `1924:0b03`. */
  readonly id: string | null;
  /** Null without one. */
  readonly driver: string | null;
  /** A virtual function of SR-IOV. */
  readonly virtual: boolean;
  /** The one driver that may have it; null where any may. */
  readonly override: string | null;
  /** Part number of its card. */
  readonly part: string | null;
  /** Serial number of its card, all but the last four characters masked on the node. */
  readonly serial: string | null;
}

interface NetworkInterface {
  readonly name: string;
  readonly pci?: string | null;
  readonly driver: string | null;
  /** As `ethtool -i` prints it: the in-tree driver's is the kernel's release. */
  readonly version: string | null;
  /** The card's firmware, as `ethtool -i` prints it. */
  readonly firmware: string | null;
}

export interface MachineState {
  readonly secureBoot: "enabled" | "disabled" | "unsupported";
  readonly key: KeyState | null;
  readonly deletionPending: boolean | null;
  /** Bytes that the kernel may still write into the firmware's variables; null where it doesn't tell. */
  readonly firmwareSpace: number | null;
  readonly kernel: string;
  readonly bootId: string;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly modules: Readonly<Record<string, LiveModule | null>>;
  readonly ports: readonly Port[];
  readonly interfaces: readonly NetworkInterface[];
  /** Physical interfaces under the default route. */
  readonly ownNetwork: readonly {
    readonly name: string;
    readonly driver: string | null;
    /** Null where nothing physical was found under a route's interface, which is named then. */
    readonly solarflare: boolean | null;
  }[];
  readonly onloadDevice: boolean;
  /** Whether the kernel takes no module without a trusted signature, with Secure Boot or without. */
  readonly signaturesEnforced: boolean;
  /** Modules of ours that the kernel's command line forbids. */
  readonly blacklisted: readonly string[];
  /** What keeps the kernel's own `sfc` from being loaded on this node; null where nothing does. */
  readonly kernelDriverBarred: string | null;
  /** Whether Indirect Branch Tracking is on. */
  readonly ibt: boolean;
  readonly boot: BootOrder;
}

const trustedStates: readonly (KeyState | null)[] = ["enrolled", "in-db", "in-kernel"];

/** Whether modules signed with our key can be loaded, as far as firmware and kernel are asked. */
export const isTrusted = (state: MachineState): boolean => state.secureBoot !== "enabled" || isKeyTrusted(state);

/** Whether firmware or kernel trusts our key, with Secure Boot or without. */
export const isKeyTrusted = ({ key }: MachineState): boolean => trustedStates.includes(key);

/**
 * The ports that a driver of the host must serve. One that has, or is set aside for, a driver for something else (`vfio-pci`,
 * for a virtual machine or a userspace stack) is in good use, and so is a virtual function that has none.
 */
export const hostPorts = ({ ports }: MachineState): Port[] =>
  ports.filter(({ driver, virtual, override }) => {
    if (driver !== null) return driver.startsWith("sfc");
    return !virtual && (override === null || override.startsWith("sfc"));
  });

/** A port's interface may be in a pod's network namespace, where nobody sees it from here: its driver is what counts. */
function idlePorts(state: MachineState): string[] {
  const all = hostPorts(state);
  const idle = all.filter(({ driver }) => driver === null);
  return idle.length === 0 ? [] : [`${idle.length} of ${all.length} Solarflare ports have no driver`];
}

/** A representor of SR-IOV's switch hangs on its card like a port, but is none. */
const isNobodysPort = ({ driver }: NetworkInterface): boolean => driver === "efx_ef100_rep";

/** The modules without which OpenOnload doesn't run. */
const needed = ["onload", "sfc", "sfc_char", "sfc_resource"];

/**
 * Why the node doesn't run the out-of-tree driver, however green KMM looks; empty when it does. `lsmod` can't tell
 * the two drivers apart: the kernel's taint mark and `ethtool -i` can.
 */
export function driverProblems(state: MachineState): string[] {
  const problems: string[] = [];
  for (const name of needed) {
    const module = state.modules[name] ?? null;
    if (module === null) problems.push(`${name} is not live`);
    else if (!module.outOfTree) problems.push(`${name} is the kernel's own, not OpenOnload's`);
    else if (module.unsigned && state.secureBoot === "enabled") problems.push(`${name} is not signed by a trusted key`);
  }
  for (const { name, driver, version } of state.interfaces.filter((each) => !isNobodysPort(each))) {
    if (driver !== "sfc") problems.push(`${name} has the driver ${driver ?? "none"}, not sfc`);
    else if (version === state.kernel) problems.push(`${name} runs the in-tree sfc driver (version ${version})`);
  }
  return [...problems, ...idlePorts(state)];
}

/**
 * Why the kernel's own driver doesn't serve the Solarflare ports, as it did before OpenOnload's; empty when it does. KMM
 * only unloads: nothing loads `sfc` again before the next boot. Where the node is set up without that driver it never did.
 */
export function kernelDriverProblems(state: MachineState): string[] {
  const problems = needed
    .filter((name) => state.modules[name]?.outOfTree === true)
    .map((name) => `OpenOnload's ${name} is still live`);
  return state.kernelDriverBarred === null ? [...problems, ...idlePorts(state)] : problems;
}

/** Interfaces that carry the node's own network and would go away while modules are reloaded. */
export const ownSolarflareInterfaces = ({ ownNetwork }: MachineState): string[] =>
  ownNetwork.filter(({ solarflare }) => solarflare === true).map(({ name }) => name);
