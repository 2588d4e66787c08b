/**
 * Pulumi's plugins: the real ones where they are installed or can be installed, else the sandbox's stand-ins. Decided
 * for each plugin by itself.
 */
import { randomUUID } from "node:crypto";
import { access, constants, lstat, mkdir, readFile, readlink, rename, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { execa } from "execa";
import { cacheDirectory, projectRoot, standInPlugins } from "../paths.ts";

/** A plugin that the program needs. */
export interface Plugin {
  readonly kind: "language" | "resource";
  readonly name: string;
  /** As in package.json, without `v`. Empty for the language host, which comes with the CLI. */
  readonly version: string;
}

const providers = ["kubernetes", "tls", "random", "command"];
const installWithinMs = 60_000;
const retryAfterMs = 24 * 3_600_000;

/** The engine's name of a plugin's executable. */
export function executableOf({ kind, name }: Plugin): string {
  return `pulumi-${kind}-${name}`;
}

/** What the program needs: its language host, and the providers at the versions of their npm packages. */
async function neededPlugins(): Promise<Plugin[]> {
  const resources = providers.map(async (name): Promise<Plugin> => {
    const file = join(projectRoot, "node_modules", "@pulumi", name, "package.json");
    const { version } = JSON.parse(await readFile(file, "utf8")) as { version: string };
    return { kind: "resource", name, version };
  });
  return [{ kind: "language", name: "nodejs", version: "" }, ...(await Promise.all(resources))];
}

function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** The engine prefers a plugin on PATH to an installed one. */
async function isOnPath(plugin: Plugin, env: NodeJS.ProcessEnv): Promise<boolean> {
  const folders = (env["PATH"] ?? "").split(delimiter).filter((folder) => folder !== "");
  const found = await Promise.all(folders.map((folder) => isExecutable(join(folder, executableOf(plugin)))));
  return found.includes(true);
}

/** Whether it is in a folder of plugins, laid out as `pulumi plugin install` does. */
function isInstalled(plugin: Plugin, folder: string): Promise<boolean> {
  return isExecutable(join(folder, `${plugin.kind}-${plugin.name}-v${plugin.version}`, executableOf(plugin)));
}

/** What {@link choosePlugins} works with. */
export interface PluginOptions {
  /** The CLI that installs. */
  readonly pulumi: string;
  /** `PULUMI_HOME` of the sandbox. */
  readonly home: string;
  /** The user's environment. */
  readonly env: NodeJS.ProcessEnv;
}

/**
 * Links the folder of plugins into `home` and finds out which of them need a stand-in. Tries to install what is
 * missing, once a day at most: where there is no internet each try costs seconds. `ONLOAD_KMM_PLUGINS=stand-ins` in
 * the environment takes the stand-ins for all, whatever is installed.
 * @returns the executables' names of the stand-ins to use.
 */
export async function choosePlugins(options: PluginOptions): Promise<string[]> {
  const needed = await neededPlugins();
  if (options.env["ONLOAD_KMM_PLUGINS"] === "stand-ins") return needed.map(executableOf);
  const folder = await linkPluginFolder(needed, options);
  const missing: Plugin[] = [];
  for (const plugin of needed) {
    const there = (await isOnPath(plugin, options.env)) || (await isInstalled(plugin, folder));
    if (!there) missing.push(plugin);
  }
  const installed = new Set(await install(missing, options));
  return missing.filter((plugin) => !installed.has(plugin)).map(executableOf);
}

/** The user's own plugins when some of them are needed ones, else a folder in the cache that all sandboxes share. */
async function linkPluginFolder(needed: readonly Plugin[], { home, env }: PluginOptions): Promise<string> {
  const users = join(env["PULUMI_HOME"] ?? join(homedir(), ".pulumi"), "plugins");
  const found = await Promise.all(needed.map((plugin) => isInstalled(plugin, users)));
  const folder = found.includes(true) ? users : join(cacheDirectory(env), "pulumi-plugins");
  const link = join(home, "plugins");
  if ((await readlink(link).catch(() => undefined)) === folder) return folder;
  await mkdir(folder, { recursive: true });
  // Renamed into place, because another command may do the same at this moment.
  const unfinished = `${link}.${randomUUID()}.tmp`;
  await symlink(folder, unfinished);
  if ((await lstat(link).catch(() => undefined))?.isDirectory() === true) await rm(link, { recursive: true });
  await rename(unfinished, link);
  return folder;
}

/** Installs what can be; the first failure ends it, and none is tried again for a day. */
async function install(missing: readonly Plugin[], { pulumi, home, env }: PluginOptions): Promise<Plugin[]> {
  const note = join(cacheDirectory(env), "plugins-unavailable.json");
  const providersMissing = missing.filter(({ kind }) => kind === "resource");
  if (providersMissing.length === 0 || (await isFresh(note, Date.now()))) return [];
  const installed: Plugin[] = [];
  for (const plugin of providersMissing) {
    process.stderr.write(`pulumi: installing the plugin ${plugin.name} v${plugin.version}\n`);
    const ran = await execa(pulumi, ["plugin", "install", plugin.kind, plugin.name, `v${plugin.version}`], {
      env: { ...env, PULUMI_HOME: home, PULUMI_SKIP_UPDATE_CHECK: "true" },
      extendEnv: false,
      reject: false,
      stdin: "ignore",
      timeout: installWithinMs,
    });
    if (ran.failed) {
      process.stderr.write(
        "pulumi: it can't be downloaded here; the sandbox's stand-ins are used (next try in a day)\n",
      );
      await mkdir(cacheDirectory(env), { recursive: true });
      await writeFile(note, JSON.stringify({ tried: new Date().toISOString(), plugin: plugin.name }));
      return installed;
    }
    installed.push(plugin);
  }
  return installed;
}

/** Whether the note of a failed installation is less than a day old. */
export async function isFresh(note: string, now: number): Promise<boolean> {
  const text = await readFile(note, "utf8").catch(() => undefined);
  if (text === undefined) return false;
  try {
    const { tried } = JSON.parse(text) as { tried: string };
    const age = now - Date.parse(tried);
    return age >= 0 && age < retryAfterMs;
  } catch {
    return false;
  }
}

/**
 * Makes the stand-ins below `folder`, each in a folder of its own: PATH then holds just the needed ones, for a stand-in on
 * PATH would hide the real plugin. Small scripts and not links, because a stand-in finds its program beside itself. One
 * that is right already isn't written: another command may be about to start it.
 * @returns the folders for PATH.
 */
export async function writeStandIns(folder: string, executables: readonly string[]): Promise<string[]> {
  return Promise.all(
    executables.map(async (name) => {
      const target = join(standInPlugins, name).replaceAll("'", `'\\''`);
      const own = join(folder, name);
      const script = `#!/bin/sh\nexec '${target}' "$@"\n`;
      const written = await readFile(join(own, name), "utf8").catch(() => undefined);
      if (written !== script) await replace(join(own, name), script);
      return own;
    }),
  );
}

/** Writes an executable in one step. */
async function replace(file: string, script: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const unfinished = `${file}.${randomUUID()}.tmp`;
  await writeFile(unfinished, script, { mode: 0o755 });
  await rename(unfinished, file);
}
