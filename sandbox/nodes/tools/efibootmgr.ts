import { bootEntries } from "../firmware/bootMenu.ts";
import type { Machine } from "../machine.ts";
import { failed, printed, type Call, type Result } from "./tool.ts";

/** `efibootmgr`, `efibootmgr -v` and `efibootmgr --bootnext XXXX`, with the words and exit codes of versions 16 and 17. */
export function efibootmgr({ machine, args, root }: Call): Result {
  const [option, entry = ""] = args;
  if (!machine.firmware.efi) return failed(2, "EFI variables are not supported on this system.");
  if (option === undefined || (option === "-v" && args.length === 1)) return listed(machine, option === "-v");
  if (!["-n", "--bootnext"].includes(option) || args.length !== 2 || !/^[0-9A-Fa-f]{4}$/.test(entry)) {
    return failed(1, `efibootmgr: the sandbox knows only -v and --bootnext XXXX, not ${args.join(" ")}`);
  }
  if (!(entry in bootEntries)) return failed(12, `Boot entry ${entry.replace(/^0+(?=.)/, "")} does not exist`);
  if (!root) return failed(13, "Could not set BootNext: Permission denied");
  machine.boot.next = entry;
  return listed(machine, false);
}

function listed({ boot }: Machine, verbose: boolean): Result {
  return printed(
    ...(boot.next === null ? [] : [`BootNext: ${boot.next}`]),
    `BootCurrent: ${boot.current}`,
    "Timeout: 0 seconds",
    `BootOrder: ${boot.order.join(",")}`,
    ...Object.entries(bootEntries).map(
      ([number, { label, path }]) => `Boot${number}* ${label}${verbose ? `\t${path}` : ""}`,
    ),
  );
}
