import { hostTree, live, modprobe as load, modprobeRemove, type ModprobeResult } from "../modules.ts";
import { modprobeConfig, type Machine } from "../machine.ts";
import { failed, printed, type Call, type Result } from "./tool.ts";

/** `modprobe NAME`, `modprobe -r NAME…` and `modprobe --showconfig`, over the host's own tree: what lies in images isn't found. */
export function modprobe(call: Call): Result {
  const { machine, args } = call;
  return args.join(" ") === "--showconfig" ? printed(...modprobeConfig(machine)) : change(call);
}

function change({ machine, args, root, failing }: Call): Result {
  const isRemoval = args[0] === "-r";
  const names = isRemoval ? args.slice(1) : args;
  if (names.length === 0 || names.some((name) => name.startsWith("-")) || (!isRemoval && names.length > 1)) {
    return failed(
      1,
      `modprobe: the sandbox knows only modprobe NAME, modprobe -r NAME… and modprobe --showconfig, not ${args.join(" ")}`,
    );
  }
  const [name = ""] = names;
  if (isRemoval) {
    return root ? ended(modprobeRemove(machine, hostTree(machine), names)) : refused("remove", name, DENIED);
  }
  return insert(machine, name, root ? (failing("node.driver-fails") ? "Cannot allocate memory" : null) : DENIED);
}

const DENIED = "Operation not permitted";

/** @param trouble what the kernel says to a module that would have to be inserted; null when it takes it */
function insert(machine: Machine, name: string, trouble: string | null): Result {
  const tree = hostTree(machine);
  const install = machine.modprobeConfig.find((line) => line.startsWith(`install ${name} `));
  // Its command is /bin/false: another one isn't taken.
  if (install !== undefined) return refused("insert", name, "Invalid argument");
  const isNew = live(machine, name) === undefined && tree.files.some((file) => file.name === name);
  return isNew && trouble !== null ? refused("insert", name, trouble) : ended(load(machine, tree, name));
}

const refused = (what: "insert" | "remove", name: string, why: string): Result =>
  failed(1, `modprobe: ERROR: could not ${what} '${name}': ${why}`);

/** Without `-v` it prints nothing but what went wrong. */
function ended({ code, lines }: ModprobeResult): Result {
  const errors = lines.filter((line) => line.startsWith("modprobe: "));
  return { code, stdout: "", stderr: errors.map((line) => `${line}\n`).join("") };
}
