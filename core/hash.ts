import { createHash } from "node:crypto";

/**
 * Twelve hexadecimal digits that change when, and only when, a part changes.
 *
 * Parts are hashed as canonical JSON with their keys sorted, so that their order in the source doesn't matter
 * and no two different sets of parts look the same.
 */
export function contentHash(parts: Record<string, unknown>): string {
  return createHash("sha256").update(canonicalJson(parts)).digest("hex").slice(0, 12);
}

/** JSON with sorted keys; `undefined` members are left out as in JSON.stringify. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) =>
    isRecord(member) ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : 1))) : member,
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
