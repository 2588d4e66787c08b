/**
 * The real programs that the sandbox runs: Pulumi's engine and CLI, the Kubernetes control plane, etcd and kwok. Each
 * is taken from this machine when it is installed and fits, else built once from its Go module (the folders beside
 * this file hold just go.mod and go.sum; one module each, because their dependencies conflict) into the cache.
 */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../lock.ts";
import { cacheDirectory } from "../paths.ts";
import { build, cachedFolder, findBuilt } from "./build.ts";
import { checkGo } from "./goCompiler.ts";
import { findInstalled } from "./installed.ts";
import { registryTool, tools, type Program, type Tool } from "./tools.ts";

/** Absolute path of each program. */
export interface Toolchain {
  readonly bin: Readonly<Record<Exclude<Program, "registry">, string>>;
}

/**
 * Finds or builds all programs. Tells its progress on stderr when it has to build.
 * @throws UserError without Go 1.26, or when a build fails.
 */
export async function ensureToolchain(): Promise<Toolchain> {
  return { bin: Object.fromEntries(await ensureTools(tools)) as Toolchain["bin"] };
}

/**
 * The same for a registry alone.
 * @returns the program's path
 */
export async function ensureRegistry(): Promise<string> {
  return (await ensureTools([registryTool])).get("registry") ?? "";
}

async function ensureTools(wanted: readonly Tool[]): Promise<Map<Program, string>> {
  const found = new Map<Program, string>();
  const missing: Tool[] = [];
  for (const tool of wanted) {
    const installed = await findInstalled(tool);
    if (installed) addAll(found, installed);
    else missing.push(tool);
  }
  if (missing.length > 0) addAll(found, await findOrBuild(missing));
  return found;
}

async function findOrBuild(wanted: readonly Tool[]): Promise<Map<Program, string>> {
  const cache = cacheDirectory();
  const folders = await Promise.all(wanted.map(async (tool) => ({ tool, folder: await cachedFolder(tool, cache) })));
  const built = await Promise.all(folders.map(({ tool, folder }) => findBuilt(tool, folder)));
  if (built.includes(undefined)) await buildAll(folders, cache);
  const found = new Map<Program, string>();
  for (const { tool, folder } of folders) addAll(found, (await findBuilt(tool, folder)) ?? new Map<Program, string>());
  return found;
}

async function buildAll(folders: readonly { tool: Tool; folder: string }[], cache: string): Promise<void> {
  await checkGo();
  await mkdir(join(cache, "toolchain"), { recursive: true });
  const onWait = () => process.stderr.write("toolchain: waiting for another build of it on this machine\n");
  await withLock(`toolchain ${cache}`, onWait, async () => {
    const missing = [];
    for (const entry of folders) if (!(await findBuilt(entry.tool, entry.folder))) missing.push(entry);
    const minutesOf = (entries: readonly { tool: Tool }[]) => entries.reduce((sum, { tool }) => sum + tool.minutes, 0);
    const began = Date.now();
    process.stderr.write(
      `toolchain: building ${missing.length} of ${folders.length} tools from their Go modules, once: ` +
        `about ${Math.ceil(minutesOf(missing))} min on 2 quiet cores; when cut it goes on where it was\n`,
    );
    for (const [i, { tool, folder }] of missing.entries()) {
      await build(tool, folder, {
        label: `[${i + 1}/${missing.length}] ${tool.name} ${tool.version}`,
        began,
        minutes: tool.minutes,
        builtMinutes: minutesOf(missing.slice(0, i)),
        laterMinutes: minutesOf(missing.slice(i + 1)),
      });
    }
  });
}

function addAll<K, V>(target: Map<K, V>, source: ReadonlyMap<K, V>): void {
  for (const [key, value] of source) target.set(key, value);
}
