import { closest, distance } from "fastest-levenshtein";
import { configuration, type KeySchema } from "./keys.ts";

/**
 * The key that was meant by one that the configuration doesn't know; undefined when none is near.
 *
 * @param path of the object that the unknown key is in
 */
export function meantBy(path: readonly PropertyKey[], key: string): string | undefined {
  const at = path.reduce<KeySchema | undefined>(
    (inside, step) => (typeof step === "number" ? inside?.items : inside?.properties?.[String(step)]),
    configuration,
  );
  const known = Object.keys(at?.properties ?? {});
  if (known.length === 0) return undefined;
  const nearest = closest(key.toLowerCase(), known);
  // One letter in three may be wrong: `maxParalel`, `enrollment`, `time-out-minutes`; more is another word.
  return distance(key.toLowerCase(), nearest.toLowerCase()) <= Math.max(1, key.length / 3) ? nearest : undefined;
}
