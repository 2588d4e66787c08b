import * as pulumi from "@pulumi/pulumi";
import { childOf, type StackArgs } from "./options.ts";
import { step } from "./step.ts";

interface GuardArgs extends Pick<StackArgs, "cluster"> {
  /** Whether the engine refuses to delete the signing key, which it would do last of all. */
  readonly keyIsProtected?: boolean;
}

/**
 * Deleted before the objects that it depends on: refuses where the context leads to another cluster. The provider itself
 * never looks which cluster answers, and `destroy` doesn't run the program. Each component has one as soon as its objects
 * are there, for a stack that was never finished lacks the one that comes last of all (index.ts).
 */
export function guard(
  name: string,
  { cluster, keyIsProtected = false }: GuardArgs,
  objects: readonly pulumi.Resource[],
  parent: pulumi.Resource,
): void {
  // Whatever is to be deleted has this in its way.
  step(`${name}-guard`, { undo: "guardDestroy", input: { cluster, keyIsProtected } }, childOf(parent, [...objects]));
}
