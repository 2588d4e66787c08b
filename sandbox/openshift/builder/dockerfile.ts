import { Arg, DockerfileParser, From, type Instruction, JSONInstruction, ModifiableInstruction } from "dockerfile-ast";
import { BuildFailure } from "./failure.ts";

/** One instruction of a stage. */
export interface Step {
  keyword: string;
  /** Everything after keyword and flags. */
  text: string;
  /** The words of the JSON (exec) form, if it is that. */
  json?: string[];
  /** `--name=value`, without the dashes. */
  flags: Record<string, string>;
}

/** `ARG NAME` or `ARG NAME=DEFAULT`. */
export interface Declaration {
  name: string;
  value?: string;
}

/** From one FROM to the next. */
export interface Stage {
  from: string;
  name?: string;
  steps: Step[];
}

/** A Dockerfile as a builder reads it. */
export interface Recipe {
  /** ARGs before the first FROM: for FROM lines, and as defaults of the stages' ARGs. */
  globals: Declaration[];
  stages: Stage[];
}

/** Reads a Dockerfile. One without FROM, or with an instruction before it other than ARG, is a failure. */
export function parseDockerfile(text: string): Recipe {
  const recipe: Recipe = { globals: [], stages: [] };
  for (const instruction of DockerfileParser.parse(text).getInstructions()) {
    const stage = recipe.stages.at(-1);
    if (instruction instanceof From) recipe.stages.push(stageOf(instruction));
    else if (stage !== undefined) stage.steps.push(stepOf(instruction));
    else if (instruction instanceof Arg) recipe.globals.push(...declarations(instruction));
    else
      throw new BuildFailure(
        "DockerBuildFailed",
        `no build stage in current context: ${instruction.getKeyword()} before FROM`,
      );
  }
  if (recipe.stages.length === 0)
    throw new BuildFailure("DockerBuildFailed", "file with no instructions: no FROM in the Dockerfile");
  return recipe;
}

/** What an ARG instruction declares. */
function declarations(instruction: Instruction): Declaration[] {
  if (!(instruction instanceof Arg)) return [];
  return instruction.getProperties().map((property) => {
    const value = property.getValue();
    return { name: property.getName(), ...(value === null ? {} : { value }) };
  });
}

function stageOf(from: From): Stage {
  const name = from.getBuildStage();
  return { from: from.getImage() ?? "", ...(name === null ? {} : { name }), steps: [] };
}

function stepOf(instruction: Instruction): Step {
  const keyword = instruction.getKeyword();
  const flags: Record<string, string> = {};
  if (instruction instanceof ModifiableInstruction) {
    for (const flag of instruction.getFlags()) flags[flag.getName()] = flag.getValue() ?? "";
  }
  const text = (instruction.getArgumentsContent() ?? "").replace(/^\s*#.*\n/gm, "").trim();
  const json = instruction instanceof JSONInstruction ? jsonWords(text) : undefined;
  return { keyword, text, flags, ...(json === undefined ? {} : { json }) };
}

/** The exec form is JSON; whatever isn't a list of strings is the shell form. */
function jsonWords(text: string): string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const words: unknown = JSON.parse(text);
    return Array.isArray(words) && words.every((word) => typeof word === "string") ? words : undefined;
  } catch {
    return undefined;
  }
}

/** The declarations in a stage's ARG step. */
export function argumentsOf(step: Step): Declaration[] {
  return DockerfileParser.parse(`ARG ${step.text}`).getInstructions().flatMap(declarations);
}

/** Names and values of an ENV or LABEL step, unexpanded. */
export function pairsOf(step: Step): [string, string][] {
  const pairs = [...step.text.matchAll(/([^\s=]+)=("(?:\\.|[^"\\])*"|'[^']*'|\S*)/g)];
  if (pairs.length > 0) return pairs.map(([, name = "", value = ""]) => [name, value.replace(/^(["'])(.*)\1$/s, "$2")]);
  // The old form: ENV NAME the rest of the line
  const [name = "", ...rest] = step.text.split(/\s+/);
  return [[name, rest.join(" ")]];
}
