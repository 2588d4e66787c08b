/** One test's own cluster behind the stand-in for kubectl, on PATH for this process and for the steps it starts. */
import { execFile } from "node:child_process";
import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { TestContext } from "node:test";
import { liveBy } from "../../steps/lib/clock.ts";
import type { ClusterAccess } from "../../core/cluster/clusterAccess.ts";
import { clusters, port } from "./fakeKubectl/server.ts";
import type { Call, Store, Stored } from "./fakeKubectl/store.ts";
import { VirtualClock } from "./virtualClock.ts";

const programs = join(import.meta.dirname, "fakeKubectl/bin");
process.env["FAKE_KUBECTL_PORT"] = String(port);
process.env["PATH"] = `${programs}${delimiter}${process.env["PATH"] ?? ""}`;

const root = join(import.meta.dirname, "../..");
/** Where steps keep their logs. */
const home = mkdtempSync(join(tmpdir(), "onload-kmm-home-"));
process.on("exit", () => rmSync(home, { recursive: true, force: true }));

const ownId = "7d1f3c52-0e7a-4b1c-9a53-6c1f0c9d2e11";

/** The time of what runs in this process; a step that is started has its own. */
export const clock = new VirtualClock();
liveBy(clock);

interface StepResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a test gives of an object; the rest is filled in. */
export type Given = Omit<Stored, "metadata"> & { metadata: Partial<Stored["metadata"]> & { name: string } };

export class FakeCluster {
  readonly directory: string;
  /** As steps are given it; `id` is the cluster's own. */
  readonly access: ClusterAccess;
  readonly #store: Store = { objects: [], faults: [], raw: new Map(), calls: [], held: [] };
  readonly #listeners = new Set<() => void>();
  readonly #stepEnds = new EventEmitter();

  constructor(context: Pick<TestContext, "after">) {
    this.directory = mkdtempSync(join(tmpdir(), "onload-kmm-fake-"));
    context.after(() => rmSync(this.directory, { recursive: true }));
    this.access = { kubeconfig: join(this.directory, "kubeconfig"), context: "fake", id: ownId };
    clusters.set(this.access.kubeconfig, {
      store: this.#store,
      called: () => this.#listeners.forEach((listener) => listener()),
    });
    this.put({ kind: "Namespace", metadata: { name: "kube-system", uid: ownId } });
  }

  put(...given: Given[]): void {
    for (const each of structuredClone(given)) {
      const metadata = { uid: `uid-${each.metadata.name}`, resourceVersion: "1", ...each.metadata };
      this.#store.objects.push({ ...each, metadata } as Stored);
    }
  }

  /** The object as it is now, or undefined; kinds are compared as written. */
  find(kind: string, name: string): Stored | undefined {
    return structuredClone(this.#named(kind, name)[0]);
  }

  /** Changes an object as somebody else would. */
  change(kind: string, name: string, change: (object: Stored) => void): void {
    for (const each of this.#named(kind, name)) {
      change(each);
      each.metadata.resourceVersion = String(Number(each.metadata.resourceVersion ?? 0) + 1);
    }
  }

  /** Lets the next calls whose arguments fit `pattern` fail with kubectl's message. */
  fail(pattern: string, stderr: string, times = 1): void {
    this.#store.faults.push({ pattern, stderr, times });
  }

  /** Leaves calls with `part` in them without an answer. */
  hold(part: string): void {
    this.#store.held.push(part);
  }

  /** Answers `--raw` requests whose path ends with `segment`. */
  answerRaw(segment: string, text: string): void {
    this.#store.raw.set(segment, text);
  }

  /** Every call of kubectl so far. */
  get calls(): readonly Call[] {
    return this.#store.calls;
  }

  /** The calls' verbs and what follows, without the connection's options. */
  get commands(): readonly string[] {
    return this.calls.map(({ argv }) => argv.slice(4).join(" "));
  }

  /** Resolves once `times` commands with this in them were given, and before the last one is answered. */
  async called(part: string, times = 1): Promise<void> {
    while (this.commands.filter((command) => command.includes(part)).length < times) await this.#nextCall(part);
  }

  #nextCall(part: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (then: () => void) => () => {
        stop();
        this.#stepEnds.off("end", giveUp);
        then();
      };
      const giveUp = end(() => reject(new Error(`no ${part} among ${this.commands.join("; ")}`)));
      const stop = this.onCall(end(resolve));
      this.#stepEnds.on("end", giveUp);
    });
  }

  /** Does something as somebody else in the cluster would, after each command; until the answer is called. */
  onCall(act: () => void): () => void {
    this.#listeners.add(act);
    return () => this.#listeners.delete(act);
  }

  /** Runs a program in `steps/` as Pulumi does. */
  async step(name: string, input: object): Promise<StepResult> {
    const result = await runStep(join("steps", `${name}.ts`), JSON.stringify(input));
    // Whoever still waits for a command of this step's waits in vain.
    this.#stepEnds.emit("end");
    return result;
  }

  #named(kind: string, name: string): Stored[] {
    return this.#store.objects.filter((each) => each.kind === kind && each.metadata.name === name);
  }
}

/** Runs a step's file, relative to the project, with this text on stdin and in time that passes at once. */
export function runStep(file: string, stdin: string, ...args: string[]): Promise<StepResult> {
  return new Promise((resolve) => {
    const programs = ["--import", join(import.meta.dirname, "inVirtualTime.ts"), file];
    const options = { cwd: root, env: { ...process.env, ONLOAD_KMM_HOME: home } };
    const child = execFile(process.execPath, [...programs, ...args], options, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : Number(error !== null), stdout, stderr });
    });
    child.stdin?.on("error", () => undefined).end(stdin);
  });
}
