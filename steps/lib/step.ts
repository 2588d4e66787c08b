import { text } from "node:stream/consumers";
import { checkAnswer, readAnswer, type Answering, type Contract } from "../../core/contracts/contract.ts";
import { paragraphOf, told, type ErrorId, type Told } from "../../core/errors.ts";
import { inputVariable } from "../../core/names.ts";
import { messageText } from "../../core/text.ts";
import { now } from "./clock.ts";
import { keepRecord, nodeIn, record } from "./record.ts";
import { cleanLine, cutLine, printAnswer, printLines, printUncaught } from "./output.ts";
import { enterRun, note } from "./report.ts";

/** A failure that a person can fix: printed with its id, without a stack trace. */
export class StepError extends Error {
  readonly id: ErrorId;

  /** @param message without the id: other errors may quote it */
  constructor(id: ErrorId, message: string) {
    super(messageText(message));
    this.id = id;
  }

  /** The message with its id, as a person reads it. */
  get told(): Told {
    return told(this.id, this.message);
  }
}

/**
 * Runs one step: input as JSON in the environment and on stdin, a small JSON on stdout (it goes into Pulumi's state), progress on stderr.
 * Exit code 0, or 1 with the reason as the last lines of stderr.
 *
 * @param body gets the input, and where the contract remembers it what the step answered last; undefined at the first time
 */
export async function runStep<Input, Answer>(
  contract: Contract<Input, Answer>,
  body: (input: Input, before: Answer | undefined) => Promise<Answer>,
): Promise<void> {
  printUncaught(noteFailure);
  for (const name of pulumisSecrets) Reflect.deleteProperty(process.env, name);
  try {
    const halves = [process.env[inputVariable] ?? "", await text(process.stdin)].filter((half) => half !== "");
    const input = contract.input.parse(Object.assign({}, ...parsed(halves)));
    keepRecord(contract.program, input);
    enterRun(contract, input, nodeIn(input));
    const answer = checkAnswer(contract, await body(input, answeredLast(contract)));
    printAnswer(answer);
    note({ event: "ends", answer });
  } catch (error) {
    const end = endOf(error);
    printLines(end);
    record(end);
    noteFailure(error);
    process.exitCode = 1;
  }
}

/** What a step inherits from Pulumi, and kubectl and a console's command would from the step. */
const pulumisSecrets = ["PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN"];

const noteFailure = (error: unknown): void => note({ event: "fails", ...reasonOf(error) });

/** Pulumi-command's documentation, "addPreviousOutputInEnv". */
function answeredLast<Answer>(contract: Answering<Answer>): Answer | undefined {
  const printed = process.env["PULUMI_COMMAND_STDOUT"] ?? "";
  return contract.remembers === true && printed !== "" ? readAnswer(contract, printed) : undefined;
}

/** What a step that failed says last. */
function endOf(error: unknown): string {
  const { error: id, message } = reasonOf(error);
  return error instanceof StepError ? `${told(id, message)}\nsee ${paragraphOf(id)}` : told(id, message);
}

function reasonOf(error: unknown): { error: ErrorId; message: string } {
  if (error instanceof StepError) return { error: error.id, message: error.message };
  return { error: "OKMM-UNEXPECTED", message: (error as Error).stack ?? String(error) };
}

/** The halves of the input: what may be seen is in the environment, the rest on stdin; one at least must be there. */
function parsed(halves: readonly string[]): object[] {
  try {
    const values = halves.map((half) => JSON.parse(half) as unknown);
    if (values.length > 0 && values.every((value) => typeof value === "object" && value !== null)) return values;
  } catch {
    // JSON.parse quotes what it can't read, and a step's input may hold secrets.
  }
  throw new StepError(
    "OKMM-STEP-INPUT",
    "found no JSON object, expected this step's input; see its contract in core/contracts/",
  );
}

/** Most that a step may print on stderr, in bytes: Pulumi keeps it in state, and hands it to the next run. */
const progressLimit = 24 * 1024;
const startedAt = now();
let printed = 0;

/**
 * What a person must do now. Without the time, which would push it out of the part of a line that Pulumi shows on a narrow
 * terminal.
 */
export function instruct(line: string): void {
  say(line);
}

/** One line for the person who watches `pulumi up`: elapsed time as mm:ss, then what happens or what is waited for. */
export function progress(line: string): void {
  const seconds = Math.floor((now() - startedAt) / 1000);
  const clock = [Math.floor(seconds / 60), seconds % 60].map((part) => String(part).padStart(2, "0")).join(":");
  say(`${clock} ${line}`);
}

function say(line: string): void {
  printed += printLines(line, progressLimit - printed);
  record(line);
  note({ event: "says", line: cutLine(cleanLine(line)) });
}
