import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { UserError } from "../userError.ts";
import { Progress, type Packages, type Place } from "./progress.ts";
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
 * because each finished package is in Go's own cache. `place` is for its progress.
 */
export async function build(tool: Tool, folder: string, place: Place): Promise<void> {
  const temporary = `${folder}.tmp-${String(process.pid)}`;
  const bin = join(temporary, "bin");
  await removeLeftovers(folder);
  await mkdir(bin, { recursive: true });
  try {
    await goInstall(tool, temporary, place);
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

/** How `go` is run for a tool. */
function goOptions(tool: Tool) {
  return {
    cwd: join(import.meta.dirname, tool.name),
    env: { CGO_ENABLED: "0", GOWORK: "off" },
    stdin: "ignore",
    reject: false,
  } as const;
}

/**
 * What is left to compile, asked of Go itself with the flags of the build: what an earlier build or another tool has put
 * into its cache isn't stale. Seconds, but for the download of modules, which the build would do else.
 */
async function packagesOf(tool: Tool): Promise<Packages> {
  const format = "{{if .Stale}}+{{else}}-{{end}}{{.ImportPath}}";
  const args = ["list", "-deps", "-trimpath", "-ldflags", tool.ldflags, "-f", format, "tool"];
  const ran = await execa("go", args, goOptions(tool));
  if (ran.failed) throw new UserError(`go list of ${tool.name} ${tool.version} failed:\n${ran.stderr}`);
  const lines = ran.stdout.split("\n");
  const stale = lines.filter((line) => line.startsWith("+"));
  return { total: lines.length, missing: new Set(stale.map((line) => line.slice(1))) };
}

async function goInstall(tool: Tool, temporary: string, place: Place): Promise<void> {
  process.stderr.write(`${place.label}: fetching its modules\n`);
  const packages = await packagesOf(tool);
  const logFile = `${temporary}.log`;
  const log = createWriteStream(logFile);
  const progress = new Progress(place, packages);
  const child = execa("go", ["install", ...commonFlags, "-ldflags", tool.ldflags, "tool"], {
    ...goOptions(tool),
    env: { ...goOptions(tool).env, GOBIN: join(temporary, "bin") },
    buffer: false,
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
