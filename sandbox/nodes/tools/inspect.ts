import type { Interface, Machine, ModuleFile } from "../machine.ts";
import { inTreeFiles, live } from "../modules.ts";
import { failed, printed, type Call, type Result } from "./tool.ts";

/** The machine's interfaces whose driver is live: only these exist for the kernel. */
export const liveInterfaces = (machine: Machine): Interface[] =>
  machine.interfaces.filter(({ driver }) => driver !== "sfc" || live(machine, "sfc") !== undefined);

/** What `ethtool -i` calls the driver's version: its own, or the kernel's release for an in-tree driver. */
export const driverVersion = (machine: Machine, driver: string): string =>
  live(machine, driver)?.version ?? machine.kernel;

/** `ethtool -i INTERFACE`. */
export function ethtool({ machine, args }: Call): Result {
  const [option, name = ""] = args;
  if (option !== "-i" || args.length !== 2) return failed(1, `ethtool: the sandbox doesn't know ${args.join(" ")}`);
  const found = liveInterfaces(machine).find((each) => each.name === name);
  if (found === undefined) return failed(71, "Cannot get driver information: No such device");
  return printed(
    `driver: ${found.driver}`,
    `version: ${driverVersion(machine, found.driver)}`,
    `firmware-version: ${found.card.firmware}`,
    "expansion-rom-version: ",
    `bus-info: ${found.pciAddress}`,
    "supports-statistics: yes",
    "supports-test: yes",
    "supports-eeprom-access: no",
    "supports-register-dump: yes",
    "supports-priv-flags: yes",
  );
}

/** `lsmod`: the most recently loaded first. Sizes are not modelled. */
export function lsmod({ machine }: Call): Result {
  const lines = machine.modules
    .toReversed()
    .map(
      ({ name, usedBy }) =>
        `${name.padEnd(23)}16384  ${usedBy.length}${usedBy.length > 0 ? ` ${usedBy.join(",")}` : ""}`,
    );
  return printed("Module                  Size  Used by", ...lines);
}

/** `lspci -d VENDOR: -nnk`, and `lspci -vv -s ADDRESS`, of which only the Vital Product Data is modelled. */
export function lspci(call: Call): Result {
  const { machine, args } = call;
  if (args[0] === "-vv" && args[1] === "-s" && args.length === 3) return productData(call);
  const vendor = /^([0-9a-f]{4}):$/.exec(args[1] ?? "")?.[1];
  if (args[0] !== "-d" || vendor === undefined || args[2] !== "-nnk" || args.length !== 3) {
    return failed(
      1,
      `lspci: the sandbox knows only lspci -d VENDOR: -nnk and lspci -vv -s ADDRESS, not ${args.join(" ")}`,
    );
  }
  const blocks = machine.interfaces
    .filter(({ pciId }) => pciId.startsWith(`${vendor}:`))
    .flatMap(({ pciAddress, pciId, driver }) => [
      `${pciAddress.replace(/^0000:/, "")} Ethernet controller [0200]: ${PCI_NAMES[pciId] ?? "Device"} [${pciId}]`,
      ...(driver !== "sfc" || live(machine, "sfc") !== undefined ? [`\tKernel driver in use: ${driver}`] : []),
      `\tKernel modules: ${driver}`,
    ]);
  return printed(...blocks);
}

/** As pciutils 3.7 prints it for root; others aren't shown any capability. */
function productData({ machine, args, root }: Call): Result {
  const found = machine.interfaces.find(({ pciAddress }) => pciAddress === args[2]);
  // A slot with nothing in it is no error of lspci's.
  if (found === undefined) return printed();
  const name = PCI_NAMES[found.pciId] ?? "Device";
  const { part, serial } = found.card;
  return printed(
    `${found.pciAddress.replace(/^0000:/, "")} Ethernet controller: ${name} (rev 01)`,
    ...(root && part !== undefined && serial !== undefined
      ? [
          "\tCapabilities: [d0] Vital Product Data",
          `\t\tProduct Name: ${name}`,
          "\t\tRead-only fields:",
          `\t\t\t[PN] Part number: ${part}`,
          `\t\t\t[SN] Serial number: ${serial}`,
          "\t\t\t[RV] Reserved: checksum good, 0 byte(s) reserved",
          "\t\tEnd",
        ]
      : [...(root ? [] : ["\tCapabilities: <access denied>"])]),
    "",
  );
}

const PCI_NAMES: Record<string, string> = {
  "1924:0b03": "Solarflare Communications XtremeScale SFC9250 10/25/40/50/100G Ethernet Controller",
  "8086:1521": "Intel Corporation I350 Gigabit Network Connection",
};

/** `modinfo -F FIELD NAME|FILE`: a name is looked for in the host's own tree, never among the live modules. */
export function modinfo(call: Call): Result {
  const [option, field = "", name = ""] = call.args;
  if (option !== "-F" || call.args.length !== 3) {
    return failed(1, `modinfo: the sandbox knows only modinfo -F FIELD NAME, not ${call.args.join(" ")}`);
  }
  const file = name.includes("/") ? fileAt(call, name) : inTreeFiles(call.machine).find((each) => each.name === name);
  if (file === undefined) return failed(1, `modinfo: ERROR: Module ${name} not found.`);
  const fields: Record<string, string | null> = {
    filename: file.path,
    name: file.name,
    // As the in-tree driver's table has it for the cards of PCI_NAMES.
    alias: file.name === "sfc" ? "pci:v00001924d00000B03sv*sd*bc*sc*i*" : null,
    signer: file.signer,
    srcversion: file.srcversion,
    version: file.version,
    vermagic: `${file.kernel ?? call.machine.kernel} SMP preempt mod_unload modversions `,
  };
  if (!(field in fields)) return failed(1, `modinfo: the sandbox doesn't know the field ${field}`);
  const value = fields[field] ?? null;
  return value === null ? printed() : printed(value);
}

/** A module's file in the node's file system holds its {@link ModuleFile} in JSON. */
function fileAt(call: Call, path: string): ModuleFile | undefined {
  const content = call.readFile(path);
  return content === null ? undefined : (JSON.parse(content.toString("utf8")) as ModuleFile);
}

/** `uname -r`, and the other options that a script may want. */
export function uname({ machine, args }: Call): Result {
  const fields: Record<string, string> = {
    "-r": machine.kernel,
    "-n": machine.spec.name,
    "-m": "x86_64",
    "-s": "Linux",
  };
  const value = fields[args[0] ?? "-s"];
  return value === undefined || args.length > 1
    ? failed(1, `uname: the sandbox doesn't know ${args.join(" ")}`)
    : printed(value);
}
