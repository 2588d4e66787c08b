/**
 * Deleted before everything else of a stack: refuses where the context leads to another cluster, and where the signing key
 * must not be deleted: the engine itself refuses that only at the key, when all nodes are unloaded.
 */
import { guardDestroy } from "../core/contracts/guardDestroy.ts";
import { connect } from "./cluster/kubectl.ts";
import { progress, runStep, StepError } from "./lib/step.ts";

await runStep(guardDestroy, async ({ cluster, keyIsProtected = false }) => {
  await connect(cluster);
  progress(`this is the stack's own cluster, ${cluster.id}`);
  if (!keyIsProtected) return {};
  throw new StepError(
    "OKMM-KEY-PROTECTED",
    "onload-kmm:signing.protect is true: the signing key must not be deleted; nothing was deleted. To destroy it with " +
      "everything else, run `pulumi config set --path onload-kmm:signing.protect false`, `pulumi up`, and then `pulumi destroy`",
  );
});
