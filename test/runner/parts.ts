/** What `npm test` consists of, and what each part runs. */
import { existsSync } from "node:fs";
import { matchesGlob, relative, resolve } from "node:path";
import { projectRoot } from "@onload-kmm/sandbox/paths";
import { UserError } from "@onload-kmm/sandbox/userError";

/** Test files, and how Node's test runner runs them. Plain data: it goes to a process of its own. */
export interface TestFiles {
  /** Patterns of files, from the project's root. */
  readonly patterns: readonly string[];
  /** How many files at once. */
  readonly concurrency: number;
  /** Longest that one test may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Module that sets up what the files need, from the project's root: see {@link Prepare}. */
  readonly prepare?: string;
  /** Module with one more reporter, from the project's root. */
  readonly reporter?: string;
}

/** Default export of a module that sets up; resolves to the reason when that can't be done on this host. */
export type Prepare = () => Promise<string | undefined>;

/** One part of all tests. */
export interface Part {
  readonly name: string;
  /** What the part runs: a command, or test files. */
  readonly runs: { readonly command: readonly [string, ...string[]] } | { readonly tests: TestFiles };
  /** Ends a part that hangs. Far longer than it takes on a busy machine. */
  readonly limitMinutes: number;
  /** Run by name only, not by a bare `npm test`. */
  readonly byNameOnly?: boolean;
}

/** In the order in which they run: what is over soonest first. */
export const parts: readonly Part[] = [
  { name: "check", runs: { command: ["npm", "run", "-s", "check"] }, limitMinutes: 60 },
  {
    name: "unit",
    runs: {
      tests: {
        patterns: [
          "test/{core,components,mutation,program,runner,scripts,secrets,steps}/**/*.test.ts",
          "test/{bench,chaos}/*.test.ts",
        ],
        // By default a runner on two processors runs one file at a time; these wait for processes as much as they compute.
        concurrency: 4,
        timeoutMs: 600_000,
      },
    },
    limitMinutes: 30,
  },
  {
    name: "hostile",
    runs: { tests: { patterns: ["test/hostile/*.test.ts"], concurrency: 4, timeoutMs: 600_000 } },
    limitMinutes: 30,
  },
  {
    name: "sandbox",
    runs: { tests: { patterns: ["sandbox/test/**/*.test.ts"], concurrency: 2, timeoutMs: 600_000 } },
    limitMinutes: 60,
  },
  {
    name: "stack",
    runs: {
      tests: {
        patterns: [
          "test/{assets,browser,standIns,stack}/**/*.test.ts",
          "test/faults/long/kernels.test.ts",
          "test/kmm/{everyLine,upgrade}.test.ts",
        ],
        concurrency: 2,
        timeoutMs: 600_000,
      },
    },
    limitMinutes: 120,
  },
  {
    name: "chaos",
    // Another seed would make a red one that nobody else sees.
    runs: { command: [process.execPath, "test/chaos/main.ts", "--minutes", "5", "--seed", "1"] },
    limitMinutes: 30,
  },
  {
    name: "machine",
    runs: {
      tests: {
        // Side by side, each file with a machine of its own.
        patterns: ["test/machine/*.test.ts"],
        concurrency: 3,
        // One boot in software emulation takes minutes on a busy host, and a test has several.
        timeoutMs: 1_800_000,
        prepare: "test/machine/prepare.ts",
      },
    },
    limitMinutes: 90,
  },
  {
    name: "bench",
    runs: { tests: { patterns: ["test/bench/sandbox/*.test.ts"], concurrency: 1, timeoutMs: 900_000 } },
    limitMinutes: 30,
    byNameOnly: true,
  },
  {
    name: "kmm",
    runs: {
      tests: {
        patterns: ["sandbox/test/kmm/{kmm,lines}.test.ts", "test/kmm/{story,failures}.test.ts"],
        concurrency: 1,
        timeoutMs: 900_000,
      },
    },
    limitMinutes: 180,
    byNameOnly: true,
  },
  {
    name: "upgrades",
    runs: { tests: { patterns: ["test/kmm/upgrade*.test.ts"], concurrency: 1, timeoutMs: 900_000 } },
    limitMinutes: 180,
    byNameOnly: true,
  },
  {
    name: "access",
    runs: { tests: { patterns: ["test/access/*.test.ts"], concurrency: 1, timeoutMs: 900_000 } },
    limitMinutes: 60,
    byNameOnly: true,
  },
  {
    name: "faults",
    runs: {
      tests: {
        patterns: ["test/faults/**/*.test.ts"],
        concurrency: 1,
        timeoutMs: 900_000,
        reporter: "test/faults/table.ts",
      },
    },
    limitMinutes: 240,
    byNameOnly: true,
  },
];

/**
 * The parts to run: all of them without arguments; else those that are named, and of the parts that own the named test
 * files just these files. Relative paths start at `from`.
 * @throws UserError for an argument that is neither.
 */
export function choose(args: readonly string[], from: string): Part[] {
  if (args.length === 0) return parts.filter(({ byNameOnly }) => byNameOnly !== true);
  const files = args.filter((arg) => !parts.some(({ name }) => name === arg)).map((arg) => fileOf(arg, from));
  return parts.flatMap((part) => {
    if (args.includes(part.name)) return [part];
    const own = files.filter((file) => ownerOf(file) === part);
    return own.length === 0 ? [] : [withFiles(part, own)];
  });
}

/** The test file's path from the project's root. */
function fileOf(arg: string, from: string): string {
  const file = relative(projectRoot, resolve(from, arg));
  if (existsSync(resolve(projectRoot, file)) && ownerOf(file) !== undefined) return file;
  const names = parts.map(({ name }) => name).join(", ");
  throw new UserError(`${arg}: no test file and no part; parts are ${names}; files end with .test.ts`);
}

/** The first part whose patterns name the file. */
function ownerOf(file: string): Part | undefined {
  return parts.find(({ runs }) => "tests" in runs && runs.tests.patterns.some((pattern) => matchesGlob(file, pattern)));
}

function withFiles(part: Part, files: readonly string[]): Part {
  if (!("tests" in part.runs)) return part;
  return { ...part, runs: { tests: { ...part.runs.tests, patterns: files } } };
}
