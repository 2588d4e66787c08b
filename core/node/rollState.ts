import { z } from "zod";
import type { Noted } from "./phases.ts";

/** Where a roll-out of one node stands, kept in the Node's annotation so that the next run goes on from there. */
export interface RollState {
  /** What comes next, or is going on. */
  readonly phase: Noted;
  readonly stack: string;
  /** The Module's version that is being rolled out; absent while leaving. */
  readonly version?: string;
  /** The node's boot when the phase began. */
  readonly bootId: string;
  /** When the phase began, RFC 3339. */
  readonly since: string;
}

/** Whatever phase another version has written: that something stands there counts. */
const stored = z.looseObject({
  phase: z.string(),
  stack: z.string(),
  version: z.string().optional(),
  bootId: z.string().default(""),
  since: z.string().default("an unknown time"),
});

/** Reads the annotation; anything that isn't ours, or isn't readable, is no state. */
export function parseRollState(annotation: string | undefined): RollState | undefined {
  try {
    const value = stored.parse(JSON.parse(annotation ?? ""));
    return value as RollState;
  } catch {
    return undefined;
  }
}

/** The generation whose roll-out ended well last on a node; whatever isn't a number counts as none. */
export function parseGeneration(annotation: string | undefined): number {
  return /^\d{1,9}$/.test(annotation ?? "") ? Number(annotation) : 0;
}
