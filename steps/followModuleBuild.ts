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
import { tagOf } from "../core/imageTag.ts";
import type { KmmFeatures } from "../core/kmmFeatures.ts";
import { kmm } from "../core/names.ts";
import type { Policy } from "../core/policy.ts";
import { BuildLogs, whatItSays } from "./lib/builds.ts";
import { now } from "./lib/clock.ts";
import { connect, type Kubectl, type KubeObject } from "./lib/kubectl.ts";
import { readImageMemory, rememberSigned } from "./lib/imageMemory.ts";
import { readPushedTags } from "./lib/imageStream.ts";
import { readFeatures } from "./lib/kmmFeatures.ts";
import { KmmRounds } from "./lib/kmmRounds.ts";
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
  /** The ImageStream that they are pushed to. */
  stream: z.string(),
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
  readonly #features: KmmFeatures;
  readonly #kmm: KmmRounds;
  readonly #logs: BuildLogs;
  #oldFailures: Set<string> | undefined;
  #touchedAt = now();
  #waitsFor = "";
  #waitsSince = now();
  #trouble = "";
  #forgets = 0;

  constructor(kubectl: Kubectl, step: Input, features: KmmFeatures) {
    this.#kubectl = kubectl;
    this.#step = step;
    this.#features = features;
    this.#kmm = new KmmRounds(kubectl, { ...step, ...features });
    this.#logs = new BuildLogs(kubectl, step.namespace, step.logDirectory);
  }

  async follow({ timeoutMinutes }: Policy["build"]) {
    const waiting = {
      timeoutSeconds: timeoutMinutes * 60,
      remedy: `look at \`kubectl -n ${this.#step.namespace} get builds,pods,events\` and run \`pulumi up\` again`,
    };
    const images = await waitUntil("the kernel modules' images", waiting, () => this.#look());
    const digests = images.map(({ image, digest }) => [tagOf(image), digest]);
    await rememberSigned(this.#kubectl, this.#step.namespace, Object.fromEntries(digests) as Record<string, string>);
    // With every image there this changes nothing now, and leaves no entry that a later tag could inherit from.
    await this.#kmm.endRound();
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
        await this.#kmm.endRound();
        return { missing: `a fresh round: ${verdict.reason}` };
      case "forget":
        await this.#again(verdict.reason, () => this.#kmm.forget());
        return { missing: `a fresh look: ${verdict.reason}` };
      case "distrust":
        await this.#again(verdict.reason, () => this.#kmm.takeAway(verdict));
        return { missing: `another build: ${verdict.reason}` };
    }
  }

  /** Has KMM look again, as often as that may help. */
  async #again(reason: string, act: () => Promise<void>): Promise<void> {
    this.#forgets += 1;
    if (this.#forgets > mostForgets) throw new StepError(stuck(reason));
    this.#touchedAt = now();
    await act();
  }

  async #touch(): Promise<void> {
    this.#touchedAt = now();
    await this.#kmm.touch();
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
    const [mic, mbsc, builds, { signed }] = await Promise.all([
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
      readImageMemory(this.#kubectl, namespace),
    ]);
    // After KMM's account: what it has signed by then is pushed.
    const pushed = await readPushedTags(this.#kubectl, namespace, this.#step.stream);
    this.#oldFailures ??= new Set(builds.filter(hasFailed).map(({ metadata }) => metadata.uid));
    const { signsInPlace } = this.#features;
    const oldFailures = this.#oldFailures;
    return { wanted: this.#step.images, mic, mbsc, builds, pushed, signed, signsInPlace, oldFailures };
  }

  async #fail(build: BuildObject): Promise<never> {
    const { name, labels } = build.metadata;
    this.#logs.follow(build);
    const tail = await this.#logs.tail(build);
    const signing = labels?.[kmm.buildTypeLabel] === "SignImage";
    if (signing) await this.#kmm.giveUpSigning(this.#step.images);
    throw new StepError(
      `${signing ? "signing" : "building"} the kernel modules for ${labels?.[kmm.targetKernelLabel] ?? "a kernel"} failed ` +
        `(Build ${name}: ${whatItSays(build)}). Its log, ${this.#logs.path(build)}, ends with:\n${tail}\n` +
        "No node was touched. Mend the cause and run `pulumi up` again",
    );
  }
}

await runStep(input, async (step) => {
  const kubectl = await connect(step.cluster);
  const { build } = await readPolicy(kubectl, step.namespace);
  const round = new Round(kubectl, step, await readFeatures(kubectl));
  try {
    return { version: step.version, images: await round.follow(build) };
  } finally {
    round.stop();
  }
});
