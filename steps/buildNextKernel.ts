/**
 * Has KMM build and sign for a kernel before any node boots into it, and follows that like every build: by a
 * PreflightValidationOCP, which is gone when the step ends.
 */
import { z } from "zod";
import { tagOf } from "../core/build/imageTag.ts";
import { readImageMemory } from "./build/imageMemory.ts";
import { ImageRound } from "./build/imageRound.ts";
import { storeOf } from "./build/imageStore.ts";
import { connect, type Kubectl } from "./cluster/kubectl.ts";
import { readPolicy } from "./cluster/policy.ts";
import { PreflightRounds } from "./build/preflightRounds.ts";
import { clusterSchema, progress, runStep } from "./lib/step.ts";

const input = z.object({
  cluster: clusterSchema,
  namespace: z.string(),
  module: z.string(),
  /** As `uname -r` will print it. */
  kernel: z.string(),
  image: z.string(),
  /** The Driver Toolkit's image for this kernel. */
  driverToolkit: z.string().optional(),
  logDirectory: z.string(),
});
type Input = z.infer<typeof input>;

await runStep(input, async (step) => {
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

async function build(kubectl: Kubectl, step: Input): Promise<string | undefined> {
  const policy = await readPolicy(kubectl, step.namespace);
  const subject = { ...step, images: [step] };
  const rounds = new PreflightRounds(kubectl, subject);
  const round = new ImageRound(kubectl, subject, rounds);
  try {
    await rounds.begin();
    const [built] = await round.follow(policy.build);
    return built?.digest;
  } finally {
    round.stop();
    await rounds.stop();
  }
}
