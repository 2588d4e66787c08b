import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";

export interface StepArgs {
  /** Program in `steps/` that brings the state about; run again whenever the input changes. Absent: nothing to do. */
  readonly run?: string;
  /** Program in `steps/` that undoes it, run with the input that was stored last. */
  readonly undo?: string;
  /** Whether a changed step is told what it answered last, as PULUMI_COMMAND_STDOUT: for short answers only. */
  readonly remembers?: boolean;
  /** Given to both as JSON on stdin. No secrets in a step whose input isn't marked secret. */
  readonly input: pulumi.Input<Record<string, unknown>>;
}

/**
 * The command line of a program in `steps/`, with the Node of this project's own packages: older ones on PATH can't run
 * TypeScript. `exec`, since Ctrl-C kills the command's shell and nothing below it.
 */
export const stepCommand = (program: string): string => `exec node_modules/.bin/node steps/${program}.ts`;

/**
 * A bastion-side step as a resource: converges on create and on every change of its input, and undoes itself on delete.
 * The input goes through stdin, for a command's text is printed when it fails, and its arguments are seen by `ps`.
 */
export function step(name: string, args: StepArgs, options: pulumi.CustomResourceOptions): command.local.Command {
  return new command.local.Command(
    name,
    {
      // `create` serves changes, too: without `update` the provider runs it again.
      create: args.run === undefined ? "true" : stepCommand(args.run),
      ...(args.undo !== undefined && { delete: stepCommand(args.undo) }),
      stdin: pulumi.jsonStringify(args.input),
      // What a step printed last time, put into the next run's environment, can be too long for exec.
      addPreviousOutputInEnv: args.remembers ?? false,
      logging: "stderr",
    },
    options,
  );
}
