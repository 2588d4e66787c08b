import * as pulumi from "@pulumi/pulumi";
import type { Remade } from "../core/cluster/ownObjects.ts";
import type { ModuleTarget } from "../core/node/nodeState.ts";
import { planSummary, type PlanView } from "../core/node/planSummary.ts";
import type { ListedNode } from "./onloadNodes.ts";

/** What the sentences are made from, except what is to be loaded. */
interface Plan extends Omit<PlanView, "nodes" | "target"> {
  readonly listed: readonly ListedNode[];
  readonly remade: Remade;
}

/** What a preview may know already, or not. */
interface ToCome {
  readonly target: pulumi.Output<ModuleTarget>;
  readonly certificate: pulumi.Output<string>;
}

/**
 * Has a preview end with what will happen to the nodes, in sentences. A certificate that the preview doesn't know is
 * another one, even where the configuration is the same: `--replace` names it, or the state that held it is lost.
 */
export function tellPlan({ listed, remade, ...plan }: Plan, { target, certificate }: ToCome): void {
  if (!pulumi.runtime.isDryRun()) return;
  pulumi.output(isKnown(certificate)).apply((sameKey) => {
    const key = plan.key === "kept" && !sameKey ? "another" : plan.key;
    const tell = (known: ModuleTarget | undefined) => {
      const lines = planSummary({ ...plan, key, nodes: listed, target: known });
      void pulumi.log.info(["What will happen to the nodes:", ...lines.map((line) => `  - ${line}`)].join("\n"));
    };
    // A preview doesn't know the UID of a namespace that is yet to be made, either.
    if (key !== "kept" || remade.namespace?.isGone === true) tell(undefined);
    else target.apply(tell);
  });
}

/** The SDK's types leave out what each output has: whether a preview knows its value. */
const isKnown = (output: pulumi.Output<unknown>): Promise<boolean> =>
  (output as unknown as { readonly isKnown: Promise<boolean> }).isKnown;
