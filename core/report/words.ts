/** How the report names things, in both of its forms. */
import type { NodeReport, Outcome } from "./nodeReport.ts";

export const outcomeWords: Readonly<Record<Outcome, string>> = {
  proven: "proven",
  same: "unchanged",
  pending: "waits for a reboot of yours",
  held: "on hold",
  left: "handed back",
  failed: "failed",
  open: "no end recorded",
  unproven: "loaded, not proven",
  waiting: "not begun",
};

/** `2026-11-26 15:20:04 UTC`. @param time milliseconds since 1970 */
export const moment = (time: number): string => `${new Date(time).toISOString().slice(0, 19).replace("T", " ")} UTC`;

/** `15:20:04`, UTC. */
export const clockTime = (time: number): string => new Date(time).toISOString().slice(11, 19);

/** One thing about a node that can change, before and now; `-` where it isn't known. */
export interface Change {
  readonly what: string;
  readonly before: string;
  readonly now: string;
}

/** What a node was and is now. A node that nothing was done to is what it was. */
export function changesOf({ before, proof, release, outcome }: NodeReport): Change[] {
  const untouched = proof === undefined && ["same", "held", "waiting"].includes(outcome);
  const was = [release.before ?? (before && "none"), before?.kernel, before?.secureBoot, trust(before), before?.bootId];
  const is = [release.now, proof?.kernel, proof?.secureBoot, trustNow(proof), proof?.bootId];
  return ["OpenOnload", "kernel", "Secure Boot", "key", "boot ID"].map((what, index) => ({
    ...{ what, before: was[index] ?? "-" },
    now: (untouched ? was[index] : is[index]) ?? "-",
  }));
}

const notAsked = "not needed: Secure Boot is off";

function trust(before: NodeReport["before"]): string | undefined {
  if (before?.secureBoot === undefined) return undefined;
  if (before.secureBoot !== "enabled") return notAsked;
  return before.trusted === undefined ? undefined : before.trusted ? "trusted" : "not trusted";
}

function trustNow(proof: NodeReport["proof"]): string | undefined {
  if (proof === undefined) return undefined;
  if (proof.secureBoot !== "enabled") return notAsked;
  return proof.state === "proven" ? "trusted" : (proof.key ?? undefined);
}

/** What proves that a node runs the modules, in a few lines: what is alike is told once. */
export function proofLines({ proof }: NodeReport): string[] {
  if (proof === undefined) return [];
  const { key, secureBoot, version, image } = proof;
  const modules = grouped(
    Object.entries(proof.modules ?? {}),
    ([name]) => name,
    ([, { version, signers }]) =>
      `${version ?? "?"} live${signers.length === 0 ? "" : `, signed by ${signers.join(", ")}`}`,
  );
  const interfaces = grouped(
    proof.interfaces ?? [],
    ({ name }) => name,
    ({ driver, version }) => `driver ${driver ?? "none"} ${version ?? ""}`.trim(),
  );
  return [
    ...modules.map(([what, names]) => `modules ${names.join(", ")}: ${what}`),
    ...interfaces.map(([what, names]) => `interfaces ${names.join(", ")}: ${what}`),
    ...(key === null ? [] : [`Secure Boot ${secureBoot}, key ${key}`]),
    ...(version === undefined ? [] : [`KMM has loaded Module version ${version}`]),
    ...(image === undefined ? [] : [`from image ${image}`]),
  ];
}

/** Names by what is said of them, in the order of the first of each. */
function grouped<T>(all: readonly T[], name: (one: T) => string, says: (one: T) => string): [string, string[]][] {
  return [...Map.groupBy(all, says)].map(([what, those]) => [what, those.map(name)]);
}
