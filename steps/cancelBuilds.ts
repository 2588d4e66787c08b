/** Cancels the builds that a selector finds and that still run, so that nothing is pushed after its stack is gone. */
import { z } from "zod";
import { cancelBuilds } from "./build/builds.ts";
import { connect } from "./cluster/kubectl.ts";
import { clusterSchema, runStep } from "./lib/step.ts";

const input = z.object({ cluster: clusterSchema, namespace: z.string(), selector: z.string() });

await runStep(input, async ({ cluster, namespace, selector }) => {
  return { cancelled: await cancelBuilds(await connect(cluster), namespace, selector) };
});
