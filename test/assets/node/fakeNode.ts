/** A machine made of files, with a mokutil that plays what a test wants. */
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** A line of `/proc/net/route`. */
export const defaultRoute = (through: string): string => `${through}\t00000000\t0100000A\t0003\t0\t0\t48\t00000000\n`;

/**
 * A mokutil whose key state is in the file `key`, and which notes each call. It shows what the real one would see: the
 * hash file's size, and whether the certificate is the one that was given.
 */
const MOKUTIL = `#!/bin/sh
here=$(dirname "$0")/..
echo "$*" | sed 's|/[^ ]*/||g' >>"$here/calls"
key=$(cat "$here/key")
case $1 in
  --sb-state) cat "$here/sb" ;;
  --test-key)
    cmp -s "$2" "$here/certificate" || echo "not the certificate" >>"$here/calls"
    case $key in
      strange) echo 'something new' ;;
      unsupported) cat "$here/sb" >&2; exit 1 ;;
      not-enrolled) echo "$2 is not enrolled" ;;
      pending) echo "$2 is already in the enrollment request"; exit 1 ;;
      in-kernel) echo "$2 is already in the built-in trusted keyring" >&2; exit 255 ;;
      *) echo "$2 is already $key"; exit 1 ;;
    esac ;;
  --import)
    wc -c <"$4" >>"$here/calls"
    [ ! -e "$here/broken" ] || { echo 'Failed to enroll new keys' >&2; exit 255; }
    echo pending >"$here/key" ;;
  --revoke-import) echo not-enrolled >"$here/key" ;;
  --delete) wc -c <"$4" >>"$here/calls"; if [ "$key" = pending ]; then echo not-enrolled >"$here/key"; else touch "$here/deleting"; fi ;;
  --list-new) cat "$here/new" 2>/dev/null || : ;;
  --list-delete) [ ! -e "$here/deleting" ] || printf '[key 1]\\nSHA1 Fingerprint: %s\\n' "$(sha1sum <"$here/certificate" | cut -d ' ' -f 1 | sed 's/../&:/g; s/:$//')" ;;
  --revoke-delete) rm -f "$here/deleting" ;;
esac
`;

/** An efibootmgr that shows the file `boot-entries`; without it there are no EFI variables. It notes what it changes. */
const EFIBOOTMGR = `#!/bin/sh
here=$(dirname "$0")/..
[ -e "$here/boot-entries" ] || { echo 'EFI variables are not supported on this system.' >&2; exit 2; }
case $1 in
  -v) cat "$here/boot-entries" ;;
  --bootnext)
    echo "efibootmgr $*" >>"$here/calls"
    [ ! -e "$here/broken" ] || { echo 'Could not set BootNext: No space left on device' >&2; exit 28; } ;;
  *) exit 1 ;;
esac
`;

/** A modprobe whose configuration is the file `modprobe.conf`, and which notes each other call, and makes the module live that it is asked for, unless the file `module-broken` is there. */
const MODPROBE = `#!/bin/sh
here=$(dirname "$0")/..
if [ "$1" = --showconfig ]; then cat "$here/modprobe.conf" 2>/dev/null; exit; fi
echo "modprobe $*" >>"$here/calls"
[ ! -e "$here/module-broken" ] || { echo "modprobe: ERROR: could not insert '$1': Cannot allocate memory" >&2; exit 1; }
mkdir -p "$here/root/sys/module/$1"
echo live >"$here/root/sys/module/$1/initstate"
echo >"$here/root/sys/module/$1/taint"
`;

/** A machine made of files, with the commands of `bin` before this computer's own. */
export class FakeNode {
  readonly directory = mkdtempSync(join(tmpdir(), "onload-kmm-tools-"));

  /** For running the on-node tools: its commands before this computer's own, its files in their place. */
  get environment(): Record<string, string> {
    return {
      PATH: `${join(this.directory, "bin")}:${process.env["PATH"] ?? ""}`,
      ONLOAD_KMM_ROOT: join(this.directory, "root"),
    };
  }

  constructor() {
    this.command("mokutil", MOKUTIL);
    this.command("modprobe", MODPROBE);
    this.command("efibootmgr", EFIBOOTMGR);
    this.command("sudo", '#!/bin/sh\n[ "$1" = -n ] && shift\nexec "$@"\n');
    this.command("id", "#!/bin/sh\necho 1000\n");
    this.command("systemd-run", `#!/bin/sh\necho "$*" >>"$(dirname "$0")/../calls"\n`);
    this.command(
      "ethtool",
      '#!/bin/sh\nprintf "driver: sfc\\nversion: 9.0.2.140\\nfirmware-version: 8.4.0.1003 rx1 tx1\\nbus-info: 0000:3b:00.0\\n"\n',
    );
    this.command("lspci", '#!/bin/sh\n[ "$1 $2" = "-vv -s" ] && cat "$(dirname "$0")/../lspci-$3" 2>/dev/null\n');
    this.command("modinfo", '#!/bin/sh\ncase $2 in srcversion) sed -n 1p "$3" ;; signer) sed -n 2p "$3" ;; esac\n');
    this.file("certificate", "a certificate");
    this.file("root/dev/shm/.keep", "");
    this.file("root/proc/sys/kernel/random/boot_id", "boot-1\n");
    this.set("not-enrolled");
  }

  set(key: string, sb = "SecureBoot enabled\n"): void {
    this.file("key", `${key}\n`);
    this.file("sb", sb);
  }

  file(path: string, content: string): void {
    const file = join(this.directory, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  link(path: string, target: string): void {
    const file = join(this.directory, path);
    mkdirSync(dirname(file), { recursive: true });
    symlinkSync(target, file);
  }

  command(name: string, text: string): void {
    this.file(`bin/${name}`, text);
    chmodSync(join(this.directory, "bin", name), 0o755);
  }

  /** What mokutil, modprobe, efibootmgr and systemd-run were called with, in order. */
  get calls(): string[] {
    try {
      return readFileSync(join(this.directory, "calls"), "utf8").trim().split("\n");
    } catch {
      return [];
    }
  }

  get memory(): string[] {
    return readdirSync(join(this.directory, "root/dev/shm"));
  }

  remove(): void {
    rmSync(this.directory, { recursive: true });
  }
}
