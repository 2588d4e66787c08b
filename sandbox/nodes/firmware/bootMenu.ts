/** The firmware's boot entries: where a boot begins, and so whether shim, which starts MokManager, has a part in it. */

/** What of it outlives a boot; entries are four hex digits. */
export interface BootMenu {
  /** UEFI's BootCurrent. */
  current: string;
  /** BootOrder. */
  order: string[];
  /** BootNext: taken once, whatever the order says. */
  next: string | null;
}

/** Shim on the node's own disk. */
export const diskEntry = "0001";
/** A boot server that starts the node's kernel past shim. */
export const networkEntry = "0003";

/** Label and device path, as efibootmgr 16 prints them. */
export const bootEntries: Readonly<Record<string, { label: string; path: string }>> = {
  [diskEntry]: {
    label: "Red Hat Enterprise Linux",
    path: "HD(1,GPT,6c9d1f3e-0f5c-4b0e-9a53-9d2a2f0b7a11,0x1000,0x3f800)/File(\\EFI\\redhat\\shimx64.efi)",
  },
  [networkEntry]: {
    label: "UEFI PXEv4 (MAC:525400123456)",
    path: "PciRoot(0x0)/Pci(0x4,0x0)/MAC(525400123456,1)/IPv4(0.0.0.00.0.0.0,0,0)N.....YM....R,Y.",
  },
};

export const newBootMenu = (): BootMenu => ({ current: diskEntry, order: [diskEntry, networkEntry], next: null });

/** Chooses where this boot begins. BootNext is used up by it. */
export function chooseEntry(menu: BootMenu): void {
  menu.current = menu.next ?? menu.order[0] ?? diskEntry;
  menu.next = null;
}
