import * as pulumi from "@pulumi/pulumi";
import { guardDestroy } from "../core/contracts/guardDestroy.ts";
import { childOf, type StackArgs } from "./options.ts";
import { step } from "./step.ts";

interface GuardArgs extends Pick<StackArgs, "cluster"> {
  /** Whether the engine refuses to delete the signing key, which it would do last of all. */
  readonly keyIsProtected?: boolean;
}

/**
 * Deleted before the objects that it depends on: refuses where the context leads to another cluster. The provider itself
 * never checks which cluster answers, and `destroy` doesn't run the program. Each component has one as soon as its objects
 * exist, because a stack that was never finished lacks the last one of all (index.ts).
 */
export function guard(
  name: string,
  { cluster, keyIsProtected = false }: GuardArgs,
  objects: readonly pulumi.Resource[],
  parent: pulumi.Resource,
): void {
  // Whatever is to be deleted has this in its way.
  step(`${name}-guard`, { undo: guardDestroy }, { cluster, keyIsProtected }, childOf(parent, [...objects]));
}

/** The stack's own, created last and so deleted first: on another cluster, or with a key that must stay, `destroy` ends here. */
export function guardStack(
  { cluster, keyIsProtected }: Required<GuardArgs>,
  everything: readonly pulumi.Resource[],
): void {
  step("guard", { undo: guardDestroy }, { cluster, keyIsProtected }, { dependsOn: [...everything] });
}
