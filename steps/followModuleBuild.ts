/**
 * Follows KMM's build and signing of the kmod images to their end, after each change of the Module: facts observed on KMM
 * are in docs/kmm.md.
 */
import { followModuleBuild } from "../core/contracts/followModuleBuild.ts";
import { ImageRound } from "./build/imageRound.ts";
import { KmmRounds } from "./build/kmmRounds.ts";
import { connect } from "./cluster/kubectl.ts";
import { readPolicy } from "./cluster/policy.ts";
import { runStep } from "./lib/step.ts";

await runStep(followModuleBuild, async (step) => {
  const kubectl = await connect(step.cluster);
  const { build } = await readPolicy(kubectl, step.namespace);
  const round = new ImageRound(kubectl, step, new KmmRounds(kubectl, step));
  try {
    return { version: step.version, images: await round.follow(build) };
  } finally {
    round.stop();
  }
});
