/**
 * What a stack is for life: its name, its cluster and its namespace. Nodes are selected by the first and loaded from the
 * last; were one changed under a stack, all of its nodes would be unloaded at once, or stay as they are on a cluster that
 * nobody looks after any more.
 */
import { z } from "zod";
import { connect } from "./cluster/kubectl.ts";
import { clusterSchema, runStep, StepError } from "./lib/step.ts";

const identity = z.object({ stack: z.string(), namespace: z.string(), cluster: z.string() });
const input = identity.extend({ cluster: clusterSchema });

await runStep(input, async ({ stack, namespace, cluster }) => {
  await connect(cluster);
  const now = { stack, namespace, cluster: cluster.id };
  // What this step answered last (pulumi-command's documentation, "addPreviousOutputInEnv"); absent at the first time.
  const before = process.env["PULUMI_COMMAND_STDOUT"] ?? "";
  if (before === "") return now;
  const was = identity.parse(JSON.parse(before));
  const changes = (["stack", "namespace", "cluster"] as const).filter((part) => was[part] !== now[part]);
  if (changes.length === 0) return now;
  const what = changes.map((part) => `its ${part} was ${was[part]} and is ${now[part]} now`).join(", ");
  throw new StepError(
    "OKMM-STACK-MOVED",
    `a stack keeps its name, cluster and namespace for life: ${what}; nothing was changed. Set it back, or run \`pulumi destroy\` ` +
      "with the old settings first",
  );
});
