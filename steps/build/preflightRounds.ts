import { preflightName } from "../../core/build/nextKernel.ts";
import { preflightGoneSeconds } from "../../core/patience.ts";
import { KmmRounds } from "./kmmRounds.ts";
import type { Kubectl, KubeObject } from "../cluster/kubectl.ts";
import { StepError } from "../lib/step.ts";
import { waitUntil } from "../lib/wait.ts";

interface Preflight extends KubeObject {
  readonly spec: PreflightSpec;
}

interface PreflightSpec {
  readonly kernelVersion: string;
  readonly dtkImage?: string;
  /** Later KMMs push only where it is asked for; earlier ones always do. */
  readonly pushBuiltImage: true;
}

interface Subject {
  readonly namespace: string;
  readonly module: string;
  readonly kernel: string;
  /** The Driver Toolkit's image for this kernel; absent where the cluster has it already, or it isn't used. */
  readonly driverToolkit?: string | undefined;
}

const kind = "preflightvalidationsocp.kmm.sigs.x-k8s.io";

/** The rounds in which KMM builds and signs for a kernel that no node runs yet: those of a PreflightValidationOCP. */
export class PreflightRounds extends KmmRounds {
  readonly #kubectl: Kubectl;
  readonly #validation: string;
  readonly #spec: PreflightSpec;

  constructor(kubectl: Kubectl, subject: Subject) {
    // KMM puts this behind the Module's name for all objects of a preflight.
    super(kubectl, { ...subject, module: `${subject.module}-preflight` });
    this.#kubectl = kubectl;
    this.#validation = preflightName(subject.kernel);
    const { kernel: kernelVersion, driverToolkit: dtkImage } = subject;
    this.#spec = { kernelVersion, ...(dtkImage !== undefined && { dtkImage }), pushBuiltImage: true };
  }

  /** @throws StepError when somebody else's validation is there: KMM works on one at a time */
  async begin(): Promise<void> {
    const found = await this.#kubectl.list<Preflight>(kind);
    const others = found.filter(({ metadata }) => metadata.name !== this.#validation);
    if (others.length > 0) {
      throw new StepError(
        "OKMM-VALIDATION-OTHER",
        `KMM validates one kernel at a time, and ${others.map(({ metadata }) => metadata.name).join(", ")} is there; wait until ` +
          `it has ended and delete it (kubectl delete ${kind} NAME), then run \`pulumi up\` again`,
      );
    }
    // One that an earlier run left may believe what isn't so any more.
    if (found.length > 0) await this.stop();
    await this.touch();
  }

  override async touch(): Promise<void> {
    const metadata = { name: this.#validation };
    const object = {
      apiVersion: "kmm.sigs.x-k8s.io/v1beta2",
      kind: "PreflightValidationOCP",
      metadata,
      spec: this.#spec,
    };
    const there = await this.#kubectl.get(kind, this.#validation);
    if (there === undefined) await this.#kubectl.run(["create", "-f", "-"], Buffer.from(JSON.stringify(object)));
  }

  /** The validation first: as long as it is there KMM makes everything again. */
  override async stop(): Promise<void> {
    await this.#kubectl.run(["delete", kind, this.#validation, "--ignore-not-found", "--wait=false"]);
    await super.stop();
    const waiting = {
      timeoutSeconds: preflightGoneSeconds,
      error: "OKMM-VALIDATION-STUCK" as const,
      remedy: `look at its finalizers (kubectl get ${kind} ${this.#validation} -o yaml), fix what keeps it and run \`pulumi up\` again`,
    };
    await waitUntil(`PreflightValidationOCP ${this.#validation} to be gone`, waiting, async () => {
      const left = await this.#kubectl.get(kind, this.#validation);
      return left === undefined ? { done: undefined } : { missing: "somebody's finalizer, or the garbage collector" };
    });
  }
}
