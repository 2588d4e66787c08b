/** How a reader is tried with input that nobody has promised anything about. */
import assert from "node:assert/strict";
import { after, test, type TestContext } from "node:test";
import fc from "fast-check";
import { isTold } from "../../core/errors.ts";
import { StepError } from "../../steps/lib/step.ts";
import { readers, type ReaderName } from "./readers.ts";

/** Milliseconds that a reader may compute over one input. */
const longestMs = 3000;

/** Characters of a whole message: `core/text.ts` cuts it at 32 Ki, the id and the mark of the cut aside. */
const longestMessage = 33_000;

/**
 * How many times the table's inputs, and others each time: a night's work. Without it they are the same in each run, so that what
 * is red once is red for everybody.
 */
const rounds = process.env["ONLOAD_KMM_HOSTILE_ROUNDS"];
const times = Number(rounds ?? 1);
assert.ok(Number.isInteger(times) && times >= 1, `ONLOAD_KMM_HOSTILE_ROUNDS: found "${rounds}", expected 1 or more`);
if (rounds === undefined) fc.configureGlobal({ seed: 1 });

const ownPrototypes = [Object.prototype, Array.prototype, String.prototype, Function.prototype];
const members = () => JSON.stringify(ownPrototypes.map((each) => Reflect.ownKeys(each).map(String)));
const asItWas = members();

/**
 * Tries a reader of the table with as many inputs as the table says.
 *
 * @param contract throws where an answer isn't what the table promises
 */
export function hostile<Input>(
  reader: ReaderName,
  inputs: fc.Arbitrary<Input>,
  contract: (input: Input) => Promise<void> | void,
): void {
  const { runs } = readers[reader];
  test(`${reader}: ${runs} inputs`, async () => {
    const property = fc.asyncProperty(inputs, async (input) => {
      await assertQuick(longestMs, () => contract(input));
      assert.equal(members(), asItWas, "no prototype was changed");
    });
    await fc.assert(property, { numRuns: runs * times, endOnFailure: false });
  });
}

/** That this process computes for less than so many milliseconds: how long it takes depends on what else the machine does. */
export async function assertQuick<T>(mostMs: number, work: () => Promise<T> | T): Promise<T> {
  const began = process.cpuUsage();
  const result = await work();
  const { user, system } = process.cpuUsage(began);
  const computedMs = (user + system) / 1000;
  assert.ok(computedMs < mostMs, `it computed for ${computedMs.toFixed()} ms`);
  return result;
}

/** In the place of a test's context, for what a whole file uses. */
export const untilTheEnd = {
  after: (end?: unknown) => after(end as () => unknown),
} as Pick<TestContext, "after">;

/** A message for people: bounded, and nothing in it that a terminal would obey. */
export function assertShowable(text: string, longest = longestMessage): void {
  assert.ok(text.length <= longest, `a message of ${text.length} characters`);
  assert.ok(text.isWellFormed());
  assert.doesNotMatch(text, /[[\p{Cc}\u202a-\u202e\u2066-\u2069]--[\t\n]]/v);
}

/** As {@link assertShowable}, with an error's id at the end. */
export function assertTold(text: string, longest = longestMessage): void {
  assertShowable(text, longest);
  assert.ok(isTold(text), text.slice(-100));
}

/** What a reader answers; undefined where it refuses in the one way that it may: with a StepError. */
export async function answered<T>(read: () => Promise<T> | T): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    assertTold(error.told);
    return undefined;
  }
}
