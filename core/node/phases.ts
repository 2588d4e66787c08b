/**
 * The phases of a node's time out of service, in their order, as everybody is told of them. One source for what is noted on
 * the Node (rollState.ts), for what `preview` says (reality.ts), for the titles that `up` shows, and for the tables in
 * docs/nodes.md (scripts/documents/nodeTables.ts). What each one does stands in steps/node/phases/.
 */

/** What is told of one phase. */
export interface PhaseAccount {
  /** One word, or two. */
  readonly name: string;
  /** What it does; shown when it begins. */
  readonly title: string;
  /** When it is run. */
  readonly when: string;
  /**
   * What is noted on the Node, in its annotation `onload-kmm.io/roll`, before the phase's first act. These values never change: nodes
   * that an older version left out of service bear them. Absent: the note of the phase before stays.
   */
  readonly noted?: string;
  /** How the node is left where this phase was cut, until the next run. */
  readonly left: string;
  /** What the next run finds, and does, where this phase was cut. */
  readonly rerun: string;
  /** Its part of the sentence in which `preview` says what will be done to a node. */
  readonly preview?: (plan: Plan) => string;
}

/** What `preview` knows of a node that will be rolled. */
export interface Plan {
  /** Of the image that will be loaded. */
  readonly tag: string;
  /** Whether its firmware trusts the key; undefined where that couldn't be asked, or there is no key yet. */
  readonly trusted: boolean | undefined;
}

/** A roll-out. Before it begins, a node that runs its version, or must wait for its operator's own reboot, is passed by. */
export const rollPhases = [
  {
    name: "check",
    title: "see that the node may go out of service",
    when: "unless an earlier run has taken it out",
    left: "in service, as it was",
    rerun: "nothing was changed: checked again",
  },
  {
    name: "cordon",
    title: "cordon the node",
    when: "unless an earlier run has taken it out",
    noted: "drain",
    left: "cordoned; its pods run on",
    rerun: "the cordon is ours; goes on with the drain",
  },
  {
    name: "drain",
    title: "evict the node's pods",
    when: "`rollout.drain`, and the node isn't away in a reboot of ours",
    left: "cordoned; some of its pods are gone",
    rerun: "drained again: what is gone stays gone",
  },
  {
    name: "enrol",
    title: "reboot the node, its firmware enrols the key",
    when: "Secure Boot is on and the key isn't trusted",
    noted: "reboot",
    left: "cordoned and drained; rebooting, or in MokManager, which waits indefinitely",
    rerun:
      "the noted boot is ended once: a node that is away is waited for, one that is back without the key is asked again",
    preview: ({ trusted }: Plan): string => {
      if (trusted === undefined) return "";
      return trusted ? ", no reboot" : ", after a reboot in which its firmware enrols the key";
    },
  },
  {
    name: "load",
    title: "let KMM load the modules, and see them run",
    when: "always",
    noted: "load",
    left: "cordoned and drained; its Solarflare interfaces may be away",
    rerun: "the gate is opened as before; what is loaded already is only looked at",
    preview: ({ tag }: Plan): string => `will load ${tag}`,
  },
  {
    name: "uncordon",
    title: "put the node back into service",
    when: "always; a cordon that isn't ours stays",
    left: "cordoned; OpenOnload runs",
    rerun: "loaded and proven already: uncordoned at once",
  },
] as const satisfies readonly PhaseAccount[];

/** A node's leaving of the stack. One that is gone is let go before. */
export const leavePhases = [
  {
    name: "check",
    title: "see that the node may go out of service",
    when: "modules are loaded, or the key goes by a reboot; unless an earlier run has begun",
    left: "in service, as it was",
    rerun: "nothing was changed: checked again",
  },
  {
    name: "cordon",
    title: "cordon the node",
    when: "modules are loaded, or the key goes by a reboot",
    noted: "leave",
    left: "cordoned; its pods run on",
    rerun: "the cordon is ours; the boot is noted again",
  },
  {
    name: "drain",
    title: "evict the node's pods",
    when: "as before; `rollout.drain`, and the node is Ready",
    left: "cordoned; some of its pods are gone",
    rerun: "drained again: what is gone stays gone",
  },
  {
    name: "unload",
    title: "let KMM unload the modules",
    when: "KMM has something to unload",
    noted: "leave",
    left: "cordoned and drained; its Solarflare interfaces may be away",
    rerun:
      "the gate is closed as before; the unloading is awaited. Where it is done, the boot is noted in which that was",
  },
  {
    name: "remove key",
    title: "reboot the node, MokManager deletes the key",
    when: "`enrolment.removeOnDestroy` in the modes attended and console, and the key is in MokList",
    noted: "remove",
    left: "cordoned and drained; rebooting, or in MokManager, which waits indefinitely",
    rerun: "as a roll-out's enrol",
  },
  {
    name: "withdraw",
    title: "take pending requests to MokManager back",
    when: "the key doesn't go by a reboot; in all modes but off",
    left: "cordoned; nothing is loaded",
    rerun: "nothing is pending: nothing to do",
  },
  {
    name: "clear db",
    title: "have the firmware take the certificate out of db",
    when: "`enrolment.removeOnDestroy` in the mode redfish",
    left: "cordoned; nothing is loaded",
    rerun: "asked again, unless db doesn't hold it any more",
  },
  {
    name: "driver",
    title: "load the kernel's own driver, and see its interfaces",
    when: "the node was rolled, and isn't dead",
    noted: "leave",
    left: "cordoned; the kernel's own driver may be missing",
    rerun: "looked for again; a boot brings it, too",
  },
  {
    name: "uncordon",
    title: "lift this stack's cordon where the node may serve again",
    when: "always; a cordon that isn't ours stays, and so does ours without the interfaces",
    left: "cordoned; the kernel's own driver runs",
    rerun: "nothing to unload: uncordoned at once",
  },
] as const satisfies readonly PhaseAccount[];

type RollPhase = (typeof rollPhases)[number];
type LeavePhase = (typeof leavePhases)[number];

/** What may be noted on a Node. */
export type Noted = Extract<RollPhase | LeavePhase, { noted: string }>["noted"];

/** Whether what is noted on a Node belongs to its leaving of the stack. */
export const isLeaving = (noted: Noted): boolean =>
  leavePhases.some((phase) => "noted" in phase && phase.noted === noted);

/** What will be done to a node, in one sentence; first what it ends with. */
export const previewOf = (plan: Plan): string =>
  [...rollPhases]
    .reverse()
    .map((phase) => ("preview" in phase ? phase.preview(plan) : ""))
    .join("");
