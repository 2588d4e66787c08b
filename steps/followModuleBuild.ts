/**
 * Follows KMM's build and signing of the kmod images to their end, after each change of the Module: facts observed on KMM
 * are in docs/kmm.md.
 */
import { z } from "zod";
import { ImageRound } from "./build/imageRound.ts";
import { KmmRounds } from "./build/kmmRounds.ts";
import { connect } from "./cluster/kubectl.ts";
import { readPolicy } from "./cluster/policy.ts";
import { clusterSchema, runStep } from "./lib/step.ts";

const input = z.object({
  cluster: clusterSchema,
  namespace: z.string(),
  module: z.string(),
  /** The Module's `version`; passed on to whoever waits for the images. */
  version: z.string(),
  images: z.array(z.object({ kernel: z.string(), image: z.string() })),
  logDirectory: z.string(),
});

await runStep(input, async (step) => {
  const kubectl = await connect(step.cluster);
  const { build } = await readPolicy(kubectl, step.namespace);
  const round = new ImageRound(kubectl, step, new KmmRounds(kubectl, step));
  try {
    return { version: step.version, images: await round.follow(build) };
  } finally {
    round.stop();
  }
});
