import {
  hasFailed,
  judgeBuild,
  newlySigned,
  type BuildObject,
  type BuildVerdict,
  type BuildView,
  type ModuleBuildSignConfig,
  type ModuleImagesConfig,
  type WantedImage,
} from "../../core/build/moduleBuild.ts";
import { isSameKernel, kmmKernel, tagOf } from "../../core/build/imageTag.ts";
import type { KmmFeatures } from "../../core/cluster/kmmFeatures.ts";
import { kmm } from "../../core/names.ts";
import type { Policy } from "../../core/configuration/policy.ts";
import { kmmForgetTries, stalledBuildSeconds, unseenModuleSeconds } from "../../core/patience.ts";
import { BuildLogs, whatItSays } from "./builds.ts";
import { now } from "../lib/clock.ts";
import { readImageMemory, rememberSigned } from "./imageMemory.ts";
import { storeOf, type ImageStore } from "./imageStore.ts";
import { readFeatures } from "../cluster/kmmFeatures.ts";
import type { Kubectl, KubeObject } from "../cluster/kubectl.ts";
import type { KmmRounds } from "./kmmRounds.ts";
import { whyStalled } from "./stalledBuild.ts";
import { progress, StepError } from "../lib/step.ts";
import { waitUntil, type Look } from "../lib/wait.ts";

/** What is to be built, and where its logs go. */
export interface RoundSettings {
  readonly namespace: string;
  readonly module: string;
  readonly images: readonly WantedImage[];
  /** Directory on the bastion. */
  readonly logDirectory: string;
}

type Built = (BuildVerdict & { kind: "built" })["images"];

const stuck = (reason: string): string =>
  `${reason}, however often it looks: a node may still have that image in its own storage. No node was touched; raise ` +
  "onload-kmm:rebuild, which makes a new tag, and run `pulumi up` again";

/** Follows KMM's building and signing of images to its end, and takes care that they are those that are wanted. */
export class ImageRound {
  readonly #kubectl: Kubectl;
  readonly #step: RoundSettings;
  readonly #kmm: KmmRounds;
  readonly #logs: BuildLogs;
  readonly #store: ImageStore;
  #oldFailures: Set<string> | undefined;
  #touchedAt = now();
  #waitsFor = "";
  #waitsSince = now();
  #trouble = "";
  #doubt = "";
  #forgets = 0;
  #line: KmmFeatures["line"] | undefined;

  constructor(kubectl: Kubectl, step: RoundSettings, kmm: KmmRounds) {
    this.#kubectl = kubectl;
    this.#step = step;
    this.#kmm = kmm;
    this.#logs = new BuildLogs(kubectl, step.namespace, step.logDirectory);
    this.#store = storeOf(kubectl, step.namespace, step.images[0]?.image ?? "");
  }

  /** @throws StepError when building or signing fails, or time is up; no node was touched then */
  async follow({ timeoutMinutes }: Policy["build"]): Promise<Built> {
    const waiting = {
      timeoutSeconds: timeoutMinutes * 60,
      setting: "build.timeoutMinutes",
      error: "OKMM-BUILD-TIMEOUT" as const,
      remedy: `look at \`kubectl -n ${this.#step.namespace} get builds,pods,events\` and run \`pulumi up\` again`,
    };
    await this.#isUpgraded();
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

  async #look(): Promise<Look<Built>> {
    const view = await this.#view();
    view.builds.forEach((build) => this.#logs.follow(build));
    await this.#remember(view);
    const verdict = judgeBuild(view);
    const doubted = this.#doubt;
    this.#doubt = verdict.kind === "distrust" ? verdict.reason : "";
    switch (verdict.kind) {
      case "built":
        return { done: verdict.images };
      case "wait":
        return { missing: verdict.missing + (await this.#stalled(view.builds, verdict.missing)) };
      case "failed":
        if (!(await this.#isUpgraded())) return this.#fail(verdict.build);
        await this.#again("KMM was upgraded while it built", () => this.#kmm.forget());
        return { missing: "a fresh round: KMM was upgraded in this one" };
      case "unseen":
        if (now() - this.#touchedAt > unseenModuleSeconds * 1000) await this.#touch();
        return { missing: verdict.missing };
      case "startAfresh":
        await this.#kmm.endRound();
        return { missing: `a fresh round: ${verdict.reason}` };
      case "forget":
        await this.#again(verdict.reason, () => this.#kmm.forget());
        return { missing: `a fresh look: ${verdict.reason}` };
      case "distrust":
        // A look reads its objects one after the other: nothing is thrown away before a second one finds the same.
        if (verdict.reason !== doubted) return { missing: `a second look: ${verdict.reason}` };
        await this.#again(verdict.reason, () => this.#kmm.takeAway(verdict));
        return { missing: `another build: ${verdict.reason}` };
    }
  }

  /** At once: whatever ends the round takes KMM's account of what it has signed with it. */
  async #remember(view: BuildView): Promise<void> {
    const news = newlySigned(view);
    if (Object.keys(news).length > 0) await rememberSigned(this.#kubectl, this.#step.namespace, news);
  }

  /**
   * Whether KMM was upgraded since the last time that this was asked: a round of two lines may fail by itself. 2.7 looks under
   * the final tag for what 2.6 has built under another one.
   */
  async #isUpgraded(): Promise<boolean> {
    const before = this.#line;
    this.#line = (await readFeatures(this.#kubectl)).line;
    return before !== undefined && before !== this.#line;
  }

  /** Has KMM look again, as often as that may help. */
  async #again(reason: string, act: () => Promise<void>): Promise<void> {
    this.#forgets += 1;
    if (this.#forgets > kmmForgetTries) throw new StepError("OKMM-IMAGE-PHANTOM", stuck(reason));
    this.#touchedAt = now();
    await act();
  }

  async #touch(): Promise<void> {
    this.#touchedAt = now();
    await this.#kmm.touch();
  }

  /** What KMM doesn't say while nothing moves; asked again every few seconds. */
  async #stalled(builds: readonly BuildObject[], missing: string): Promise<string> {
    if (missing !== this.#waitsFor) {
      [this.#waitsFor, this.#waitsSince, this.#trouble] = [missing, now(), ""];
    }
    if (now() - this.#waitsSince < stalledBuildSeconds * 1000) return this.#trouble;
    this.#waitsSince = now();
    const { namespace, module, images } = this.#step;
    const kernels = images.map(({ kernel }) => kernel);
    const trouble = await whyStalled(this.#kubectl, { namespace, module, kernels, builds });
    if (trouble?.final === true)
      throw new StepError(trouble.error, `${trouble.text}. No node was touched; ${trouble.remedy}`);
    this.#trouble = trouble === undefined ? "" : ` (${trouble.text}; ${trouble.remedy})`;
    return this.#trouble;
  }

  async #view() {
    const { namespace } = this.#step;
    const { name } = this.#kmm;
    // First: KMM tells here that an image exists after it has booked there that it is signed.
    const mic = await this.#kubectl.get<KubeObject & ModuleImagesConfig>(
      "moduleimagesconfigs.kmm.sigs.x-k8s.io",
      name,
      namespace,
    );
    const [mbsc, builds, { signed }] = await Promise.all([
      this.#kubectl.get<KubeObject & ModuleBuildSignConfig>(
        "modulebuildsignconfigs.kmm.sigs.x-k8s.io",
        name,
        namespace,
      ),
      this.#kubectl.list<KubeObject & BuildObject>(
        "builds.build.openshift.io",
        "-n",
        namespace,
        "-l",
        `${kmm.moduleNameLabel}=${name}`,
      ),
      readImageMemory(this.#kubectl, namespace),
    ]);
    // After KMM's account: what it has signed by then is pushed.
    const pushed = await this.#store.digests(this.#step.images.map(({ image }) => tagOf(image)));
    this.#oldFailures ??= new Set(builds.filter(hasFailed).map(({ metadata }) => metadata.uid));
    const oldFailures = new Set([...this.#oldFailures, ...this.#kmm.cancelled]);
    return { wanted: this.#step.images, mic, mbsc, builds, pushed, signed, oldFailures };
  }

  async #fail(build: BuildObject): Promise<never> {
    const { name, labels } = build.metadata;
    this.#logs.follow(build);
    const tail = await this.#logs.tail(build);
    const signing = labels?.[kmm.buildTypeLabel] === "SignImage";
    // Whatever keeps KMM from being stopped, the build's own failure comes first.
    const notStopped = signing ? await this.#giveUpSigning() : "";
    const target = labels?.[kmm.targetKernelLabel] ?? "a kernel";
    const kernel = this.#step.images.find((wanted) => isSameKernel(kmmKernel(wanted.kernel), target))?.kernel ?? target;
    throw new StepError(
      signing ? "OKMM-BUILD-SIGN" : "OKMM-BUILD-FAILED",
      `${signing ? "signing" : "building"} the kernel modules for ${kernel} failed ` +
        `(Build ${name}: ${whatItSays(build)}). Its log, ${this.#logs.path(build)}, ends with:\n${tail}\n` +
        `No node was touched${notStopped}. Fix the cause and run \`pulumi up\` again`,
    );
  }

  /** Answers what went wrong in it, to be added to a sentence. */
  async #giveUpSigning(): Promise<string> {
    try {
      await this.#kmm.giveUpSigning(this.#step.images);
      return "";
    } catch (error) {
      return `, but KMM keeps trying: it could not be stopped (${error instanceof Error ? error.message : String(error)})`;
    }
  }
}
