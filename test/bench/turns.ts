/** How long nodes were out of service, from the API server's audit log. */
import type { Sandbox } from "@onload-kmm/sandbox/sandbox";
import { outages, type Change } from "../stack/outages.ts";
import type { Turns } from "./results.ts";

type AuditEntry = Awaited<ReturnType<Sandbox["auditLog"]>>[number];

/** What a roll-out or a leaving of all these nodes took; undefined when none of them went out of service. */
export function turnsIn(
  log: readonly AuditEntry[],
  nodes: readonly string[],
  about: Pick<Turns, "what" | "width">,
): Turns | undefined {
  const changes = outages(log, nodes);
  const [first, last] = [changes[0], changes.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  const out = nodes.flatMap((node) => secondsOut(changes.filter((change) => change.node === node)) ?? []);
  const one = out.reduce((sum, seconds) => sum + seconds, 0) / out.length;
  return { ...about, nodes: out.length, one, all: (last.at - first.at) / 1000 };
}

/** From the first time that it went out to the last time that it came back; undefined for one that never did. */
function secondsOut(own: readonly Change[]): number | undefined {
  const [first, last] = [own[0], own.at(-1)];
  return first === undefined || last === undefined ? undefined : (last.at - first.at) / 1000;
}
