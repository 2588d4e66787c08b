/** What a node's own tools report about it (assets/node/state.sh), and what follows from that. */
import { z } from "zod";
import { bootOrder } from "../firmware/bootOrder.ts";

/** State of our certificate on the node, told by `mokutil --test-key`. */
const keyState = z.enum(["enrolled", "pending", "not-enrolled", "in-db", "in-kernel", "blocked", "unsupported"]);
export type KeyState = z.infer<typeof keyState>;

/** As the kernel knows it: a member's name reaches messages as values do, and isn't cleaned like those. */
const moduleName = z.string().regex(/^\w{1,55}$/);

/** A kernel module that is live. */
const liveModule = z.object({
  version: z.string().nullable(),
  outOfTree: z.boolean(),
  /** The kernel's own mark on a module whose signature it could not verify. */
  unsigned: z.boolean(),
  signers: z.array(z.string()),
});
export type LiveModule = z.infer<typeof liveModule>;

/** A PCI function that the kernel's `sfc` or OpenOnload's binds. */
const port = z.object({
  /** As `0000:3b:00.0`. */
  pci: z.string().nullable(),
  /** Vendor and device, as `1924:0b03`. */
  id: z.string().nullable(),
  /** Null without one. */
  driver: z.string().nullable(),
  /** A virtual function of SR-IOV. */
  virtual: z.boolean(),
  /** The one driver that may have it; null where any may. */
  override: z.string().nullable(),
  /** Part number of its card. */
  part: z.string().nullable(),
  /** Serial number of its card, all but the last four characters masked on the node. */
  serial: z.string().nullable(),
});
export type Port = z.infer<typeof port>;

const networkInterface = z.object({
  name: z.string(),
  pci: z.string().nullable(),
  driver: z.string().nullable(),
  /** As `ethtool -i` prints it: the in-tree driver's is the kernel's release. */
  version: z.string().nullable(),
  /** The card's firmware, as `ethtool -i` prints it. */
  firmware: z.string().nullable(),
});
type NetworkInterface = z.infer<typeof networkInterface>;

export const machineState = z.object({
  secureBoot: z.enum(["enabled", "disabled", "unsupported"]),
  key: keyState.nullable(),
  deletionPending: z.boolean().nullable(),
  /** Bytes that the kernel may still write into the firmware's variables; null where it doesn't tell. */
  firmwareSpace: z.number().nullable(),
  kernel: z.string(),
  bootId: z.string(),
  modules: z.record(moduleName, liveModule.nullable()),
  ports: z.array(port),
  interfaces: z.array(networkInterface),
  /** Physical interfaces under the default route. */
  ownNetwork: z.array(
    z.object({
      name: z.string(),
      driver: z.string().nullable(),
      /** Null where nothing physical was found under a route's interface, which is named then. */
      solarflare: z.boolean().nullable(),
    }),
  ),
  /** Whether the kernel takes no module without a trusted signature, with Secure Boot or without. */
  signaturesEnforced: z.boolean(),
  /** Modules of ours that the kernel's command line forbids. */
  blacklisted: z.array(z.string()),
  /** What keeps the kernel's own `sfc` from being loaded on this node; null where nothing does. */
  kernelDriverBarred: z.string().nullable(),
  /** Whether Indirect Branch Tracking is on. */
  ibt: z.boolean(),
  boot: bootOrder,
});
export type MachineState = z.infer<typeof machineState>;

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
