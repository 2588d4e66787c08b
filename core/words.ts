/** Numbers as a person reads them. */

/** `1 node`, `2 nodes`. */
export const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? "" : "s"}`;

/** `41 s`, `9 min`, `2 h 5 min`. @param length milliseconds */
export function duration(length: number): string {
  const seconds = Math.round(length / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60)
    return seconds < 600 && seconds % 60 !== 0 ? `${Math.floor(seconds / 60)} min ${seconds % 60} s` : `${minutes} min`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
