/** The driver's decisions, as a pure function from what is seen and what was done so far to the next act. */
import { type KnownMenu, type Request, keys, knownMenus, recogniseMenu } from "./menu.ts";
import type { View } from "./view.ts";

/** What the driver remembers from screen to screen. */
export interface Progress {
  request: Request;
  /** SHA-1 of the certificate that may be enrolled or deleted, in capital hex digits; undefined: not compared. */
  fingerprint?: string;
  /** Keys of MokManager's list whose certificate was looked at and is the right one, as `View key N`. */
  checkedKeys: ReadonlySet<string>;
  /** The entry whose certificate is asked for now. */
  viewing?: string;
  passwordTyped: boolean;
  /** Whether a menu has answered to a key. */
  pressed?: boolean;
  /** Set if a killed run's script may have been at this console before: what it did need not be done again. */
  resumed?: boolean;
  /** Set once the driver has given up: from here on it only gets the machine to boot. */
  refusal?: string;
}

/** The next act. */
export type Decision =
  /** Press one of `menu.ts`'s keys; a single step whose effect is looked at before the next. */
  | { act: "press"; key: keyof typeof keys; why: string; progress?: Partial<Progress> }
  | { act: "type password" }
  /** Nothing to do yet: the picture is unfinished, or not MokManager's. */
  | { act: "wait" }
  /** Give up; the caller sets `refusal` and asks again. */
  | { act: "refuse"; reason: string }
  /** Leave MokManager with Enter on the highlighted entry; the machine then reboots or boots on. */
  | { act: "leave"; why: string };

/** One key towards the entry, or Enter if it is highlighted. */
function towards(view: View & { kind: "menu" }, entry: string): "up" | "down" | "enter" {
  const target = view.items.indexOf(entry);
  if (target === view.selected) return "enter";
  return target < view.selected ? "up" : "down";
}

function pick(view: View & { kind: "menu" }, entry: string, progress: Partial<Progress> = {}): Decision {
  const key = towards(view, entry);
  return { act: "press", key, why: `choose \`${entry}\``, ...(key === "enter" ? { progress } : {}) };
}

/** Reboot and Continue boot end MokManager. */
function pickLast(view: View & { kind: "menu" }, entry: string): Decision {
  if (towards(view, entry) === "enter" && /^(?:Reboot|Continue boot)$/.test(entry)) {
    return { act: "leave", why: `choose \`${entry}\`` };
  }
  return pick(view, entry);
}

function onKnownMenu(menu: KnownMenu, view: View & { kind: "menu" }, progress: Progress): Decision {
  if (progress.refusal !== undefined) return pickLast(view, menu.leave);
  if (menu.choose === undefined) return { act: "refuse", reason: menu.refusal ?? "not a way on" };
  if (menu.means === "accepted" && !progress.passwordTyped && progress.resumed !== true) {
    return {
      act: "refuse",
      reason: "MokManager offers `Reboot` before a password was typed: somebody else is at this console",
    };
  }
  if (menu.means !== "accepted" && progress.passwordTyped) {
    return { act: "refuse", reason: `after the password MokManager shows \`${menu.title}\` and not \`Reboot\`` };
  }
  const unchecked =
    menu.listsKeys && progress.fingerprint !== undefined
      ? view.items.find((item) => item.startsWith("View key ") && !progress.checkedKeys.has(item))
      : undefined;
  if (unchecked !== undefined) return pick(view, unchecked, { viewing: unchecked });
  return pickLast(view, menu.choose);
}

function onCertificate(fingerprint: string, progress: Progress): Decision {
  const back = { act: "press", key: "any", why: "back to the list of keys" } as const;
  if (progress.refusal !== undefined) return back;
  const { viewing } = progress;
  if (viewing === undefined) {
    return {
      act: "refuse",
      reason: "MokManager shows a certificate nobody asked for: somebody else is at this console",
    };
  }
  if (fingerprint !== progress.fingerprint) {
    return {
      act: "refuse",
      reason: `the request holds a key that isn't this stack's: ${viewing} has the SHA-1 fingerprint ${fingerprint}, expected ${progress.fingerprint ?? "any"}`,
    };
  }
  return { ...back, progress: { checkedKeys: new Set([...progress.checkedKeys, viewing]) } };
}

/** Decides on a screen that has come to rest. On a menu that isn't in the table there is nothing to do but wait. */
export function decide(view: View, progress: Progress): Decision {
  switch (view.kind) {
    case "countdown":
      return { act: "press", key: "any", why: "stop the countdown" };
    case "menu": {
      const menu = recogniseMenu(knownMenus(progress.request), view);
      return menu ? onKnownMenu(menu, view, progress) : { act: "wait" };
    }
    case "password":
      // An empty password leaves the prompt without trying one.
      if (progress.refusal !== undefined) return { act: "press", key: "enter", why: "leave the password empty" };
      if (progress.passwordTyped) return { act: "refuse", reason: "MokManager asks for the password a second time" };
      // The way here leads through menus. A screen of an older boot shown again must not be told the password.
      if (progress.pressed !== true && progress.resumed !== true) return { act: "wait" };
      return { act: "type password" };
    case "certificate":
      return onCertificate(view.fingerprint, progress);
    case "unreadable":
    case "other":
      return { act: "wait" };
  }
}
