/** Runs as their programs and steps would have recorded them. */
import type { NodeProof } from "../../../core/contracts/proveNode.ts";
import type { ErrorId } from "../../../core/errors.ts";
import type { Happening, NodeBefore, RunRecord, StepEvent } from "../../../core/report/records.ts";
import { reportOf, type Report, type Surroundings } from "../../../core/report/report.ts";

/** When each run begins. */
export const began = Date.parse("2026-11-26T08:00:00.000Z");

export const kernel = "5.14.0-570.49.1.el9_6.x86_64";
const nextImage = `image-registry.openshift-image-registry.svc:5000/onload-kmm/onload-kmod:9.1.0-0c9d3f1a2b4e-${kernel}`;
const oldImage = `image-registry.openshift-image-registry.svc:5000/onload-kmm/onload-kmod:9.0.2.140-aa00bb11cc22-${kernel}`;

export const before = (changed: Partial<NodeBefore> = {}): NodeBefore => ({
  ...{ kernel, bootId: "6a3d1f60-8a5e-4c8e-9a52-0f6f6a1f3b11", image: oldImage, secureBoot: "enabled", trusted: false },
  ...changed,
});

export const proof = (node: string, changed: Partial<NodeProof> = {}): NodeProof => ({
  ...{
    node,
    state: "proven",
    secureBoot: "enabled",
    key: "enrolled",
    kernel,
    version: "1c486fe51000",
    image: nextImage,
  },
  bootId: "b7c9e2aa-15f0-4f5e-8f0b-3f1f9f1f2c22",
  modules: Object.fromEntries(
    ["onload", "sfc", "sfc_char", "sfc_resource"].map((name) => [
      name,
      { version: "9.1.0", signers: ["onload-kmm module signing"] },
    ]),
  ),
  interfaces: [{ name: "ens1f0np0", driver: "sfc", version: "9.1.0" }],
  ...changed,
});

/** A run's records in the making: times are minutes after its begin. */
export class Recording {
  readonly records: Happening[] = [];
  #steps = 0;

  constructor(nodes: RunRecord["nodes"], changed: Partial<RunRecord> = {}) {
    const run = { verb: "up", stack: "prod", cluster: "0a1b2c3d", release: "9.1.0", mode: "console" } as const;
    this.records.push({ event: "run", at: at(0), ...run, maxParallel: 1, nodes, ...changed });
  }

  plan(minute: number, nodes: Record<string, string | null>): this {
    this.records.push({ event: "plan", at: at(minute), version: "1c486fe51000", nodes });
    return this;
  }

  stopped(minute: number, ...problems: string[]): this {
    this.records.push({ event: "stopped", at: at(minute), problems });
    return this;
  }

  program(minute: number, finished: boolean): this {
    this.records.push({ event: "program", at: at(minute), finished });
    return this;
  }

  step(minute: number, step: string, about: { node?: string; kernel?: string } = {}): RecordedStep {
    const id = (this.#steps += 1);
    const add = (when: number, event: StepEvent): void => {
      this.records.push({ ...event, id, at: at(when) });
    };
    add(minute, { event: "begins", step, ...about });
    return new RecordedStep(add);
  }

  /** A node's turn that ends well: from `minute`, for this many minutes, with a reboot. */
  rolled(node: string, minute: number, length: number): this {
    const share = (part: number) => minute + (length * part) / 100;
    this.step(minute, "rollNode", { node })
      .phase(share(5), "check")
      .phase(share(10), "cordon")
      .phase(share(12), "drain")
      .phase(share(30), "enrol")
      .phase(share(80), "load")
      .phase(share(95), "uncordon")
      .ends(share(96), { node, state: "loaded" });
    this.step(share(97), "proveNode", { node }).ends(minute + length, proof(node));
    return this;
  }
}

/** One step of a {@link Recording}. */
class RecordedStep {
  readonly #add: (minute: number, event: StepEvent) => void;

  constructor(add: (minute: number, event: StepEvent) => void) {
    this.#add = add;
  }

  phase(minute: number, name: string): this {
    this.#add(minute, { event: "phase", name });
    return this;
  }

  says(minute: number, line: string): this {
    this.#add(minute, { event: "says", line });
    return this;
  }

  ends(minute: number, answer: unknown): void {
    this.#add(minute, { event: "ends", answer });
  }

  fails(minute: number, error: ErrorId, message: string): void {
    this.#add(minute, { event: "fails", error, message });
  }
}

const at = (minute: number): string => new Date(began + minute * 60_000).toISOString();

const runbook = `# Runbook

### OKMM-DRAIN-STUCK

A node could not be drained.

- **You see**: \`NODE: draining failed\`.
- **It means**: Evictions took
  too long.
- **Do**: \`PodDisruptionBudget … allows no eviction\`: make another replica
  ready elsewhere ([waits](waits.md#drain)). Then \`pulumi up\`.

### OKMM-UNLOAD-INUSE

- **Do**: something else.
`;

export const around: Surroundings = { runbook, project: "../..", logs: "../../logs/prod", logFiles: [] };

/** The report of these records; fails where they give none. */
export function reportFrom({ records }: Recording, changed: Partial<Surroundings> = {}): Report {
  const report = reportOf(records, { ...around, ...changed });
  if (report === undefined) throw new Error("no report");
  return report;
}

/** Four nodes to another release: two proven, the third can't be drained, the last one isn't begun; one more is on hold. */
export function stuckRun(): Recording {
  const names = ["worker-0", "worker-1", "worker-2", "worker-3"];
  const recording = new Recording([
    ...names.map((name) => ({ name, hold: false, before: before() })),
    { name: "worker-4", hold: true, before: before({ trusted: true }) },
  ]);
  recording.step(0.5, "uploadSrpm").ends(2, {});
  recording.plan(2, Object.fromEntries(names.map((name) => [name, "runs 9.0.2.140-aa00bb11cc22"])));
  recording.step(2, "followModuleBuild").ends(7, {});
  recording.rolled("worker-0", 7, 14).rolled("worker-1", 21.5, 12);
  recording
    .step(34, "rollNode", { node: "worker-2" })
    .phase(34.5, "check")
    .phase(35, "cordon")
    .phase(35.2, "drain")
    .says(35.3, "worker-2: draining, at most 15 min")
    .fails(
      50.2,
      "OKMM-DRAIN-STUCK",
      "worker-2: draining failed and the node stays cordoned:\n" +
        "pod trading/gateway-0: PodDisruptionBudget trading/gateway allows no eviction\n" +
        "Look for the PodDisruptionBudget or pod that it names, fix it, and run `pulumi up` again",
    );
  return recording.program(50.4, false);
}
