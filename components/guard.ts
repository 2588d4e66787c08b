import * as pulumi from "@pulumi/pulumi";
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
  // Deleted before everything that it depends on.
  step(`${name}-guard`, { undo: "guardDestroy", input: { cluster, keyIsProtected } }, childOf(parent, [...objects]));
}
