import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { inputVariable } from "../core/names.ts";

export interface StepArgs {
  /** Program in `steps/` that brings the state about; run again whenever the input changes. Absent: nothing to do. */
  readonly run?: string;
  /** Program in `steps/` that undoes it, run with the input that was stored last. */
  readonly undo?: string;
  /** Whether a changed step is told what it answered last, as PULUMI_COMMAND_STDOUT: for short answers only. */
  readonly remembers?: boolean;
  /** Given to both in the environment, where `preview --diff` shows each member, old and new. Nothing secret. */
  readonly input: pulumi.Input<Record<string, unknown>>;
  /** Given to both on stdin, beside `input`: members with secrets, marked as such. */
  readonly secrets?: pulumi.Input<Record<string, unknown>>;
}

/**
 * The command line of a program in `steps/`, with the Node of this project's own packages: older ones on PATH can't run
 * TypeScript. `exec`, since Ctrl-C kills the command's shell and nothing below it.
 */
export const stepCommand = (program: string): string => `exec node_modules/.bin/node steps/${program}.ts`;

/**
 * A bastion-side step as a resource: converges on create and on every change of its input, and undoes itself on delete.
 * No input is in the command's text, which is printed when it fails, and no secret in its environment, which `ps` shows.
 */
export function step(name: string, args: StepArgs, options: pulumi.CustomResourceOptions): command.local.Command {
  return new command.local.Command(
    name,
    {
      // `create` serves changes, too: without `update` the provider runs it again.
      create: args.run === undefined ? "true" : stepCommand(args.run),
      ...(args.undo !== undefined && { delete: stepCommand(args.undo) }),
      environment: { [inputVariable]: pulumi.jsonStringify(args.input) },
      ...(args.secrets !== undefined && { stdin: pulumi.jsonStringify(args.secrets) }),
      // What a step printed last time, put into the next run's environment, can be too long for exec.
      addPreviousOutputInEnv: args.remembers ?? false,
      logging: "stderr",
    },
    options,
  );
}
