import type * as pulumi from "@pulumi/pulumi";

/** What every component needs to know of the stack it belongs to. */
export interface StackArgs {
  /** The stack's name: the value of our label on everything, and the owner of Leases. */
  readonly stack: string;
  /** Which cluster the steps may touch; `id` is checked by each of them. */
  readonly cluster: { readonly kubeconfig: string; readonly context: string; readonly id: string };
}

/** Options of a resource inside a component, with the reason for its extra edges in the caller's comment. */
export const childOf = (
  parent: pulumi.Resource,
  dependsOn: pulumi.Input<pulumi.Resource>[] = [],
): pulumi.CustomResourceOptions => ({ parent, dependsOn });
