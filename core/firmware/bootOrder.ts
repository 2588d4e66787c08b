/** Whether a node's next boot comes by shim, which starts MokManager, as far as its firmware tells (assets/node/lib.sh). */

import { z } from "zod";
import type { EnrolmentMode } from "../configuration/choices.ts";

/** The firmware's boot entries, by their numbers as `0001`. */
export const bootOrder = z.object({
  /** Whether efibootmgr answers on the node. */
  tool: z.boolean(),
  /** The one that the present boot came from. */
  current: z.string().nullable(),
  /** The one that is tried first. */
  first: z.string().nullable(),
  /** The present one's device path, as efibootmgr prints it. */
  path: z.string().nullable(),
});
export type BootOrder = z.infer<typeof bootOrder>;

/**
 * What may make a reboot for the key miss MokManager, each with its remedy. The program reboots by the entry that the node
 * came up with (`BootNext`); what can't be known, or isn't its reboot, is the operator's.
 */
export function bootDoubts(boot: BootOrder, mode: EnrolmentMode): string[] {
  if (mode === "redfish" || mode === "off") return [];
  const remedy = "see that the disk's own entry comes first in its firmware's boot order, or the key stays pending";
  if (!boot.tool) {
    return [`efibootmgr doesn't answer on it, so it isn't known whether its next boot reaches MokManager; ${remedy}`];
  }
  if (boot.current === null || boot.path === null) {
    const what = boot.current === null ? "it booted from (no BootCurrent)" : `${boot.current}, from which it booted`;
    return [`its firmware doesn't list the boot entry ${what}, so that can't be chosen again; ${remedy}`];
  }
  const doubts: string[] = [];
  const way = otherWay(boot.path);
  if (way !== undefined) {
    doubts.push(`it was booted by ${way} (boot entry ${boot.current}), where there may be no MokManager; ${remedy}`);
  }
  if (mode === "operator" && boot.first !== null && boot.first !== boot.current) {
    doubts.push(
      `its firmware tries boot entry ${boot.first} before ${boot.current}, by which it is up now: run ` +
        `\`sudo efibootmgr --bootnext ${boot.current}\` on it right before you reboot it into MokManager`,
    );
  }
  return doubts;
}

/** How a boot came that didn't start an operating system's own loader on a disk; undefined where it did. */
function otherWay(path: string): string | undefined {
  if (/\b(MAC|IPv4|IPv6|Uri)\(/.test(path)) return "the network";
  if (/\\EFI\\BOOT\\BOOT\w+\.EFI/i.test(path) || !/\.efi\b/i.test(path)) return "a disk's removable path";
  return undefined;
}
