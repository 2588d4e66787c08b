import { lstatSync, mkdirSync, rmdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { lockdownOf, type Interface, type LiveModule, type Machine, type Process } from "./machine.ts";
import { usesOf } from "./modules.ts";
import { hostKeyOf } from "./sshKeys.ts";
import { driverVersion, liveInterfaces } from "./tools/inspect.ts";

/** A file's content, or where a symbolic link points. */
type Entry = { text: string } | { link: string };

/** Directories that a command may write to; all but the home are in memory on a real node. */
const WRITABLE = ["dev/shm", "run", "tmp", "var/home/core"];
/** What is made from the machine's state: nobody else writes there. */
const MANAGED = ["etc", "proc", "sys", "var/lib/containers", "dev/onload"];

/** Where OVN-Kubernetes puts the default route: an Open vSwitch bridge that the node's own interface is a port of. */
const BRIDGE = "br-ex";

/**
 * The files of one node that its commands read: below `directory`, which stands for `/` (see ONLOAD_KMM_ROOT in
 * assets/node/lib.sh). `sync` brings them up to date with the machine.
 */
export class RootFileSystem {
  readonly directory: string;
  #written = new Map<string, string>();

  constructor(directory: string) {
    this.directory = directory;
    for (const path of MANAGED) rmSync(join(directory, path), { recursive: true, force: true });
    for (const path of WRITABLE) mkdirSync(join(directory, path), { recursive: true, mode: 0o700 });
  }

  /** Empties what a reboot empties: everything in memory. */
  clearMemory(): void {
    for (const path of WRITABLE.filter((name) => name !== "var/home/core")) {
      rmSync(join(this.directory, path), { recursive: true, force: true });
      mkdirSync(join(this.directory, path), { recursive: true, mode: 0o700 });
    }
  }

  sync(machine: Machine): void {
    const wanted = new Map(Object.entries(entriesOf(machine)).map(([path, entry]) => [path, JSON.stringify(entry)]));
    for (const path of this.#written.keys()) {
      if (!wanted.has(path)) this.#remove(path);
    }
    for (const [path, entry] of wanted) {
      if (this.#written.get(path) !== entry) this.#write(path, JSON.parse(entry) as Entry);
    }
    this.#written = wanted;
  }

  #write(path: string, entry: Entry): void {
    const file = join(this.directory, path);
    mkdirSync(dirname(file), { recursive: true });
    rmSync(file, { force: true });
    if ("text" in entry) writeFileSync(file, entry.text);
    else symlinkSync(entry.link, file);
  }

  /** Removes the file and the directories that it leaves empty: `/sys/module/NAME` must go as a whole. */
  #remove(path: string): void {
    rmSync(join(this.directory, path), { force: true });
    let parent = dirname(path);
    while (parent !== "." && !MANAGED.includes(parent)) {
      if (!removeIfEmpty(join(this.directory, parent))) return;
      parent = dirname(parent);
    }
  }
}

function removeIfEmpty(directory: string): boolean {
  try {
    if (lstatSync(directory).isDirectory()) rmdirSync(directory);
    return true;
  } catch {
    return false;
  }
}

const levels = ["none", "integrity", "confidentiality"];

function entriesOf(machine: Machine): Record<string, Entry> {
  return {
    ...plain({
      "etc/hostname": machine.spec.name,
      "etc/machine-id": machine.machineId,
      "etc/ssh/ssh_host_ed25519_key.pub": hostKeyOf(machine.spec.name).publicKey,
      "etc/os-release": `NAME="Red Hat Enterprise Linux CoreOS"\nPRETTY_NAME="${machine.osImage}"\nID="rhel"`,
      "proc/sys/kernel/random/boot_id": machine.bootId,
      "proc/sys/kernel/osrelease": machine.kernel,
      "proc/cmdline": ["BOOT_IMAGE=(hd0,gpt3)/vmlinuz", ...machine.arguments].join(" "),
      "sys/module/module/parameters/sig_enforce": machine.arguments.includes("module.sig_enforce=1") ? "Y" : "N",
      "sys/kernel/security/lockdown": levels
        .map((each) => (each === lockdownOf(machine) ? `[${each}]` : each))
        .join(" "),
      "sys/class/dmi/id/product_uuid": machine.systemUuid,
      ...(machine.firmware.efi ? { "sys/firmware/efi/fw_platform_size": "64" } : {}),
      ...(machine.modules.some(({ name }) => name === "onload") ? { "dev/onload": "" } : {}),
    }),
    ...routes(machine),
    ...Object.assign({}, ...machine.modules.map((each) => moduleEntries(machine, each))),
    ...Object.assign({}, ...machine.processes.map(processEntries)),
    ...Object.assign({}, ...machine.interfaces.map((each) => deviceEntries(machine, each))),
    ...Object.assign({}, ...liveInterfaces(machine).map(interfaceEntries)),
    ...imageEntries(machine),
  } as Record<string, Entry>;
}

const plain = (files: Record<string, string>): Record<string, Entry> =>
  Object.fromEntries(Object.entries(files).map(([path, text]) => [path, { text: `${text}\n` }]));

/** `/proc/net/route` in the kernel's notation: a default route through the bridge. */
function routes(machine: Machine): Record<string, Entry> {
  const up = liveInterfaces(machine).some(({ defaultRoute }) => defaultRoute);
  const header = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT";
  const line = `${BRIDGE}\t00000000\t0100000A\t0003\t0\t0\t48\t00000000\t0\t0\t0`;
  return {
    ...plain({ "proc/net/route": up ? `${header}\n${line}` : header }),
    [`sys/class/net/${BRIDGE}/operstate`]: { text: "unknown\n" },
    "sys/class/net/ovs-system/operstate": { text: "down\n" },
  };
}

/** `taint` as the kernel shows it: O for out-of-tree, E for a signature that could not be verified. */
function moduleEntries(machine: Machine, module: LiveModule): Record<string, Entry> {
  const taint = module.outOfTree ? `O${module.verified ? "" : "E"}` : "";
  const directory = `sys/module/${module.name}`;
  return {
    ...plain({
      [`${directory}/initstate`]: "live",
      [`${directory}/srcversion`]: module.srcversion,
      [`${directory}/taint`]: taint,
      [`${directory}/refcnt`]: String(usesOf(machine, module)),
      ...(module.version === null ? {} : { [`${directory}/version`]: module.version }),
      ...(module.name === "sfc" ? { "sys/class/mtd/mtd0/name": "ens1f0np0 sfc_mcfw:0b" } : {}),
    }),
    ...Object.fromEntries(module.usedBy.map((user) => [`${directory}/holders/${user}`, { link: `../../${user}` }])),
  };
}

/** As systemd lays out control groups for the kubelet. */
function processEntries({ pid, name, file, pod }: Process): Record<string, Entry> {
  const slice = `kubepods-burstable-pod${pod?.replaceAll("-", "_") ?? ""}.slice`;
  const group = pod === null ? `/system.slice/${name}.service` : `/kubepods.slice/kubepods-burstable.slice/${slice}`;
  return {
    ...plain({ [`proc/${pid}/comm`]: name, [`proc/${pid}/cgroup`]: `0::${group}` }),
    [`proc/${pid}/fd/3`]: { link: file },
  };
}

function deviceEntries(machine: Machine, { pciAddress, pciId, driver }: Interface): Record<string, Entry> {
  const [vendor = "", device = ""] = pciId.split(":");
  const directory = `sys/bus/pci/devices/${pciAddress}`;
  const bound = driver !== "sfc" || machine.modules.some(({ name }) => name === "sfc");
  return {
    ...plain({
      [`${directory}/vendor`]: `0x${vendor}`,
      [`${directory}/device`]: `0x${device}`,
      [`${directory}/class`]: "0x020000",
    }),
    ...(bound
      ? {
          [`${directory}/driver`]: { link: `../../drivers/${driver}` },
          [`sys/bus/pci/drivers/${driver}/version`]: { text: `${driverVersion(machine, driver)}\n` },
        }
      : {}),
  };
}

function interfaceEntries({ name, pciAddress, defaultRoute }: Interface): Record<string, Entry> {
  const directory = `sys/class/net/${name}`;
  return {
    [`${directory}/operstate`]: { text: "up\n" },
    [`${directory}/device`]: { link: `../../../bus/pci/devices/${pciAddress}` },
    ...(defaultRoute ? { [`${directory}/master`]: { link: "../ovs-system" } } : {}),
  };
}

/** The modules of the images in the node's storage, where CRI-O keeps its layers. */
function imageEntries(machine: Machine): Record<string, Entry> {
  const entries: Record<string, Entry> = {};
  for (const { digest, modules } of Object.values(machine.images)) {
    const layer = `var/lib/containers/storage/overlay/${digest.replace("sha256:", "")}/diff`;
    for (const module of modules) entries[`${layer}${module.path}`] = { text: JSON.stringify(module) };
  }
  return entries;
}
