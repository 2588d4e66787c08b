/** What a node's own tools report about it (assets/node/state.sh), and what follows from that. */

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

interface NetworkInterface {
  readonly name: string;
  readonly pci?: string | null;
  readonly driver: string | null;
  /** As `ethtool -i` prints it: the in-tree driver's is the kernel's release. */
  readonly version: string | null;
}

export interface MachineState {
  readonly secureBoot: "enabled" | "disabled" | "unsupported";
  readonly key: KeyState | null;
  readonly deletionPending: boolean | null;
  readonly kernel: string;
  readonly bootId: string;
  readonly machineId: string;
  readonly systemUuid: string;
  readonly modules: Readonly<Record<string, LiveModule | null>>;
  /** Solarflare ports on the PCI bus, with or without a driver. */
  readonly ports: number;
  readonly interfaces: readonly NetworkInterface[];
  /** Physical interfaces under the default route. */
  readonly ownNetwork: readonly {
    readonly name: string;
    readonly driver: string | null;
    readonly solarflare: boolean;
  }[];
  readonly onloadDevice: boolean;
}

const trustedStates: readonly (KeyState | null)[] = ["enrolled", "in-db", "in-kernel"];

/** Whether modules signed with our key can be loaded, as far as firmware and kernel are asked. */
export const isTrusted = ({ secureBoot, key }: MachineState): boolean =>
  secureBoot !== "enabled" || trustedStates.includes(key);

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
  for (const { name, driver, version } of state.interfaces) {
    if (driver !== "sfc") problems.push(`${name} has the driver ${driver ?? "none"}, not sfc`);
    else if (version === state.kernel) problems.push(`${name} runs the in-tree sfc driver (version ${version})`);
  }
  if (state.interfaces.length < state.ports) {
    problems.push(`${state.ports - state.interfaces.length} of ${state.ports} Solarflare ports have no interface`);
  }
  return problems;
}

/**
 * Why the kernel's own driver doesn't serve the Solarflare ports, as it did before OpenOnload's; empty when it does. KMM
 * only unloads: nothing loads `sfc` again before the next boot.
 */
export function kernelDriverProblems({ modules, ports, interfaces }: MachineState): string[] {
  const problems = needed
    .filter((name) => modules[name]?.outOfTree === true)
    .map((name) => `OpenOnload's ${name} is still live`);
  const lacking = ports - interfaces.filter(({ driver }) => driver !== null).length;
  if (lacking > 0) problems.push(`${lacking} of ${ports} Solarflare ports have no interface`);
  return problems;
}

/** Interfaces that carry the node's own network and would go away while modules are reloaded. */
export const ownSolarflareInterfaces = ({ ownNetwork }: MachineState): string[] =>
  ownNetwork.filter(({ solarflare }) => solarflare).map(({ name }) => name);
