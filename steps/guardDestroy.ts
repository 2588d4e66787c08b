/** Deleted before everything else of a stack: refuses where the context leads to another cluster. */
import { z } from "zod";
import { connect } from "./lib/kubectl.ts";
import { clusterSchema, progress, runStep } from "./lib/step.ts";

await runStep(z.object({ cluster: clusterSchema }), async ({ cluster }) => {
  await connect(cluster);
  progress(`this is the stack's own cluster, ${cluster.id}`);
  return {};
});
