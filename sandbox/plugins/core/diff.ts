/** What changed between two property maps, path by path, as a provider's Diff answers it. */
import { equal, isObject, isSecret, type PropertyMap, type Value } from "./values.ts";

/** What became of one property; the `-replace` forms say that the change needs a new resource. */
export type ChangeKind = "add" | "add-replace" | "delete" | "delete-replace" | "update" | "update-replace";

/** Changes by property path, in the engine's notation: `spec.template`, `data["tls.key"]`, `subjects[0].name`. */
export type Changes = Map<string, ChangeKind>;

/** A provider's answer to Diff. */
export interface Diff {
  changes: Changes;
  /** The old resource must go before the new one can come, because both would have the same name. */
  deleteBeforeReplace?: boolean;
  /** What was deleted is to be looked up in the old inputs: the outputs don't have it in the same place. */
  deletesAreInputs?: boolean;
  /** Only the top-level keys are told; the engine then shows the difference of the inputs. */
  keysOnly?: boolean;
}

/** The path of `key` under `parent`, quoted where the engine's path syntax needs it. */
export function childPath(parent: string, key: string | number): string {
  if (typeof key === "number") return `${parent}[${key}]`;
  if (/[.[\]"]/.test(key)) return `${parent}[${JSON.stringify(key)}]`;
  return parent === "" ? key : `${parent}.${key}`;
}

/** The smallest set of paths that differ between two maps. */
export function diffMaps(olds: PropertyMap, news: PropertyMap, parent = ""): Changes {
  const changes: Changes = new Map();
  for (const key of new Set([...Object.keys(olds), ...Object.keys(news)])) {
    merge(changes, diffValues(olds[key], news[key], childPath(parent, key)));
  }
  return changes;
}

function diffValues(old: Value | undefined, now: Value | undefined, path: string): Changes {
  if (equal(old, now)) return new Map();
  if (old === undefined) return new Map([[path, "add"]]);
  if (now === undefined) return new Map([[path, "delete"]]);
  if (Array.isArray(old) && Array.isArray(now)) return diffLists(old, now, path);
  if (isObject(old) && isObject(now) && !isSecret(old) && !isSecret(now)) return diffMaps(old, now, path);
  return new Map([[path, "update"]]);
}

function diffLists(olds: Value[], news: Value[], path: string): Changes {
  const changes: Changes = new Map();
  for (let index = 0; index < Math.max(olds.length, news.length); index++) {
    merge(changes, diffValues(olds[index], news[index], childPath(path, index)));
  }
  return changes;
}

function merge(into: Changes, from: Changes): void {
  for (const [path, kind] of from) into.set(path, kind);
}

/** The first key of a path: `triggers` of `triggers[0]`. */
export function rootOf(path: string): string {
  return /^[^.[]*/.exec(path)?.[0] ?? path;
}

/** Turns each change that `needsReplacement` accepts into one that replaces the resource. */
export function replaceWhere(changes: Changes, needsReplacement: (path: string) => boolean): Changes {
  return new Map(
    [...changes].map(([path, kind]) =>
      needsReplacement(path) && !kind.endsWith("-replace") ? [path, `${kind}-replace` as ChangeKind] : [path, kind],
    ),
  );
}

/** True when one of the changes replaces the resource. */
export function replaces(changes: Changes): boolean {
  return [...changes.values()].some((kind) => kind.endsWith("-replace"));
}
