/** `random:index/randomPassword:RandomPassword`. */
import { randomInt } from "node:crypto";
import { genSalt, hash } from "bcryptjs";
import {
  type Attributes,
  bridgedOutputs,
  checkAttributes,
  markInputs,
  planDiff,
  plannedInputs,
} from "../core/bridged.ts";
import type { CheckFailure, ResourceType } from "../core/provider.ts";
import { isUnknown, type PropertyMap, revealAll, textOf, UNKNOWN } from "../core/values.ts";

const ATTRIBUTES: Attributes = {
  keepers: { kind: "map", input: true },
  length: { kind: "number", input: true },
  lower: { kind: "boolean", input: true, default: true },
  minLower: { kind: "number", input: true, default: 0 },
  minNumeric: { kind: "number", input: true, default: 0 },
  minSpecial: { kind: "number", input: true, default: 0 },
  minUpper: { kind: "number", input: true, default: 0 },
  number: { kind: "boolean", input: true, default: true },
  numeric: { kind: "boolean", input: true, default: true },
  overrideSpecial: { kind: "string", input: true },
  special: { kind: "boolean", input: true, default: true },
  upper: { kind: "boolean", input: true, default: true },
  bcryptHash: { kind: "string", secret: true },
  id: { kind: "string" },
  result: { kind: "string", secret: true },
};

const SCHEMA_VERSION = 3;

/** Cost of the hash, as Go's `bcrypt.DefaultCost`. */
const BCRYPT_COST = 10;

/** The id that every password has: it is in no way unique. */
const ID = "none";

/** A password, made once; every change makes a new one. */
export const randomPassword: ResourceType = {
  check: (_operation, inputs) => ({
    inputs: markInputs(inputs, ATTRIBUTES),
    failures: [...checkAttributes(inputs, ATTRIBUTES), ...checkLength(inputs)],
  }),

  diff: (_operation, { oldOutputs, inputs }) => planDiff(oldOutputs, plan(inputs), ATTRIBUTES),

  create: async (operation, inputs) => {
    const planned = plan(inputs);
    if (operation.preview) {
      const made = { bcryptHash: UNKNOWN, id: UNKNOWN, result: UNKNOWN };
      return { id: "", outputs: markInputs({ ...planned, ...made }, ATTRIBUTES) };
    }
    const result = generate(planned);
    const made = { id: ID, result, bcryptHash: await bcrypt(result) };
    return { id: ID, outputs: bridgedOutputs({ ...planned, ...made }, ATTRIBUTES, SCHEMA_VERSION) };
  },
};

/** `number` is the old name of `numeric`: whichever the program gives counts for both. */
function plan(inputs: PropertyMap): PropertyMap {
  const { number, numeric } = inputs;
  const both = numeric ?? number;
  return plannedInputs(both === undefined ? inputs : { ...inputs, number: both, numeric: both }, ATTRIBUTES);
}

function checkLength(inputs: PropertyMap): CheckFailure[] {
  const { length = null, ...rest } = revealAll(inputs);
  if (isUnknown(length)) return [];
  const least = ["minUpper", "minLower", "minNumeric", "minSpecial"].reduce(
    (sum, name) => sum + countOf(rest, name),
    0,
  );
  const needed = Math.max(1, least);
  return Number(length) >= needed ? [] : [{ property: "length", reason: `must be at least ${needed}` }];
}

function countOf(values: PropertyMap, name: string): number {
  const value = values[name];
  return typeof value === "number" ? value : 0;
}

/** Characters of each class, at least as many as asked for, in random order. */
function generate(planned: PropertyMap): string {
  const classes = [
    { use: planned.upper, least: "minUpper", characters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
    { use: planned.lower, least: "minLower", characters: "abcdefghijklmnopqrstuvwxyz" },
    { use: planned.numeric, least: "minNumeric", characters: "0123456789" },
    {
      use: planned.special,
      least: "minSpecial",
      characters: textOf(planned.overrideSpecial) || "!@#$%&*()-_=+[]{}<>:?",
    },
  ];
  const all = classes.map(({ use, characters }) => (use === true ? characters : "")).join("");
  if (all === "") throw new Error("the character set specified is empty");
  const result = classes.flatMap(({ least, characters }) => pick(characters, countOf(planned, least)));
  return shuffled([...result, ...pick(all, Number(planned.length) - result.length)]).join("");
}

function pick(characters: string, count: number): string[] {
  const set = Array.from(characters);
  return Array.from({ length: count }, () => set[randomInt(set.length)] ?? "");
}

/** Fisher and Yates' shuffle. */
function shuffled(items: string[]): string[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = randomInt(last + 1);
    [result[last], result[other]] = [result[other] ?? "", result[last] ?? ""];
  }
  return result;
}

/** The hash with the prefix that Go writes: `$2a$` and `$2b$` mean the same. */
async function bcrypt(password: string): Promise<string> {
  const salt = await genSalt(BCRYPT_COST);
  return await hash(password, salt.replace(/^\$2b\$/, "$2a$"));
}
