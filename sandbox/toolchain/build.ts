import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { UserError } from "../userError.ts";
import { Progress } from "./progress.ts";
import { programsOf, type Program, type Tool } from "./tools.ts";

// The same for all programs of one module: another set of flags builds every package again.
const commonFlags: readonly string[] = ["-trimpath", "-v"];

/** Everything that decides what comes out of a build. */
export interface BuildInputs {
  readonly goMod: string;
  readonly goSum: string;
  readonly ldflags: string;
  /** As in `linux-x64`. */
  readonly platform: string;
}

/**
 * Twelve hex digits over the inputs: the same inputs find the same cached programs. Go's own version isn't one of them:
 * a new patch release of Go is no reason to build for twenty minutes.
 */
export function cacheKey(inputs: BuildInputs): string {
  const parts = [inputs.goMod, inputs.goSum, inputs.ldflags, inputs.platform];
  return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12);
}

/** The cache's folder for this tool's programs, whether it exists or not. */
export async function cachedFolder(tool: Tool, cache: string): Promise<string> {
  const source = join(import.meta.dirname, tool.name);
  const key = cacheKey({
    goMod: await readFile(join(source, "go.mod"), "utf8"),
    goSum: await readFile(join(source, "go.sum"), "utf8"),
    ldflags: tool.ldflags,
    platform: `${process.platform}-${process.arch}`,
  });
  return join(cache, "toolchain", `${tool.name}-${key}`);
}

/** Programs in a folder of the cache; `undefined` when it isn't there. A folder that is there is complete. */
export async function findBuilt(tool: Tool, folder: string): Promise<Map<Program, string> | undefined> {
  const there = await access(folder).then(
    () => true,
    () => false,
  );
  if (!there) return undefined;
  return new Map(programsOf(tool).map((program) => [program, join(folder, "bin", program)]));
}

/**
 * Builds a tool into `folder`, which appears only when it is complete. A build that was cut goes on where it was,
 * because each finished package is in Go's own cache. `label` goes before each line of progress.
 */
export async function build(tool: Tool, folder: string, label: string): Promise<void> {
  const temporary = `${folder}.tmp-${String(process.pid)}`;
  const bin = join(temporary, "bin");
  await removeLeftovers(folder);
  await mkdir(bin, { recursive: true });
  try {
    await goInstall(tool, temporary, label);
    for (const program of programsOf(tool)) {
      const built = tool.programs[program] ?? program;
      if (built !== program) await rename(join(bin, built), join(bin, program));
    }
    await rename(temporary, folder);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

/** What builds that were killed have left: the caller holds the lock, so nobody works in it. */
async function removeLeftovers(folder: string): Promise<void> {
  const entries = await readdir(dirname(folder)).catch(() => []);
  const leftovers = entries.filter((entry) => entry.startsWith(`${basename(folder)}.tmp-`));
  await Promise.all(leftovers.map((entry) => rm(join(dirname(folder), entry), { recursive: true, force: true })));
}

async function goInstall(tool: Tool, temporary: string, label: string): Promise<void> {
  const logFile = `${temporary}.log`;
  const log = createWriteStream(logFile);
  const progress = new Progress(`${label} ${tool.name} ${tool.version}`, tool.minutes);
  const child = execa("go", ["install", ...commonFlags, "-ldflags", tool.ldflags, "tool"], {
    cwd: join(import.meta.dirname, tool.name),
    env: { CGO_ENABLED: "0", GOWORK: "off", GOBIN: join(temporary, "bin") },
    stdin: "ignore",
    buffer: false,
    reject: false,
    all: true,
  });
  const tail: string[] = [];
  createInterface({ input: child.all }).on("line", (line) => {
    log.write(`${line}\n`);
    tail.push(line);
    if (tail.length > 15) tail.shift();
    progress.step(line);
  });
  const ran = await child;
  log.end();
  progress.end(!ran.failed);
  if (ran.failed) {
    throw new UserError(
      `building ${tool.name} ${tool.version} failed (log: ${logFile}); the same command goes on from here:\n${tail.join("\n")}`,
    );
  }
  await rm(logFile, { force: true });
}
