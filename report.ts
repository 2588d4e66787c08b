/** The program's part in the report of its run: what it plans, why it stopped, and that it got everything it asked for. */
import * as pulumi from "@pulumi/pulumi";
import type { ListedNode } from "./components/onloadNodes.ts";
import type { Told } from "./core/errors.ts";
import { expectedOn, type ModuleTarget } from "./core/node/nodeState.ts";
import { deviation } from "./core/node/reality.ts";
import { isBegun, noteOf, reportPath, runName } from "./steps/lib/report.ts";

/** One run's report; the look at the cluster begins it. */
export interface RunReport {
  /** The run's name: when it began. */
  readonly name: string;
  readonly stopped: (problems: readonly Told[]) => void;
  /** The look has begun the report by then. */
  readonly planned: (listed: readonly ListedNode[], target: pulumi.Output<ModuleTarget>) => void;
  /** Everything is done once these are known. */
  readonly finishedAfter: (outputs: readonly pulumi.Output<unknown>[]) => void;
}

/** The report of this `up`; undefined in a preview. The engine shows where it is at the end, however that comes. */
export function runReport(): RunReport | undefined {
  if (pulumi.runtime.isDryRun()) return undefined;
  const run = { stack: pulumi.getStack(), name: runName(now()) };
  void pulumi.log.info(`report of this run: ${reportPath(run.stack, run.name)}.html, and .md for a ticket`);
  let finished = false;
  return {
    name: run.name,
    stopped: (problems) => noteOf(run, { event: "stopped", at: now(), problems: [...problems] }),
    planned: (listed, target) => {
      if (!isBegun(run)) return;
      // The engine ends the program when a resource has failed.
      process.once("exit", () => noteOf(run, { event: "program", at: now(), finished }));
      target.apply((known) =>
        noteOf(run, { event: "plan", at: now(), version: known.version, nodes: reasons(listed, known, run.stack) }),
      );
    },
    finishedAfter: (outputs) => {
      pulumi.all([...outputs]).apply(() => (finished = true));
    },
  };
}

const now = (): string => new Date().toISOString();

/** Why each node is to be done; null where it is as it should be. Held nodes are passed by. */
const reasons = (listed: readonly ListedNode[], target: ModuleTarget, stack: string): Record<string, string | null> =>
  Object.fromEntries(
    listed
      .filter(({ hold }) => !hold)
      .map(({ name, reality }) => [
        name,
        deviation(reality, expectedOn(reality.node.status.nodeInfo.kernelVersion, target), stack) ?? null,
      ]),
  );
