import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

export interface StepArgs {
  /** Program in `steps/` that brings the state about; run again whenever the input changes. Absent: nothing to do. */
  readonly run?: string;
  /** Program in `steps/` that undoes it, run with the input that was stored last. */
  readonly undo?: string;
  /** Given to both as JSON on stdin. No secrets in a step whose input isn't marked secret. */
  readonly input: pulumi.Input<Record<string, unknown>>;
}

/** Node from this project's own packages: the steps are TypeScript, which older Nodes on PATH can't run. */
const node = "node_modules/.bin/node";

/**
 * A bastion-side step as a resource: converges on create and on every change of its input, and undoes itself on delete.
 * The input goes through stdin, for a command's text is printed when it fails, and its arguments are seen by `ps`.
 */
export function step(name: string, args: StepArgs, options: pulumi.CustomResourceOptions): command.local.Command {
  const program = (file: string) => `${node} steps/${file}.ts`;
  return new command.local.Command(
    name,
    {
      // `create` serves changes, too: without `update` the provider runs it again.
      create: args.run === undefined ? "true" : program(args.run),
      ...(args.undo !== undefined && { delete: program(args.undo) }),
      stdin: pulumi.jsonStringify(args.input),
      // What a step printed last time, put into the next run's environment, can be too long for exec.
      addPreviousOutputInEnv: false,
      logging: "stderr",
    },
    options,
  );
}
