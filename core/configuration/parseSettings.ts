import { z } from "zod";
import { signingSources } from "./choices.ts";
import { keys } from "./keys.ts";
import { meantBy } from "./misspelt.ts";
import { told, type Told } from "../errors.ts";
import { moduleName } from "../names.ts";
import { nodesFromFile, type ReadText } from "./nodesFile.ts";
import { remedyFor, shown } from "./remedies.ts";
import { cleanText, excerpt, listed } from "../text.ts";
import { longestNamespace, schema, type Settings } from "./settings.ts";
import { signingPairProblems } from "./signingPair.ts";

/** Keys whose values, or parts of them, must be secret, and how they are set. */
const secretKeys: Readonly<Record<string, string>> = Object.fromEntries(
  keys
    .filter(({ secret }) => secret)
    .map(({ path }) => {
      const [key = path, member] = path.split(".");
      return [key, `pulumi config set --secret ${member === undefined ? "" : "--path "}onload-kmm:${path}`];
    }),
);

/** What isn't in the raw configuration. */
interface Beside {
  /** Secret keys that are set, but whose values aren't given: nothing is said of them. */
  readonly unread?: readonly string[];
  /** Reads the file that `nodesFile` names. */
  readonly readText?: ReadText;
}

/**
 * Checks the raw configuration as Pulumi gives it: a string per key, objects as JSON.
 *
 * @returns the settings, or all problems at once, each naming key, value found, expectation and remedy
 */
export function parseSettings(
  raw: Record<string, string>,
  isSecret: (key: string) => boolean,
  { unread = [], readText = noFiles }: Beside = {},
): { settings?: Settings; problems: Told[] } {
  const problems = Object.entries(secretKeys)
    .filter(([key]) => Object.hasOwn(raw, key) && !isSecret(key))
    .map(([key, command]) =>
      told("OKMM-CONFIG-PLAINTEXT", `onload-kmm:${key}: found in plain text; set it again with \`${command}\``),
    );
  const { values, problem } = withNodes(
    Object.fromEntries(Object.entries(raw).map(([key, value]) => [key, decoded(key, value)])),
    readText,
  );
  if (problem !== undefined) problems.push(problem);
  const parsed = schema.safeParse(values);
  const given = { values, isHidden: (key: string) => Object.hasOwn(secretKeys, key) || isSecret(key) };
  const issues = once(parsed.error?.issues ?? []).filter(({ path }) => problem === undefined || !isOfNodes(path));
  problems.push(...issues.map((issue) => describe(issue, given)));
  const cross = crossProblems(values).filter(({ path }) => !unread.includes(String(path[0])));
  problems.push(...cross.map(({ path, expected }) => found(path, given, expected)));
  return parsed.success && problems.length === 0 ? { settings: parsed.data, problems } : { problems };
}

const noFiles: ReadText = (path) => {
  throw new Error(`no file is read here: ${path}`);
};

/** The values with the list of nodes in its place, where that is in a file of its own. */
function withNodes(values: Record<string, unknown>, readText: ReadText) {
  if (!Object.hasOwn(values, "nodesFile")) return { values };
  const listed = nodesFromFile(values, readText);
  return "problem" in listed ? { values, problem: listed.problem } : { values: { ...values, ...listed } };
}

/** Nothing is to be said of a list that couldn't be read, nor twice of its file. */
const isOfNodes = ([key]: readonly PropertyKey[]): boolean => key === "nodes" || key === "nodesFile";

/** The first issue with each value: one that isn't a list can't be too short as well. */
const once = (issues: readonly z.core.$ZodIssue[]): z.core.$ZodIssue[] =>
  [...Map.groupBy(issues, ({ path }) => JSON.stringify(path)).values()].flatMap(([first]) => first ?? []);

/** Pulumi's scalars are strings; only `rebuild` and the objects mean something else. */
function decoded(key: string, value: string): unknown {
  const isText = ["namespace", "nodesFile", "signingKey", "signingCertificate", "mokPassword"].includes(key);
  if (isText) return value;
  // A key with nothing after its colon.
  if (value === "") return null;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

/** What a message may tell of. */
interface Given {
  readonly values: unknown;
  /** Whether a top-level key's value, or any part of it, is a secret. */
  readonly isHidden: (key: string) => boolean;
}

function describe(issue: z.core.$ZodIssue, given: Given): Told {
  if (issue.code === "unrecognized_keys") {
    const keys = listed(issue.keys.map((name) => keyOf([...issue.path, name])));
    const meant = issue.keys.slice(0, 8).flatMap((name) => meantBy(issue.path, name) ?? []);
    const guess = meant.length === 0 ? "check the spelling" : `did you mean ${meant.join(", ")}? Correct the spelling`;
    return told(
      "OKMM-CONFIG-UNKNOWN",
      `${keys}: unknown ${issue.keys.length === 1 ? "key" : "keys"}; ${guess} (README, "Configuration"), or remove it with \`pulumi config rm --path\``,
    );
  }
  return found(issue.path, given, missingText(issue), issue.code === "invalid_type" ? issue.expected : undefined);
}

function found(path: readonly PropertyKey[], given: Given, expected: string, wantedType?: string): Told {
  const value = path.reduce<unknown>(
    (inside, step) => (isObject(inside) && Object.hasOwn(inside, step) ? inside[step] : undefined),
    given.values,
  );
  const isHidden = given.isHidden(String(path[0]));
  if (value === undefined) return told("OKMM-CONFIG-VALUE", `${keyOf(path)}: missing; expected ${expected}`);
  const remedy = isHidden ? undefined : remedyFor(path, value, wantedType);
  const what = `found ${isHidden ? "a value that is kept secret" : shown(value)}, expected ${expected}`;
  return told("OKMM-CONFIG-VALUE", `${keyOf(path)}: ${what}${remedy === undefined ? "" : `; ${remedy}`}`);
}

const isObject = (value: unknown): value is Record<PropertyKey, unknown> => typeof value === "object" && value !== null;

/** A missing object has no text of its own: name the key and let its own keys speak. */
const missingText = (issue: z.core.$ZodIssue): string =>
  issue.code === "invalid_type" && issue.expected === "object"
    ? "an object; see Pulumi.prod.yaml for a complete example"
    : issue.message;

/** Characters of a key that a message names; all of ours are shorter. */
const longestName = 100;

function keyOf(path: readonly PropertyKey[]): string {
  const name = (step: PropertyKey) => excerpt(cleanText(String(step)), longestName);
  const steps = path.map((step) => (typeof step === "number" ? `[${step}]` : `.${name(step)}`)).join("");
  return `onload-kmm:${steps.replace(/^\./, "")}`;
}

/**
 * What the cross-checks look at, read so leniently that they run beside other mistakes: one run shows all.
 */
const outline = z.object({
  namespace: z.string().catch(""),
  nodes: z
    .array(
      z
        .object({
          name: z.unknown().optional(),
          address: z.unknown().optional(),
          console: z.unknown().optional(),
          bmc: z.unknown().optional(),
        })
        .catch({}),
    )
    .catch([]),
  enrolment: z.object({ mode: z.unknown().optional() }).catch({}),
  signing: z
    .object({ source: z.enum(signingSources).default("generated").optional().catch(undefined) })
    .catch({ source: "generated" }),
  signingKey: z.string().optional().catch(undefined),
  signingCertificate: z.string().optional().catch(undefined),
  bmcCredentials: z.unknown().optional(),
});

interface CrossProblem {
  readonly path: PropertyKey[];
  readonly expected: string;
}

/** Mistakes that no single key shows. */
function crossProblems(values: Record<string, unknown>): CrossProblem[] {
  const settings = outline.parse(values);
  const { source } = settings.signing;
  // With a misspelt source nobody knows whether a pair is wanted.
  const pairProblems = source === undefined ? [] : signingPairProblems({ ...settings, signing: { source } });
  const problems: CrossProblem[] = pairProblems.map(([key, expected]) => ({ path: [key], expected }));
  if (settings.namespace.length > longestNamespace) {
    problems.push({
      path: ["namespace"],
      expected: `at most ${longestNamespace} characters: KMM allows 40 for the namespace and the Module's name ("${moduleName}") together`,
    });
  }
  settings.nodes.forEach((node, index) => {
    const first = settings.nodes.findIndex(({ name }) => name === node.name);
    if (node.name !== undefined && first < index) {
      problems.push({
        path: ["nodes", index, "name"],
        expected: `each node once in the list; nodes[${first}] is it, too`,
      });
    }
    const other = settings.nodes.findIndex(({ address }) => address === node.address);
    if (node.address !== undefined && other < index && first === index) {
      problems.push({
        path: ["nodes", index, "address"],
        expected: `each node's own address; nodes[${other}] has this one, too`,
      });
    }
  });
  return [...problems, ...modeProblems(settings)];
}

/** What a mode of enrolment needs, and isn't there. */
function modeProblems({ enrolment: { mode }, nodes, bmcCredentials }: z.infer<typeof outline>): CrossProblem[] {
  const since = `since enrolment.mode is ${String(mode)}`;
  const ofNodes = (key: "console" | "bmc", expected: string): CrossProblem[] =>
    nodes.flatMap((node, index) => (node[key] === undefined ? [{ path: ["nodes", index, key], expected }] : []));
  if (mode === "console") return ofNodes("console", `a command that opens the node's serial console, ${since}`);
  if (mode !== "redfish") return [];
  const credentials = `{user, password} of the nodes' BMCs, ${since}; set them with \`pulumi config set --path onload-kmm:bmcCredentials.user\` and \`${secretKeys["bmcCredentials"] ?? ""}\``;
  return [
    ...ofNodes("bmc", `{url, fingerprint} of the node's BMC, ${since}; see Pulumi.prod.yaml`),
    ...(bmcCredentials === undefined ? [{ path: ["bmcCredentials"], expected: credentials }] : []),
  ];
}
