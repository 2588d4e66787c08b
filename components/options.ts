import type * as pulumi from "@pulumi/pulumi";
import type { ClusterAccess } from "../core/cluster/clusterAccess.ts";
import type { Remade, Remake } from "../core/cluster/ownObjects.ts";

/** What every component needs to know of the stack it belongs to. */
export interface StackArgs {
  /** The stack's name: the value of our label on everything, and the owner of Leases. */
  readonly stack: string;
  /** Which cluster the steps may touch; `id` is checked by each of them. */
  readonly cluster: ClusterAccess;
}

/** What a component with objects in the cluster needs to know, too. */
export interface OwnerArgs extends StackArgs {
  /** Which of the stack's objects somebody deleted, so that they are made again. */
  readonly remade: Remade;
}

/** Options of a resource inside a component, with the reason for its extra edges in the caller's comment. */
export const childOf = (
  parent: pulumi.Resource,
  dependsOn: pulumi.Input<pulumi.Resource>[] = [],
): pulumi.CustomResourceOptions => ({ parent, dependsOn });

/**
 * As {@link childOf}, of somebody's Secret that is read: who made it by `kubectl apply` has a copy of its content in an
 * annotation, which the state would else hold in plain text.
 */
export const secretReadBy = (parent: pulumi.Resource): pulumi.CustomResourceOptions => ({
  parent,
  additionalSecretOutputs: ["metadata"],
});

/** As {@link childOf}, of an object that is made again where somebody deleted it. */
export function ownChildOf(
  parent: pulumi.Resource,
  remake: Remake | undefined,
  dependsOn: pulumi.Input<pulumi.Resource>[] = [],
): pulumi.CustomResourceOptions {
  return {
    ...childOf(parent, dependsOn),
    // Never absent: the engine compares two values only.
    replacementTrigger: remake?.since ?? "",
    // The deletion of the old object, which comes last otherwise, would hit the new one: both have one name.
    ...(remake?.isGone === true && { deleteBeforeReplace: true }),
  };
}
