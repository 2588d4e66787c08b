/**
 * Which node must be proven before node `index` may start: all wait for the canary (index 0), then each waits for the
 * one `width` places before it. If one node takes R, N nodes take (1 + ⌈(N−1)/width⌉)·R.
 *
 * @param index position in the roll-out, from 0
 * @param width how many nodes may be out of service at once, 1 or more
 * @returns the predecessor's position; undefined for the canary
 */
export function predecessor(index: number, width: number): number | undefined {
  if (index === 0) return undefined;
  return index <= width ? 0 : index - width;
}

/** How many turns follow on each other where each takes as long: the canary's, then those of `width` nodes at a time. */
export const roundsOf = (nodes: number, width: number): number => 1 + Math.ceil((nodes - 1) / width);
