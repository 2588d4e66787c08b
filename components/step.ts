import * as command from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { readAnswer, type Answering, type Contract } from "../core/contracts/contract.ts";
import { inputVariable } from "../core/names.ts";

/** What a step does, each by a program in `steps/`. */
interface Programs<Run, Answer, Undo> {
  /** Brings the state about; run again whenever the input changes. Absent: nothing to do. */
  readonly run?: Contract<Run, Answer>;
  /** Undoes it, run with the input that was stored last. */
  readonly undo?: Contract<Undo, unknown>;
}

/** An input of which every part may be known later. */
type Given<Input> = { readonly [Key in keyof Input]: Later<Input[Key]> };
type Later<Value> = pulumi.Input<Value> | (Value extends object ? Given<Value> : never);

/**
 * The command line of a program in `steps/`, with the Node of this project's own packages: older ones on PATH can't run
 * TypeScript. `exec`, since Ctrl-C kills the command's shell and nothing below it.
 */
const commandOf = ({ program }: Answering<unknown>): string => `exec node_modules/.bin/node steps/${program}.ts`;

/**
 * A bastion-side step as a resource: converges on create and on every change of its input, and undoes itself on delete.
 * No input is in the command's text, which is printed when it fails, and no secret in its environment, which `ps` shows.
 *
 * @param input what the contracts ask for, both where there are two; their `secrets` go through stdin
 */
export function step<Run = unknown, Answer = never, Undo = unknown>(
  name: string,
  { run, undo }: Programs<Run, Answer, Undo>,
  input: Given<NoInfer<Run & Undo>>,
  options: pulumi.CustomResourceOptions,
): Step<Answer> {
  const secrets: readonly string[] = [...(run?.secrets ?? []), ...(undo?.secrets ?? [])];
  const [hidden, seen] = parted(input, (key) => secrets.includes(key));
  const args = {
    // `create` serves changes, too: without `update` the provider runs it again.
    create: run === undefined ? "true" : commandOf(run),
    ...(undo !== undefined && { delete: commandOf(undo) }),
    environment: { [inputVariable]: pulumi.jsonStringify(seen) },
    ...(secrets.length > 0 && { stdin: pulumi.jsonStringify(hidden) }),
    // What a step printed last time, put into the next run's environment, can be too long for exec.
    addPreviousOutputInEnv: run?.remembers ?? false,
    logging: "stderr",
  } as const;
  return new Step(name, args, options, run);
}

/** A step's resource, which knows what the step answered. */
export class Step<Answer> extends command.local.Command {
  readonly #terms: Answering<Answer> | undefined;

  constructor(
    name: string,
    args: command.local.CommandArgs,
    options: pulumi.CustomResourceOptions,
    terms: Answering<Answer> | undefined,
  ) {
    super(name, args, options);
    this.#terms = terms;
  }

  /** What the step answered last; checked where somebody asks for it only, for a state may be older than its contract. */
  get answer(): pulumi.Output<Answer> {
    const terms = this.#terms;
    if (terms === undefined) throw new Error("a step that does nothing on create answers nothing");
    return this.stdout.apply((printed) => understood(terms, printed));
  }
}

/** Runs a step that only looks, and at once: in `preview` too. Its input is no resource's, and so not in state. */
export async function look<Input, Answer>(contract: Contract<Input, Answer>, input: NoInfer<Input>): Promise<Answer> {
  const { stdout } = await command.local.run({
    command: commandOf(contract),
    stdin: JSON.stringify(input),
    // As in main.js: half of its start is compiling it. Other steps' environments stand in state, and stay as they are.
    environment: { NODE_COMPILE_CACHE: "node_modules/.cache/compiled" },
    // Else its findings are printed with each preview.
    logging: "none",
  });
  return understood(contract, stdout);
}

/** @throws pulumi.RunError, which is printed without a stack trace, when it is no answer of that step */
function understood<Answer>(terms: Answering<Answer>, printed: string): Answer {
  try {
    return readAnswer(terms, printed);
  } catch (error) {
    throw new pulumi.RunError((error as Error).message);
  }
}

/** An object's members that are chosen, and the others, each in their order. */
function parted(input: object, isChosen: (key: string) => boolean): [object, object] {
  const members: [string, unknown][] = Object.entries(input);
  return [
    Object.fromEntries(members.filter(([key]) => isChosen(key))),
    Object.fromEntries(members.filter(([key]) => !isChosen(key))),
  ];
}
