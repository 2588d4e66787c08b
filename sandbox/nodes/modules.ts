import {
  enforcesSignatures,
  inTreeFile,
  refusedModules,
  trusts,
  type LiveModule,
  type Machine,
  type ModuleFile,
} from "./machine.ts";

/** What one run of modprobe did: exit code 0 or 1, and what it printed, line by line. */
export interface ModprobeResult {
  code: 0 | 1;
  lines: string[];
}

/** A directory as `modprobe -d` sees it: the files of `lib/modules/<kernel>` with their dependency index. */
export interface ModuleTree {
  /** As given to `-d`; empty for the host's own. */
  base: string;
  /** The kernel whose directory is there; modprobe looks only for the running kernel's. */
  kernels: string[];
  files: ModuleFile[];
  /** `softdep NAME pre: OTHER` from modprobe.d. */
  softdeps: Record<string, string[]>;
}

/** The modules' hard dependencies, as depmod finds them in their symbols. */
const NEEDS: Record<string, string[]> = {
  onload: ["sfc_resource", "sfc_char"],
  sfc_char: ["sfc_resource"],
  sfc: ["mtd"],
};

/** The kernel's own modules that matter here, with their directory in its tree. */
const IN_TREE: Record<string, string> = {
  sfc: "drivers/net/ethernet/sfc",
  mtd: "drivers/mtd",
};

/** The host's own tree. */
export const hostTree = (machine: Machine): ModuleTree => ({
  base: "",
  kernels: [machine.kernel],
  files: inTreeFiles(machine),
  softdeps: {},
});

/** The kernel's own files that a host's tree holds. */
export const inTreeFiles = (machine: Machine): ModuleFile[] =>
  Object.entries(IN_TREE).map(([name, directory]) => inTreeFile(machine, name, directory));

/** Reads `softdep NAME pre: A B` lines, the format of `/etc/modprobe.d`. */
export function parseSoftdeps(text: string): Record<string, string[]> {
  const softdeps: Record<string, string[]> = {};
  for (const line of text.split("\n")) {
    const [, name, before] = /^softdep\s+(\S+)\s+pre:\s*(.*)$/.exec(line.trim()) ?? [];
    if (name !== undefined && before !== undefined) softdeps[name] = before.split(/\s+/).filter((word) => word !== "");
  }
  return softdeps;
}

/** The live module of this name. */
export const live = (machine: Machine, name: string): LiveModule | undefined =>
  machine.modules.find((module) => module.name === name);

/** The module that an open file of this name holds; undefined for a file of something else. */
export const heldBy = (file: string): string | undefined => HOLDING.find(([start]) => file.startsWith(start))?.[1];

const HOLDING: [start: string, module: string][] = [
  ["/dev/onload", "onload"],
  ["onload:", "onload"],
  ["/dev/sfc_char", "sfc_char"],
  // The card's flash; no other flash is modelled.
  ["/dev/mtd", "sfc"],
];

/** How often a live module is in use: by modules that need it, and by processes. */
export const usesOf = (machine: Machine, { name, usedBy }: LiveModule): number =>
  usedBy.length + machine.processes.filter(({ file }) => heldBy(file) === name).length;

/**
 * `modprobe -v NAME`: a module that is live already ends the run at once, before any dependency is looked at (so in-tree
 * `sfc` makes `modprobe sfc` succeed). Hard dependencies come first and their failure counts; soft ones follow and
 * theirs is silent. Tried with kmod 30.
 */
export function modprobe(machine: Machine, tree: ModuleTree, name: string, parameters: string[] = []): ModprobeResult {
  if (live(machine, name) !== undefined) return { code: 0, lines: [] };
  if (!tree.kernels.includes(machine.kernel) || find(tree, name) === undefined) {
    return { code: 1, lines: [`modprobe: FATAL: Module ${name} not found in directory ${directory(machine, tree)}`] };
  }
  const lines: string[] = [];
  const failure = probe({ machine, tree, lines }, name, parameters);
  if (failure !== null) lines.push(failure);
  return { code: failure === null ? 0 : 1, lines };
}

interface Run {
  machine: Machine;
  tree: ModuleTree;
  lines: string[];
}

/** Loads one module after what it needs; null is success, else modprobe's message. */
function probe(run: Run, name: string, parameters: string[]): string | null {
  if (live(run.machine, name) !== undefined) return null;
  const file = find(run.tree, name);
  if (file === undefined) return null; // depmod left an unresolvable dependency out of the index
  const needs = needsOf(file);
  for (const need of needs) {
    const failure = probe(run, need, []);
    if (failure !== null) return failure;
  }
  for (const soft of run.tree.softdeps[name] ?? []) probe(run, soft, []);
  if (live(run.machine, name) !== undefined) return null;
  run.lines.push(["insmod", file.path, ...parameters].join(" "));
  return insert(run.machine, file, needs);
}

function insert(machine: Machine, file: ModuleFile, needs: string[]): string | null {
  const failed = (why: string): string => `modprobe: ERROR: could not insert '${file.name}': ${why}`;
  if (file.kernel !== null && file.kernel !== machine.kernel) return failed("Exec format error");
  if (refusedModules(machine).includes(file.name)) return failed("Operation not permitted");
  if (!accepted(machine, file)) return failed("Key was rejected by service");
  const missing = needs.find((need) => live(machine, need) === undefined);
  if (missing !== undefined) return failed("Unknown symbol in module, or unknown parameter (see dmesg)");
  for (const need of needs) live(machine, need)?.usedBy.push(file.name);
  const { name, outOfTree, version, srcversion, signer } = file;
  machine.modules.push({ name, outOfTree, version, srcversion, signer, verified: verified(machine, file), usedBy: [] });
  return null;
}

/** Would this kernel load the file? With Secure Boot, lockdown or `module.sig_enforce=1` only with a trusted signature. */
const accepted = (machine: Machine, file: ModuleFile): boolean =>
  !enforcesSignatures(machine) || verified(machine, file);

const verified = (machine: Machine, { outOfTree, signerFingerprint }: ModuleFile): boolean =>
  !outOfTree || (signerFingerprint !== null && trusts(machine, signerFingerprint));

/** Only modules that matter here count: whatever else a file needs is built into the kernel. */
const needsOf = (file: ModuleFile): string[] =>
  file.needs?.filter((name) => name in NEEDS || name in IN_TREE || name === "sfc_resource") ?? NEEDS[file.name] ?? [];

const find = (tree: ModuleTree, name: string): ModuleFile | undefined =>
  tree.files.find((file) => file.name === name && file.outOfTree) ?? tree.files.find((file) => file.name === name);

const directory = (machine: Machine, tree: ModuleTree): string => `${tree.base}/lib/modules/${machine.kernel}`;

/**
 * `modprobe -rv NAME…`: one after the other; a module that isn't live is passed over. With a module go its soft
 * dependencies and whatever only it needed.
 */
export function modprobeRemove(machine: Machine, tree: ModuleTree, names: string[]): ModprobeResult {
  const lines: string[] = [];
  for (const name of names) {
    const module = live(machine, name);
    if (module === undefined && find(tree, name) === undefined) {
      return { code: 1, lines: [...lines, `modprobe: FATAL: Module ${name} not found.`] };
    }
    if (module === undefined) continue;
    if (usesOf(machine, module) > 0)
      return { code: 1, lines: [...lines, `modprobe: FATAL: Module ${name} is in use.`] };
    remove({ machine, tree, lines }, module);
  }
  return { code: 0, lines };
}

function remove(run: Run, module: LiveModule): void {
  const { machine, lines } = run;
  const needed = machine.modules.filter((other) => other.usedBy.includes(module.name)).toReversed();
  machine.modules = machine.modules.filter((other) => other !== module);
  for (const other of machine.modules) other.usedBy = other.usedBy.filter((user) => user !== module.name);
  lines.push(`rmmod ${module.name}`);
  const soft = (run.tree.softdeps[module.name] ?? []).map((name) => live(machine, name));
  for (const follower of [...soft, ...needed]) {
    if (follower !== undefined && usesOf(machine, follower) === 0 && live(machine, follower.name) !== undefined)
      remove(run, follower);
  }
}
