import { randomBytes } from "node:crypto";
import { RegistryRefusal } from "../outsideRegistry.ts";
import type { ImageConfig, ImageContent, ImageRecord } from "../registry.ts";
import { argumentsOf, pairsOf, type Recipe, type Stage, type Step } from "./dockerfile.ts";
import { BuildFailure } from "./failure.ts";
import { absolute, copy, type Files } from "./files.ts";
import { CommandFailure } from "./kmodScripts.ts";
import { runExec, runShell } from "./shell.ts";
import { expand, type Variables } from "./variables.ts";

/** What a build works with. */
export interface BuildInput {
  recipe: Recipe;
  buildArgs: Variables;
  context: Files;
  mounts: ReadonlyMap<string, Buffer>;
  /** The image behind a pull spec; undefined, or rejected with the registry's words, when it can't be had. */
  pull: (reference: string) => Promise<ImageRecord | undefined>;
  say: (line: string) => void;
  /** Called before each step, for time to pass, a cancellation to come through, or a switch to make the step fail. */
  pace: (step: string) => Promise<void>;
}

/** A stage under way, and later its result. */
interface Stand {
  files: Files;
  config: ImageConfig;
  args: Record<string, string>;
}

/** Builds every stage in turn; the last one is the image. Throws a BuildFailure. */
export async function buildImage(input: BuildInput): Promise<Omit<ImageContent, "createdBy">> {
  const globals = globalArguments(input);
  const done: { stage: Stage; stand: Stand }[] = [];
  const used = new Set(Object.keys(globals));
  for (const [index, stage] of input.recipe.stages.entries()) {
    const prefix = input.recipe.stages.length > 1 ? `[${index + 1}/${input.recipe.stages.length}] ` : "";
    const from = expand(stage.from, globals);
    const total = stage.steps.length + 1;
    input.say(`${prefix}STEP 1/${total}: FROM ${from}${stage.name === undefined ? "" : ` AS ${stage.name}`}`);
    const stand = await startingPoint(from, stage, { input, done });
    for (const [at, step] of stage.steps.entries()) {
      const text = `${step.keyword} ${flagsText(step)}${step.text}`;
      input.say(`${prefix}STEP ${at + 2}/${total}: ${text.replaceAll(/\s*\\?\n\s*/g, " ")}`);
      await attempt(text, async () => {
        await input.pace(text);
        await perform(step, stand, { input, globals, done, used });
      });
    }
    done.push({ stage, stand });
    input.say(`--> ${randomBytes(6).toString("hex")}`);
  }
  warnOfUnused(input, used);
  const last = done.at(-1)?.stand;
  return { config: last?.config ?? {}, files: Object.fromEntries(last?.files ?? []) };
}

/** What the steps of a stage can reach beyond their own stage. */
interface Reach {
  input: BuildInput;
  globals: Record<string, string | undefined>;
  done: { stage: Stage; stand: Stand }[];
  used: Set<string>;
}

/** ARGs before the first FROM: the build's own argument, else the default. */
function globalArguments({ recipe, buildArgs }: BuildInput): Record<string, string> {
  const globals: Record<string, string> = {};
  for (const { name, value } of recipe.globals) {
    globals[name] = buildArgs[name] ?? (value === undefined ? "" : expand(value, globals));
  }
  return globals;
}

async function startingPoint(
  from: string,
  stage: Stage,
  { input, done }: Pick<Reach, "input" | "done">,
): Promise<Stand> {
  if (from === "") {
    throw new BuildFailure(
      "DockerBuildFailed",
      `base name (${stage.from}) should not be blank: is its ARG given and declared before the first FROM?`,
    );
  }
  const base = stageNamed(done, from) ?? (from === "scratch" ? { files: [], config: {} } : await pulled(input, from));
  return { files: new Map(base.files), config: structuredClone(base.config), args: {} };
}

function stageNamed(done: Reach["done"], name: string): Stand | undefined {
  const at = done.findIndex(
    ({ stage }, index) => stage.name?.toLowerCase() === name.toLowerCase() || String(index) === name,
  );
  return done[at]?.stand;
}

async function pulled(
  input: BuildInput,
  reference: string,
): Promise<{ files: [string, ImageContent["files"][string]][]; config: ImageConfig }> {
  const fail = (why: string): never => {
    const message = `failed to pull image: initializing source docker://${reference}: ${why}`;
    throw new BuildFailure("PullBuilderImageFailed", message);
  };
  const image = await input.pull(reference).catch((error: unknown) => {
    if (error instanceof RegistryRefusal) return fail(error.message);
    throw error;
  });
  if (image === undefined) return fail("reading manifest: manifest unknown");
  return { files: Object.entries(image.files), config: image.config };
}

/** A failing command becomes the builder's sentence for a failing step. */
async function attempt(text: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const why =
      error instanceof CommandFailure ? `while running runtime: exit status ${error.code}` : (error as Error).message;
    if (!(error instanceof CommandFailure || error instanceof BuildFailure)) throw error;
    throw new BuildFailure("DockerBuildFailed", `building at STEP "${text}": ${why}`);
  }
}

const flagsText = ({ flags }: Step): string =>
  Object.entries(flags)
    .map(([name, value]) => `--${name}=${value} `)
    .join("");

type Performer = (step: Step, stand: Stand, reach: Reach) => Promise<void> | void;

const PERFORMERS: Record<string, Performer> = {
  ARG: declare,
  ENV: (step, stand) => {
    for (const [name, value] of pairsOf(step)) {
      stand.config.env = { ...stand.config.env, [name]: expand(value, variablesOf(stand)) };
    }
  },
  LABEL: (step, stand) => {
    for (const [name, value] of pairsOf(step)) {
      stand.config.labels = { ...stand.config.labels, [name]: expand(value, variablesOf(stand)) };
    }
  },
  USER: (step, stand) => {
    stand.config.user = expand(step.text, variablesOf(stand));
  },
  WORKDIR: (step, stand) => {
    stand.config.workingDirectory = absolute(
      stand.config.workingDirectory ?? "/",
      expand(step.text, variablesOf(stand)),
    );
  },
  COPY: copyStep,
  RUN: runStep,
};

/** Instructions that only describe how a container is started. */
const DESCRIPTIVE = ["CMD", "ENTRYPOINT", "EXPOSE", "HEALTHCHECK", "MAINTAINER", "STOPSIGNAL", "VOLUME"];

async function perform(step: Step, stand: Stand, reach: Reach): Promise<void> {
  if (DESCRIPTIVE.includes(step.keyword)) return;
  const performer = PERFORMERS[step.keyword];
  if (performer === undefined) {
    throw new BuildFailure(
      "DockerBuildFailed",
      `the builder of this sandbox doesn't know the instruction ${step.keyword}`,
    );
  }
  await performer(step, stand, reach);
}

/** A stage sees the ARGs that it declares, and ENV, which wins. */
const variablesOf = (stand: Stand): Variables => ({ ...stand.args, ...stand.config.env });

function declare(step: Step, stand: Stand, { input, globals, used }: Reach): void {
  for (const { name, value } of argumentsOf(step)) {
    used.add(name);
    const otherwise = value === undefined ? globals[name] : expand(value, variablesOf(stand));
    stand.args[name] = input.buildArgs[name] ?? otherwise ?? "";
  }
}

/** Owners and modes are taken and not kept: nothing here asks for them. */
const COPY_FLAGS = ["from", "chown", "chmod"];

async function copyStep(step: Step, stand: Stand, { input, done }: Reach): Promise<void> {
  const { from } = step.flags;
  const flag = Object.keys(step.flags).find((name) => !COPY_FLAGS.includes(name));
  if (flag !== undefined)
    throw new BuildFailure("DockerBuildFailed", `the builder of this sandbox doesn't know COPY --${flag}`);
  const variables = variablesOf(stand);
  const words = (step.json ?? step.text.split(/\s+/)).map((word) => expand(word, variables));
  const destination = words.pop() ?? "";
  const source = from === undefined ? input.context : await sourceFiles(expand(from, variables), { input, done });
  const paths = words.map((word) => absolute("/", word));
  const target = absolute(stand.config.workingDirectory ?? "/", destination);
  copy(source, paths, stand.files, destination.endsWith("/") && target !== "/" ? `${target}/` : target);
}

async function sourceFiles(from: string, { input, done }: Pick<Reach, "input" | "done">): Promise<Files> {
  return stageNamed(done, from)?.files ?? new Map((await pulled(input, from)).files);
}

async function runStep(step: Step, stand: Stand, { input }: Reach): Promise<void> {
  const workspace = { files: stand.files, mounts: input.mounts, say: input.say };
  if (step.json === undefined) await runShell(step.text, variablesOf(stand), workspace);
  else await runExec(step.json, workspace);
}

function warnOfUnused({ buildArgs, say }: BuildInput, used: ReadonlySet<string>): void {
  const unused = Object.keys(buildArgs).filter((name) => !used.has(name));
  if (unused.length > 0) say(`[Warning] one or more build args were not consumed: [${unused.sort().join(" ")}]`);
}
