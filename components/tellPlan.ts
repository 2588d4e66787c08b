import * as pulumi from "@pulumi/pulumi";
import { cleanText } from "../core/text.ts";
import type { Remade } from "../core/cluster/ownObjects.ts";
import type { ModuleTarget } from "../core/node/nodeState.ts";
import { planSummary, type PlanView } from "../core/node/planSummary.ts";
import type { ListedNode } from "./onloadNodes.ts";

/** What the sentences are made from, except what is to be loaded. */
interface Plan extends Omit<PlanView, "nodes" | "target"> {
  readonly listed: readonly ListedNode[];
  readonly remade: Remade;
}

/** Has a preview end with what will happen to the nodes, in sentences. */
export function tellPlan({ listed, remade, ...plan }: Plan, target: pulumi.Output<ModuleTarget>): void {
  if (!pulumi.runtime.isDryRun()) return;
  const tell = (known: ModuleTarget | undefined) => {
    const lines = planSummary({ ...plan, nodes: listed, target: known });
    void pulumi.log.info(
      ["What will happen to the nodes:", ...lines.map((line) => `  - ${cleanText(line)}`)].join("\n"),
    );
  };
  // A preview doesn't know the certificate of a key pair that is yet to be made, nor the UID of such a namespace.
  if (plan.key !== "kept" || remade.namespace?.isGone === true) tell(undefined);
  else target.apply(tell);
}
