/** One test's own cluster behind the stand-in for kubectl, on PATH for this process and for the steps it starts. */
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import type { Cluster } from "../../steps/lib/kubectl.ts";
import { locked, type Fault, type Stored } from "./fakeKubectl/store.ts";

const programs = join(import.meta.dirname, "fakeKubectl/bin");
process.env["NODE_OF_TESTS"] = process.execPath;
process.env["PATH"] = `${programs}${delimiter}${process.env["PATH"] ?? ""}`;

const root = join(import.meta.dirname, "../..");
const ownId = "7d1f3c52-0e7a-4b1c-9a53-6c1f0c9d2e11";

interface Call {
  readonly argv: readonly string[];
  /** One character for each byte. */
  readonly stdin: string;
}

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
  readonly access: Cluster;

  constructor(context: Pick<TestContext, "after">) {
    this.directory = mkdtempSync(join(tmpdir(), "onload-kmm-fake-"));
    context.after(() => rmSync(this.directory, { recursive: true }));
    this.access = { kubeconfig: join(this.directory, "kubeconfig"), context: "fake", id: ownId };
    writeFileSync(join(this.directory, "calls.jsonl"), "");
    this.put({ kind: "Namespace", metadata: { name: "kube-system", uid: ownId } });
  }

  put(...given: Given[]): void {
    this.#objects((objects) => {
      for (const each of given) {
        const metadata = { uid: `uid-${each.metadata.name}`, resourceVersion: "1", ...each.metadata };
        objects.push({ ...each, metadata } as Stored);
      }
    });
  }

  /** The object, or undefined; kinds are compared as written. */
  find(kind: string, name: string): Stored | undefined {
    return this.#objects((objects) => objects.find((each) => each.kind === kind && each.metadata.name === name));
  }

  /** Changes an object as somebody else would. */
  change(kind: string, name: string, change: (object: Stored) => void): void {
    this.#objects((objects) =>
      objects
        .filter((each) => each.kind === kind && each.metadata.name === name)
        .forEach((each) => {
          change(each);
          each.metadata.resourceVersion = String(Number(each.metadata.resourceVersion ?? 0) + 1);
        }),
    );
  }

  /** Lets the next calls whose arguments fit `pattern` fail with kubectl's message. */
  fail(pattern: string, stderr: string, times = 1): void {
    locked<Fault[], unknown>(this.directory, "faults.json", [], (faults) => faults.push({ pattern, stderr, times }));
  }

  /** Answers `--raw` requests whose path ends with `segment`. */
  answerRaw(segment: string, text: string): void {
    writeFileSync(join(this.directory, `raw-${segment}`), text);
  }

  /** Every call of kubectl so far. */
  get calls(): readonly Call[] {
    // The last line may still be on its way.
    const lines = readFileSync(join(this.directory, "calls.jsonl"), "utf8").split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Call);
  }

  /** The calls' verbs and what follows, without the connection's options. */
  get commands(): readonly string[] {
    return this.calls.map(({ argv }) => argv.slice(4).join(" "));
  }

  /** Resolves once a command with this in it was given; fails after half a minute without one. */
  async called(part: string): Promise<void> {
    const deadline = Date.now() + 30_000;
    while (!this.commands.some((command) => command.includes(part))) {
      assert.ok(Date.now() < deadline, `no ${part} among ${this.commands.join("; ")}`);
      await sleep(20);
    }
  }

  /** Runs a program in `steps/` as Pulumi does. */
  step(name: string, input: object): Promise<StepResult> {
    return runStep(join("steps", `${name}.ts`), JSON.stringify(input));
  }

  #objects<T>(work: (objects: Stored[]) => T): T {
    return locked<Stored[], T>(this.directory, "objects.json", [], work);
  }
}

/** Runs a step's file, relative to the project, with this text on stdin. */
export function runStep(file: string, stdin: string, ...args: string[]): Promise<StepResult> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [file, ...args], { cwd: root }, (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === "number" ? error.code : Number(error !== null), stdout, stderr });
    });
    child.stdin?.on("error", () => undefined).end(stdin);
  });
}
