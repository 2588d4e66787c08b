import { createHash, randomBytes, randomUUID } from "node:crypto";
import { newBootMenu, type BootMenu } from "./firmware/bootMenu.ts";
import type { NodeSpec } from "./spec.ts";

/** A certificate in one of the machine's lists: its DER bytes in base64. */
export interface Certificate {
  der: string;
}

/** A kernel module that is live. */
export interface LiveModule {
  name: string;
  outOfTree: boolean;
  /** `MODULE_VERSION`; in-tree `sfc` has none (`ethtool -i` then reports the kernel's release). */
  version: string | null;
  srcversion: string;
  signer: string | null;
  /** Whether the kernel could verify the signature (`E` is missing in its taint). */
  verified: boolean;
  /** Live modules that depend on this one. */
  usedBy: string[];
}

/** A process that holds a module by a file that it has open. */
export interface Process {
  pid: number;
  name: string;
  /** As `/dev/onload`. */
  file: string;
  /** UID of the pod that it runs in; null outside of pods. */
  pod: string | null;
}

/** A network interface; it is there only while its driver is live. */
export interface Interface {
  name: string;
  pciAddress: string;
  /** `vendor:device` in hex, as lspci prints it. */
  pciId: string;
  driver: string;
  defaultRoute: boolean;
  /** What is on the card: as `ethtool -i` and, but for the management port, its Vital Product Data have it. */
  card: { firmware: string; part?: string; serial?: string };
}

/** A kernel module's file, in the host's tree or in an image. */
export interface ModuleFile {
  name: string;
  path: string;
  outOfTree: boolean;
  version: string | null;
  srcversion: string;
  signer: string | null;
  /** The kernel that the file was built for (its vermagic); null where nobody recorded it. */
  kernel: string | null;
  /** What depmod finds in its symbols; null: what is known of the module of this name. */
  needs: string[] | null;
  /** SHA-256 of the signer's certificate in lower-case hex; null for an unsigned file. */
  signerFingerprint: string | null;
}

/** An image in the node's own storage: what of it a node needs. */
export interface StoredImage {
  digest: string;
  /** Every path under `/opt` (or another module directory), for `modprobe -d`. */
  paths: string[];
  modules: ModuleFile[];
}

/** What runs on the machine. `firmware` is the time between power-on and the kernel; MokManager runs in it. */
type Power = "off" | "firmware" | "mok-manager" | "running";

/** The firmware's variables. A request and its password's hash are two variables each, as shim has them. */
export interface Firmware {
  /** False on a machine with a legacy BIOS. */
  efi: boolean;
  secureBoot: boolean;
  db: Certificate[];
  dbx: Certificate[];
  /** What `db` becomes at the next power-on, when a BMC was asked for a change; else null. */
  dbNext: Certificate[] | null;
  mokList: Certificate[];
  /** Keys to be enrolled. MokManager deletes the variable when it starts and works on from memory. */
  mokNew: Certificate[] | null;
  /** Hash of the password for `mokNew`, in crypt(5)'s notation. Never the password itself. */
  mokAuth: string | null;
  /** Keys to be deleted, and the hash of the password for that. */
  mokDel: Certificate[] | null;
  mokDelAuth: string | null;
  /** MokManager's countdown in seconds at the next boot; negative: no countdown; null is the built-in 10. */
  mokTimeout: number | null;
}

/** Everything about one machine that outlives a process: the content of `<stateDir>/nodes/<name>.json`. */
export interface Machine {
  spec: NodeSpec;
  power: Power;
  bootId: string;
  bootedAt: string;
  /** `/etc/machine-id`, 32 hex digits. */
  machineId: string;
  /** The mainboard's UUID, `/sys/class/dmi/id/product_uuid`. */
  systemUuid: string;
  kernel: string;
  osImage: string;
  /** The kernel's arguments that matter here. */
  arguments: string[];
  /** What the next boot starts; an upgrade sets kernel and image. */
  next: { kernel: string; osImage: string; arguments?: string[] };
  /** Lines of modprobe.d, as `install sfc /bin/false`. */
  modprobeConfig: string[];
  firmware: Firmware;
  boot: BootMenu;
  modules: LiveModule[];
  /** Of all processes those that hold a module. */
  processes: Process[];
  interfaces: Interface[];
  /** By image reference. */
  images: Record<string, StoredImage>;
}

/** SHA-256 over the DER bytes, lower-case hex without colons. */
export const fingerprintOf = (certificate: Certificate): string =>
  createHash("sha256").update(Buffer.from(certificate.der, "base64")).digest("hex");

/** Brings any notation of a fingerprint (`SHA256:`, colons, capitals) to that of {@link fingerprintOf}. */
export const normalizeFingerprint = (text: string): string =>
  text
    .replace(/^sha-?256[:/]?/i, "")
    .replaceAll(":", "")
    .toLowerCase();

/** Does the kernel trust this signer? It takes MOKs and the firmware's `db`, but nothing that `dbx` holds. */
export function trusts(machine: Machine, fingerprint: string): boolean {
  const { db, dbx, mokList } = machine.firmware;
  const has = (list: Certificate[]): boolean => list.some((entry) => fingerprintOf(entry) === fingerprint);
  return !has(dbx) && (has(mokList) || has(db));
}

/** The two ports of a Solarflare X2522, and the management port that every node has. */
function interfacesOf(spec: NodeSpec): Interface[] {
  const onSolarflare = spec.solarflare && spec.ownNetworkOnSolarflare === true;
  const management: Interface = {
    name: "eno1",
    pciAddress: "0000:02:00.0",
    pciId: "8086:1521",
    driver: "igb",
    defaultRoute: !onSolarflare,
    card: { firmware: "1.63, 0x80000a05" },
  };
  if (!spec.solarflare) return [management];
  const card = { firmware: "8.4.0.1003 rx1 tx1", part: "X2522", serial: serialOf(spec.name) };
  const ports = [0, 1].map((port) => ({
    card: { ...card },
    name: `ens1f${port}np${port}`,
    pciAddress: `0000:3b:00.${port}`,
    pciId: "1924:0b03",
    driver: "sfc",
    defaultRoute: onSolarflare && port === 0,
  }));
  return [management, ...ports];
}

/** A serial number in the form of Solarflare's, the same for a node of this name. */
const serialOf = (name: string): string =>
  `25220${(parseInt(createHash("sha256").update(name).digest("hex").slice(0, 12), 16) % 1e12).toString().padStart(12, "0")}`;

/** How long a new cluster's machines have been up: what runs on them has long started. */
const AGE_MS = 3600_000;

/** A new machine that has been installed, and booted for the first time. */
export function newMachine(spec: NodeSpec): Machine {
  const { kernel, osImage } = spec;
  const machine: Machine = {
    spec,
    power: "running",
    bootId: "",
    bootedAt: "",
    machineId: randomBytes(16).toString("hex"),
    systemUuid: randomUUID(),
    kernel,
    osImage,
    arguments: [],
    next: { kernel, osImage },
    modprobeConfig: [],
    firmware: {
      efi: true,
      secureBoot: spec.secureBoot,
      db: [],
      dbx: [],
      dbNext: null,
      mokList: [],
      mokNew: null,
      mokAuth: null,
      mokDel: null,
      mokDelAuth: null,
      mokTimeout: null,
    },
    boot: newBootMenu(),
    modules: [],
    processes: [],
    interfaces: interfacesOf(spec),
    images: {},
  };
  startKernel(machine);
  machine.bootedAt = new Date(Date.now() - AGE_MS).toISOString();
  return machine;
}

/** The kernel comes up: a new boot ID, the kernel chosen for this boot, and the modules that udev loads. */
export function startKernel(machine: Machine, options: { keepBootId?: boolean } = {}): void {
  machine.power = "running";
  if (options.keepBootId !== true) machine.bootId = randomUUID();
  machine.bootedAt = new Date().toISOString();
  machine.kernel = machine.next.kernel;
  machine.osImage = machine.next.osImage;
  machine.modules = [];
  machine.processes = [];
  machine.arguments = machine.next.arguments ?? [];
  if (machine.spec.solarflare && !isBarred(machine)) machine.modules = [inTree("mtd", ["sfc"]), inTree("sfc", [])];
}

/** Whether udev can't load `sfc`: by modprobe's configuration, or because the kernel refuses it. */
const isBarred = (machine: Machine): boolean =>
  modprobeConfig(machine).some((line) => line === "blacklist sfc" || line.startsWith("install sfc ")) ||
  refusedModules(machine).includes("sfc");

/** All that `modprobe --showconfig` shows here: modprobe.d, and what the kernel's arguments add. */
export const modprobeConfig = (machine: Machine): string[] => [
  ...machine.modprobeConfig,
  ...argumentsOf(machine, "modprobe.blacklist").map((name) => `blacklist ${name}`),
];

/** The modules that the kernel itself refuses, by `module_blacklist=`. */
export const refusedModules = (machine: Machine): string[] => argumentsOf(machine, "module_blacklist");

/** The values of `NAME=A,B`, of all such arguments. */
const argumentsOf = (machine: Machine, name: string): string[] =>
  machine.arguments.flatMap((each) => (each.startsWith(`${name}=`) ? each.slice(name.length + 1).split(",") : []));

/** The kernel's level of lockdown, with which only trusted modules are loaded. Secure Boot sets integrity (RHEL). */
export const lockdownOf = (machine: Machine): "none" | "integrity" | "confidentiality" => {
  const asked = argumentsOf(machine, "lockdown").at(-1);
  if (asked === "integrity" || asked === "confidentiality") return asked;
  return machine.firmware.secureBoot ? "integrity" : "none";
};

/** Whether the kernel takes trusted modules only. */
export const enforcesSignatures = (machine: Machine): boolean =>
  lockdownOf(machine) !== "none" || machine.arguments.includes("module.sig_enforce=1");

/** The card is taken out, at a boot that the caller sees to. */
export function withoutCard(machine: Machine): void {
  machine.spec = { ...machine.spec, solarflare: false, ownNetworkOnSolarflare: false };
  machine.interfaces = interfacesOf(machine.spec);
}

/** The name in the certificate with which Red Hat signs the kernel's own modules. */
const KERNEL_SIGNER = "Red Hat Enterprise Linux kernel signing key";

/** The kernel's own module of this name, live. */
const inTree = (name: string, usedBy: string[]): LiveModule => ({
  name,
  outOfTree: false,
  version: null,
  srcversion: srcversionOf(`in-tree ${name}`),
  signer: KERNEL_SIGNER,
  verified: true,
  usedBy,
});

/** A stable stand-in for modpost's checksum over a module's sources: 23 capital hex digits. */
export const srcversionOf = (content: string): string =>
  createHash("sha256").update(content).digest("hex").slice(0, 23).toUpperCase();

/** The kernel's own file of this name in the host's tree. */
export const inTreeFile = (machine: Machine, name: string, directory: string): ModuleFile => ({
  name,
  path: `/lib/modules/${machine.kernel}/kernel/${directory}/${name}.ko.xz`,
  outOfTree: false,
  version: null,
  kernel: machine.kernel,
  needs: null,
  srcversion: srcversionOf(`in-tree ${name}`),
  signer: KERNEL_SIGNER,
  signerFingerprint: null,
});
