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

/** What a component with objects in the cluster also needs to know. */
export interface OwnerArgs extends StackArgs {
  /** Which of the stack's objects somebody deleted, so that they are created again. */
  readonly remade: Remade;
}

/** Options of a resource inside a component, with the reason for its extra edges in the caller's comment. */
export const childOf = (
  parent: pulumi.Resource,
  dependsOn: pulumi.Input<pulumi.Resource>[] = [],
): pulumi.CustomResourceOptions => ({ parent, dependsOn });

/**
 * As {@link childOf}, for somebody's Secret that is read: `kubectl apply` leaves a copy of its content in an
 * annotation, which state would otherwise hold in plain text.
 */
export const secretReadBy = (parent: pulumi.Resource): pulumi.CustomResourceOptions => ({
  parent,
  additionalSecretOutputs: ["metadata"],
});

/** As {@link childOf}, for an object that is created again if somebody deleted it. */
export function ownChildOf(
  parent: pulumi.Resource,
  remake: Remake | undefined,
  dependsOn: pulumi.Input<pulumi.Resource>[] = [],
): pulumi.CustomResourceOptions {
  return {
    ...childOf(parent, dependsOn),
    // Never absent: the engine only compares two values.
    replacementTrigger: remake?.since ?? "",
    // Otherwise the old object's deletion would come last and delete the new one: both have the same name.
    ...(remake?.isGone === true && { deleteBeforeReplace: true }),
  };
}
