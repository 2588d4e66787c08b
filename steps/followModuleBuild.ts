/**
 * Follows KMM's build and signing of the kmod images to their end, after each change of the Module, and takes
 * care that they are this Module's: facts observed on KMM 2.4.1 are in docs/kmm.md.
 */
import { z } from "zod";
import {
  hasFailed,
  judgeBuild,
  type BuildObject,
  type BuildVerdict,
  type ModuleBuildSignConfig,
  type ModuleImagesConfig,
} from "../core/moduleBuild.ts";
import { annotations, kmm, names } from "../core/names.ts";
import type { Policy } from "../core/policy.ts";
import { BuildLogs, whatItSays } from "./lib/builds.ts";
import { now, timestamp } from "./lib/clock.ts";
import { connect, type Kubectl, type KubeObject } from "./lib/kubectl.ts";
import { readPushedTags } from "./lib/imageStream.ts";
import { readPolicy } from "./lib/policy.ts";
import { whyStalled } from "./lib/stalledBuild.ts";
import { clusterSchema, progress, runStep, StepError } from "./lib/step.ts";
import { waitUntil, type Look } from "./lib/wait.ts";

const input = z.object({
  cluster: clusterSchema,
  namespace: z.string(),
  module: z.string(),
  /** The Module's `version`; passed on to whoever waits for the images. */
  version: z.string(),
  images: z.array(z.object({ kernel: z.string(), image: z.string() })),
  logDirectory: z.string(),
});
type Input = z.infer<typeof input>;

/** Seconds until a Module that KMM doesn't seem to have seen is touched. */
const touchAfterSeconds = 5;

/** Seconds without any change after which its cause is looked for: KMM keeps most of them to itself. */
const stallSeconds = 15;

/** How often KMM is made to look again; more doesn't help where a node's own storage answers for the registry. */
const mostForgets = 10;

const stuck = (reason: string): string =>
  `${reason}, however often it looks: a node may still have that image in its own storage. No node was touched; raise ` +
  "onload-kmm:rebuild, which makes another tag, and run `pulumi up` again";

class Round {
  readonly #kubectl: Kubectl;
  readonly #step: Input;
  readonly #logs: BuildLogs;
  #oldFailures: Set<string> | undefined;
  #touchedAt = now();
  #waitsFor = "";
  #waitsSince = now();
  #trouble = "";
  #forgets = 0;

  constructor(kubectl: Kubectl, step: Input) {
    this.#kubectl = kubectl;
    this.#step = step;
    this.#logs = new BuildLogs(kubectl, step.namespace, step.logDirectory);
  }

  async follow({ timeoutMinutes }: Policy["build"]) {
    const waiting = {
      timeoutSeconds: timeoutMinutes * 60,
      remedy: `look at \`kubectl -n ${this.#step.namespace} get builds,pods,events\` and run \`pulumi up\` again`,
    };
    const images = await waitUntil("the kernel modules' images", waiting, () => this.#look());
    // With every image there this changes nothing now, and leaves no entry that a later tag could inherit from.
    await this.#delete("modulebuildsignconfigs.kmm.sigs.x-k8s.io");
    await this.#logs.settle();
    for (const { kernel, digest } of images) progress(`built and signed for ${kernel}: ${digest}`);
    return images;
  }

  stop(): void {
    this.#logs.stop();
  }

  async #look(): Promise<Look<(BuildVerdict & { kind: "built" })["images"]>> {
    const view = await this.#view();
    view.builds.forEach((build) => this.#logs.follow(build));
    const verdict = judgeBuild(view);
    switch (verdict.kind) {
      case "built":
        return { done: verdict.images };
      case "wait":
        return { missing: verdict.missing + (await this.#stalled(view.builds, verdict.missing)) };
      case "failed":
        return this.#fail(verdict.build);
      case "unseen":
        if (now() - this.#touchedAt > touchAfterSeconds * 1000) await this.#touch();
        return { missing: verdict.missing };
      case "startAfresh":
        await this.#delete("modulebuildsignconfigs.kmm.sigs.x-k8s.io");
        return { missing: `a fresh round: ${verdict.reason}` };
      case "forget":
        this.#forgets += 1;
        if (this.#forgets > mostForgets) throw new StepError(stuck(verdict.reason));
        await this.#forget();
        return { missing: `a fresh look: ${verdict.reason}` };
    }
  }

  /** What KMM doesn't say while nothing moves; asked anew every few seconds. */
  async #stalled(builds: readonly BuildObject[], missing: string): Promise<string> {
    if (missing !== this.#waitsFor) {
      [this.#waitsFor, this.#waitsSince, this.#trouble] = [missing, now(), ""];
    }
    if (now() - this.#waitsSince < stallSeconds * 1000) return this.#trouble;
    this.#waitsSince = now();
    const { namespace, module, images } = this.#step;
    const kernels = images.map(({ kernel }) => kernel);
    const trouble = await whyStalled(this.#kubectl, { namespace, module, kernels, builds });
    if (trouble?.final === true) throw new StepError(`${trouble.text}. No node was touched; ${trouble.remedy}`);
    this.#trouble = trouble === undefined ? "" : ` (${trouble.text}; ${trouble.remedy})`;
    return this.#trouble;
  }

  async #view() {
    const { namespace, module } = this.#step;
    const [mic, mbsc, builds, pushed] = await Promise.all([
      this.#kubectl.get<KubeObject & ModuleImagesConfig>("moduleimagesconfigs.kmm.sigs.x-k8s.io", module, namespace),
      this.#kubectl.get<KubeObject & ModuleBuildSignConfig>(
        "modulebuildsignconfigs.kmm.sigs.x-k8s.io",
        module,
        namespace,
      ),
      this.#kubectl.list<KubeObject & BuildObject>(
        "builds.build.openshift.io",
        "-n",
        namespace,
        "-l",
        `${kmm.moduleNameLabel}=${module}`,
      ),
      readPushedTags(this.#kubectl, namespace, names.kmodImageStream),
    ]);
    this.#oldFailures ??= new Set(builds.filter(hasFailed).map(({ metadata }) => metadata.name));
    return { wanted: this.#step.images, mic, mbsc, builds, pushed, oldFailures: this.#oldFailures };
  }

  async #fail(build: BuildObject): Promise<never> {
    const { name, labels } = build.metadata;
    this.#logs.follow(build);
    const tail = await this.#logs.tail(name);
    const signing = labels?.[kmm.buildTypeLabel] === "SignImage";
    // KMM answers a failed signing with another build, for ever. Without these it has nothing to do until the
    // Module is touched, which the next `up` does.
    if (signing) await this.#stopKmm();
    throw new StepError(
      `${signing ? "signing" : "building"} the kernel modules for ${labels?.[kmm.targetKernelLabel] ?? "a kernel"} failed ` +
        `(Build ${name}: ${whatItSays(build)}). Its log, ${this.#logs.path(name)}, ends with:\n${tail}\n` +
        "No node was touched. Mend the cause and run `pulumi up` again",
    );
  }

  async #forget(): Promise<void> {
    await this.#stopKmm();
    await this.#touch();
  }

  /** In this order: of a MIC that is still there KMM makes the MBSC anew, with all that it took for true. */
  async #stopKmm(): Promise<void> {
    await this.#delete("moduleimagesconfigs.kmm.sigs.x-k8s.io");
    await this.#delete("modulebuildsignconfigs.kmm.sigs.x-k8s.io");
  }

  /** KMM doesn't watch the MIC's deletion, but any change of the Module makes it look again. */
  async #touch(): Promise<void> {
    this.#touchedAt = now();
    const { namespace, module } = this.#step;
    const touch = `${annotations.retry}=${timestamp()}`;
    await this.#kubectl.run(["annotate", "modules.kmm.sigs.x-k8s.io", module, "-n", namespace, touch, "--overwrite"]);
  }

  async #delete(kind: string): Promise<void> {
    const { namespace, module } = this.#step;
    await this.#kubectl.run(["delete", kind, module, "-n", namespace, "--ignore-not-found", "--wait=false"]);
  }
}

await runStep(input, async (step) => {
  const kubectl = await connect(step.cluster);
  const { build } = await readPolicy(kubectl, step.namespace);
  const round = new Round(kubectl, step);
  try {
    return { version: step.version, images: await round.follow(build) };
  } finally {
    round.stop();
  }
});
