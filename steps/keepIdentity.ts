/**
 * What a stack is for life: its name, its cluster and its namespace. Nodes are selected by the first and loaded from the
 * last; were one changed under a stack, all of its nodes would be unloaded at once, or stay as they are on a cluster that
 * nobody looks after any more.
 */
import { keepIdentity } from "../core/contracts/keepIdentity.ts";
import { connect } from "./cluster/kubectl.ts";
import { runStep, StepError } from "./lib/step.ts";

await runStep(keepIdentity, async ({ stack, namespace, cluster }, was) => {
  await connect(cluster);
  const now = { stack, namespace, cluster: cluster.id };
  if (was === undefined) return now;
  const changes = (["stack", "namespace", "cluster"] as const).filter((part) => was[part] !== now[part]);
  if (changes.length === 0) return now;
  const what = changes.map((part) => `its ${part} was ${was[part]} and is ${now[part]} now`).join(", ");
  throw new StepError(
    "OKMM-STACK-MOVED",
    `a stack keeps its name, cluster and namespace for life: ${what}; nothing was changed. Set it back, or run \`pulumi destroy\` ` +
      "with the old settings first",
  );
});
