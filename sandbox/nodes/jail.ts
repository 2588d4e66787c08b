import { accessSync, constants, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { HOST_TOOLS, TOOLS } from "./tools/table.ts";

/**
 * Makes the directory that is all of a node's PATH: the commands that are played, links to this computer's
 * text tools, and sudo. A shell that starts here finds nothing else; it isn't confined in any other way.
 */
export function makeBin(directory: string): void {
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const call = join(import.meta.dirname, "tools", "call.sh");
  const script = (name: string, body: string): void =>
    writeFileSync(join(directory, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  for (const tool of Object.keys(TOOLS)) symlinkSync(call, join(directory, tool));
  script("sudo", SUDO);
  script("id", ID);
  for (const name of HOST_TOOLS) {
    const found = find(name);
    if (found !== undefined) symlinkSync(found, join(directory, name));
  }
}

/** Passwordless, as user `core` has it on RHCOS. */
const SUDO = `while :; do
  case $1 in
    -n) shift ;;
    --) shift; break ;;
    -*) echo "sudo: the sandbox doesn't know $1" >&2; exit 1 ;;
    *) break ;;
  esac
done
ONLOAD_SANDBOX_ROOT=yes
export ONLOAD_SANDBOX_ROOT
exec "$@"`;

const ID = `if [ "\${ONLOAD_SANDBOX_ROOT:-}" = yes ]; then number=0 name=root; else number=1000 name=core; fi
case $* in
  -u) echo $number ;;
  -un) echo $name ;;
  '') echo "uid=$number($name) gid=$number($name) groups=$number($name)" ;;
  *) echo "id: the sandbox doesn't know $*" >&2; exit 1 ;;
esac`;

/** The first executable of this name on our own PATH. */
function find(name: string): string | undefined {
  const folders = (process.env["PATH"] ?? "/usr/bin:/bin").split(delimiter);
  return folders.map((folder) => join(folder, name)).find(isExecutable);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
