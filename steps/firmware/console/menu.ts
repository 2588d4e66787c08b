/**
 * All that is known about MokManager's menus, in one table. Labels are those of shim 15.x and 16.x (MokManager.c); the
 * screens themselves, as the real one paints them, are in docs/mokmanager.md.
 */

/** What the node asked MokManager for before it rebooted: `mokutil --import` or `mokutil --delete`. */
export type Request = "enrol" | "delete";

/** A menu that the driver knows. */
export interface KnownMenu {
  /** First line of the screen. */
  title: string;
  /** True where the entries alone identify the menu: when only the menu was painted again, there is no title. */
  knownByItems?: true;
  /** A line that must follow the title, where the title alone isn't enough. */
  message?: string;
  /** Every entry must match one of these, or the menu isn't this one. */
  items: RegExp[];
  /** An entry that must be there, which distinguishes this menu from others with the same title. */
  mustHave: string;
  /** The entry to choose for the request. Without it the driver gives up here, with `refusal`. */
  choose?: string;
  /** The entry that leads on to booting without having changed anything. */
  leave: string;
  /** Why the driver gives up here. */
  refusal?: string;
  /** What it means to have come here after the password was typed. */
  means?: "accepted";
  /** True where MokManager offers a look at each certificate (`View key N`). */
  listsKeys?: true;
}

const words = { enrol: { verb: "Enroll", offered: "Enroll MOK" }, delete: { verb: "Delete", offered: "Delete MOK" } };

/** Entries that MokManager always offers in its first menu, and that the driver never chooses. */
const always = [/^Enroll key from disk$/, /^Enroll hash from disk$/];

const requestUsedUp = "the request is used up: the node boots on without it, and the next `pulumi up` makes a new one";

const wrongPassword =
  "MokManager did not accept the password: the key is pending with another one, or the console changed a character; " +
  requestUsedUp;

/** The menus on the way to `request`, and those where the way ends. */
export function knownMenus(request: Request): KnownMenu[] {
  const { verb, offered } = words[request];
  const main = { title: "Perform MOK management", knownByItems: true, leave: "Continue boot" } as const;
  return [
    { ...main, items: [/^Continue boot$/, new RegExp(`^${offered}$`), ...always], mustHave: offered, choose: offered },
    {
      ...main,
      items: [/^Continue boot$/, /^Reset MOK$/, ...always],
      mustHave: "Reset MOK",
      refusal:
        "MokManager offers `Reset MOK`, which would delete every Machine Owner Key: the node lost its power while " +
        `MokManager was open, or someone asked for a reset; ${requestUsedUp}`,
    },
    {
      ...main,
      items: [/^Continue boot$/, ...always],
      mustHave: "Continue boot",
      refusal: `MokManager offers no \`${offered}\`: the node made no such request before this boot`,
    },
    {
      title: `[${verb} MOK]`,
      knownByItems: true,
      items: [/^View key \d+$/, /^Continue$/],
      mustHave: "Continue",
      choose: "Continue",
      // The only way back from this list is through the question that follows.
      leave: "Continue",
      listsKeys: true,
    },
    // Painted again without its question: it may be that of `Reset MOK`. No is safe, and leads back to the main menu.
    { title: "", items: [/^No$/, /^Yes$/], mustHave: "No", choose: "No", leave: "No" },
    { title: `${verb} the key(s)?`, items: [/^No$/, /^Yes$/], mustHave: "Yes", choose: "Yes", leave: "No" },
    {
      title: "Perform MOK management",
      knownByItems: true,
      items: [/^Reboot$/, ...always],
      mustHave: "Reboot",
      choose: "Reboot",
      leave: "Reboot",
      means: "accepted",
    },
    ...["Password doesn't match", "Invalid password length"].map((message) => ({
      title: "ERROR",
      message,
      items: [/^OK$/],
      mustHave: "OK",
      leave: "OK",
      refusal: wrongPassword,
    })),
    {
      title: request === "enrol" ? "Failed to enroll keys" : "Failed to delete keys",
      items: [/^OK$/],
      mustHave: "OK",
      leave: "OK",
      refusal: wrongPassword,
    },
  ];
}

/** The first known menu that `title`, `lines` and `items` are, if any. */
export function recogniseMenu(
  menus: KnownMenu[],
  view: { title: string; lines: string[]; items: string[] },
): KnownMenu | undefined {
  return menus.find(
    (menu) =>
      (menu.title === view.title || (menu.knownByItems === true && view.title === "")) &&
      (menu.message === undefined || view.lines.includes(menu.message)) &&
      view.items.includes(menu.mustHave) &&
      view.items.every((item) => menu.items.some((pattern) => pattern.test(item))),
  );
}

/** What boot loaders and kernels print once shim has passed MokManager. */
export const bootedOn = /Welcome to GRUB|GNU GRUB +version|EFI stub: |Linux version \d|Booting `/;

/** Keys as UEFI's terminal driver reads them (UEFI specification, EFI terminal types). */
export const keys = {
  /** "Any key" that means nothing in a menu, so that one too many is harmless. */
  any: " ",
  up: "\x1b[A",
  down: "\x1b[B",
  enter: "\r",
};
