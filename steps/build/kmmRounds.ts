import { isSameKernel, stemOf, tagOf } from "../../core/build/imageTag.ts";
import type { BuildVerdict, WantedImage } from "../../core/build/moduleBuild.ts";
import { annotations, kmm } from "../../core/names.ts";
import { kmmRestLooks, kmmRestLookSeconds, kmmStopTries } from "../../core/patience.ts";
import { cancelBuilds } from "./builds.ts";
import { sleep, timestamp } from "../lib/clock.ts";
import { readImageMemory, rememberSpoilt } from "./imageMemory.ts";
import { storeOf } from "./imageStore.ts";
import { readFeatures } from "../cluster/kmmFeatures.ts";
import type { RollNode } from "../../core/node/nodeState.ts";
import type { Kubectl, KubeObject } from "../cluster/kubectl.ts";
import { StepError } from "../lib/step.ts";

interface Subject {
  readonly namespace: string;
  readonly module: string;
}

/** What makes KMM end a round of building and signing, forget what it believes, and look again. */
export class KmmRounds {
  readonly #kubectl: Kubectl;
  readonly #subject: Subject;
  readonly #cancelled = new Set<string>();

  constructor(kubectl: Kubectl, subject: Subject) {
    this.#kubectl = kubectl;
    this.#subject = subject;
  }

  /** Name of KMM's own objects of these rounds. */
  get name(): string {
    return this.#subject.module;
  }

  /** UIDs of the Builds that were cancelled to end a round: their end is no failure. */
  get cancelled(): ReadonlySet<string> {
    return this.#cancelled;
  }

  /** Takes the round's ModuleBuildSignConfig (MBSC) away, and with it what a later tag could inherit from. */
  async endRound(): Promise<void> {
    await this.#delete("modulebuildsignconfigs.kmm.sigs.x-k8s.io");
  }

  /** KMM doesn't watch the ModuleImagesConfig's (MIC) deletion, but any change of the Module makes it look again. */
  async touch(): Promise<void> {
    const { namespace, module } = this.#subject;
    const touch = `${annotations.retry}=${timestamp()}`;
    await this.#kubectl.run(["annotate", "modules.kmm.sigs.x-k8s.io", module, "-n", namespace, touch, "--overwrite"]);
  }

  async forget(): Promise<void> {
    await this.stop();
    await this.touch();
  }

  /**
   * KMM answers a failed signing with another build, for ever. Stopped, it has nothing to do until the Module is touched,
   * which the next `up` does; but a change of the MIC that it has yet to look at makes it begin once more. An image that
   * stands unsigned under its final tag is taken away before anything pulls it.
   *
   * @throws StepError when KMM begins again each time
   */
  async giveUpSigning(images: readonly WantedImage[]): Promise<void> {
    for (let tries = 0; tries < kmmStopTries; tries += 1) {
      await this.stop();
      if (await this.#signsInPlace()) await this.#spoil(images);
      if (await this.#isAtRest()) return;
    }
    throw new StepError("OKMM-BUILD-ENDLESS", `KMM started to build again ${kmmStopTries} times`);
  }

  /** @throws StepError where the tag must not be used again */
  async takeAway({ images, reason }: BuildVerdict & { kind: "distrust" }): Promise<void> {
    await this.stop();
    if ((await this.#signsInPlace()) && (await this.#spoil(images))) {
      throw new StepError(
        "OKMM-IMAGE-DISTRUSTED",
        `${reason}; it was removed, and because a node may have it, its tag isn't used again. No node was touched; run ` +
          "`pulumi up` again, which builds it under a new tag",
      );
    }
    for (const wanted of images) await this.#remove(wanted, reason);
    await this.touch();
  }

  /** A tag that the registry keeps would be believed again and again: it is left behind. */
  async #remove({ image, kernel }: WantedImage, reason: string): Promise<void> {
    const { namespace } = this.#subject;
    if (await storeOf(this.#kubectl, namespace, image).remove(tagOf(image))) return;
    await rememberSpoilt(this.#kubectl, namespace, stemOf(image, kernel));
    throw new StepError(
      "OKMM-IMAGE-DISTRUSTED",
      `${reason}, and the registry refuses to delete it, so its tag isn't used again. No node was touched; run ` +
        "`pulumi up` again, which builds it under a new tag",
    );
  }

  /**
   * The MIC first: as long as it is there KMM makes the MBSC again, with everything that it took for true. Builds last: KMM would
   * answer one that is cancelled, and one that runs on keeps it from building for as long as it takes.
   */
  async stop(): Promise<void> {
    await this.#delete("moduleimagesconfigs.kmm.sigs.x-k8s.io");
    await this.endRound();
    const ended = await cancelBuilds(this.#kubectl, this.#subject.namespace, `${kmm.moduleNameLabel}=${this.name}`);
    ended.forEach((uid) => this.#cancelled.add(uid));
  }

  /** Whether no MIC comes back for as long as KMM takes to look at what changed before. */
  async #isAtRest(): Promise<boolean> {
    const { namespace } = this.#subject;
    for (let looks = 0; looks < kmmRestLooks; looks += 1) {
      await sleep(kmmRestLookSeconds * 1000);
      const mic = await this.#kubectl.get("moduleimagesconfigs.kmm.sigs.x-k8s.io", this.name, namespace);
      if (mic !== undefined) return false;
    }
    return true;
  }

  /** Asked when it matters: KMM may be upgraded while a build is followed. */
  async #signsInPlace(): Promise<boolean> {
    return (await readFeatures(this.#kubectl)).signsInPlace;
  }

  /**
   * Takes images away that stand unsigned under their final tag; answers whether a node may have pulled one, so that the tag
   * must not be used again. That is remembered first: a run that is cut in between must not trust it. Nobody pulls the image
   * for a kernel that no node runs, and a new tag for it would reload all nodes.
   */
  async #spoil(images: readonly WantedImage[]): Promise<boolean> {
    const { namespace } = this.#subject;
    let isSpoilt = false;
    const { signed } = await readImageMemory(this.#kubectl, namespace);
    for (const { image, kernel } of images) {
      const tag = tagOf(image);
      const store = storeOf(this.#kubectl, namespace, image);
      const { [tag]: digest } = await store.digests([tag]);
      if (digest === undefined || signed[tag] === digest) continue;
      const spoil = async (): Promise<void> => {
        isSpoilt = true;
        await rememberSpoilt(this.#kubectl, namespace, stemOf(image, kernel));
      };
      const isOnNodes = await this.#isOnNodes(kernel);
      if (isOnNodes) await spoil();
      const isRemoved = await store.remove(tag);
      // A node may have booted it meanwhile.
      if (!isOnNodes && (!isRemoved || (await this.#isOnNodes(kernel)))) await spoil();
    }
    return isSpoilt;
  }

  async #isOnNodes(kernel: string): Promise<boolean> {
    const nodes = await this.#kubectl.list<KubeObject & RollNode>("nodes");
    return nodes.some(({ status }) => isSameKernel(status.nodeInfo.kernelVersion, kernel));
  }

  async #delete(kind: string): Promise<void> {
    const where = ["-n", this.#subject.namespace, "--ignore-not-found", "--wait=false"];
    await this.#kubectl.run(["delete", kind, this.name, ...where]);
  }
}
