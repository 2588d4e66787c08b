/**
 * Has KMM build and sign for a kernel before any node boots into it, and follows that like every build: by a
 * PreflightValidationOCP, which is gone when the step ends.
 */
import type { InputOf } from "../core/contracts/contract.ts";
import { buildNextKernel } from "../core/contracts/buildNextKernel.ts";
import { tagOf } from "../core/build/imageTag.ts";
import { readImageMemory } from "./build/imageMemory.ts";
import { ImageRound } from "./build/imageRound.ts";
import { storeOf } from "./build/imageStore.ts";
import { connect, type Kubectl } from "./cluster/kubectl.ts";
import { readPolicy } from "./cluster/policy.ts";
import { PreflightRounds } from "./build/preflightRounds.ts";
import { progress, runStep } from "./lib/step.ts";

type Input = InputOf<typeof buildNextKernel>;

await runStep(buildNextKernel, async (step) => {
  const { kernel, image } = step;
  const kubectl = await connect(step.cluster);
  const digest = (await knownDigest(kubectl, step)) ?? (await build(kubectl, step));
  progress(`kernel ${kernel}: the image is there and signed; nodes may be upgraded to it`);
  return { kernel, image, digest };
});

/** The digest of an image that is there, and known to be signed. */
async function knownDigest(kubectl: Kubectl, { namespace, image }: Input): Promise<string | undefined> {
  const { signed } = await readImageMemory(kubectl, namespace);
  const { [tagOf(image)]: digest } = await storeOf(kubectl, namespace, image).digests([tagOf(image)]);
  return digest !== undefined && signed[tagOf(image)] === digest ? digest : undefined;
}

async function build(kubectl: Kubectl, step: Input): Promise<string> {
  const policy = await readPolicy(kubectl, step.namespace);
  const subject = { ...step, images: [step] };
  const rounds = new PreflightRounds(kubectl, subject);
  const round = new ImageRound(kubectl, subject, rounds);
  try {
    await rounds.begin();
    const [built] = await round.follow(policy.build);
    if (built === undefined) throw new Error("a build of one image ended without it");
    return built.digest;
  } finally {
    round.stop();
    await rounds.stop();
  }
}
