/** Cancels the builds that a selector finds and that still run, so that nothing is pushed after its stack is gone. */
import { cancelBuilds as contract } from "../core/contracts/cancelBuilds.ts";
import { cancelBuilds } from "./build/builds.ts";
import { connect } from "./cluster/kubectl.ts";
import { runStep } from "./lib/step.ts";

await runStep(contract, async ({ cluster, namespace, selector }) => {
  const cancelled = await cancelBuilds(await connect(cluster), namespace, selector);
  return { cancelled: cancelled.length };
});
