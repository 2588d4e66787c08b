/** How far a build of the toolchain is and how long it takes still, by the pace seen so far. */

/** How far the build of all tools is. Minutes are those that it takes on two quiet cores ({@link Tool}). */
export interface Stand {
  /** Since the first tool's build began, in milliseconds. */
  readonly elapsedMs: number;
  /** What those tools were worth that are built. */
  readonly builtMinutes: number;
  /** What all of this tool is worth, from an empty cache. */
  readonly minutes: number;
  /** What the tools are worth that come after this one. */
  readonly laterMinutes: number;
  /** This tool's packages: all, those that were cached before, those compiled since. */
  readonly packages: { readonly total: number; readonly cached: number; readonly compiled: number };
}

/** What {@link estimate} finds. */
export interface Estimate {
  /** 0 to 1, of this tool's packages. */
  readonly done: number;
  /** Minutes left for this tool, and for all. */
  readonly toolMinutes: number;
  readonly allMinutes: number;
}

// Until so much is done, the first packages' pace says little: it counts as if this much had gone at the quiet pace.
const trustedMinutes = 0.5;

/**
 * The time left, by the pace since the start: what is left of the quiet minutes, times how much slower than that it has
 * been. What was cached before is no part of the pace.
 */
export function estimate({ elapsedMs, builtMinutes, minutes, laterMinutes, packages }: Stand): Estimate {
  const { total, cached, compiled } = packages;
  const share = (count: number): number => (total === 0 ? 0 : (count / total) * minutes);
  const worked = builtMinutes + share(compiled);
  const slowness = (elapsedMs / 60_000 + trustedMinutes) / (worked + trustedMinutes);
  const toolMinutes = share(Math.max(0, total - cached - compiled)) * slowness;
  return {
    done: total === 0 ? 0 : Math.min(1, (cached + compiled) / total),
    toolMinutes,
    allMinutes: toolMinutes + laterMinutes * slowness,
  };
}

/** `mm:ss`. */
export function formatElapsed(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  return `${String(Math.floor(seconds / 60)).padStart(2, "0")}:${String(seconds % 60).padStart(2, "0")}`;
}

function formatMinutes(minutes: number): string {
  return `${Math.max(1, Math.ceil(minutes))} min`;
}

/** `41 %, about 5 min left, all tools 14 min`: fits behind a tool's name and the time on 80 columns. */
export function shortLine(stand: Stand): string {
  const { done, toolMinutes, allMinutes } = estimate(stand);
  const left = `${Math.floor(done * 100)} %, about ${formatMinutes(toolMinutes)} left`;
  return stand.laterMinutes === 0 ? left : `${left}, all tools ${formatMinutes(allMinutes)}`;
}

/** The same with the count of packages, for a log. */
export function longLine(stand: Stand): string {
  const { total, cached, compiled } = stand.packages;
  const { done, toolMinutes, allMinutes } = estimate(stand);
  const count = `${Math.floor(done * 100)} % (${cached + compiled} of ${total} packages)`;
  return `${count}, about ${formatMinutes(toolMinutes)} left; all tools: about ${formatMinutes(allMinutes)} left`;
}
