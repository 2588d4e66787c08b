import { access, constants } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { execa } from "execa";
import { programsOf, type Program, type Tool } from "./tools.ts";
import { parseVersion, type Version } from "./version.ts";

/** Folders to look in: `KUBEBUILDER_ASSETS` (for Kubernetes and etcd) before PATH. */
function searchPath(tool: Tool, env: NodeJS.ProcessEnv): string[] {
  const assets = tool.name === "kubernetes" || tool.name === "etcd" ? env["KUBEBUILDER_ASSETS"] : undefined;
  const path = (env["PATH"] ?? "").split(delimiter);
  // npm puts its own executables first. An npm package's `pulumi` there would be a script that downloads.
  const foreign = path.filter((folder) => folder !== "" && !folder.endsWith("node_modules/.bin"));
  return assets ? [assets, ...foreign] : foreign;
}

async function findExecutable(name: string, folders: readonly string[]): Promise<string | undefined> {
  for (const folder of folders) {
    const file = join(folder, name);
    const usable = await access(file, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (usable) return file;
  }
  return undefined;
}

async function versionOf(file: string, args: readonly string[]): Promise<Version | undefined> {
  const ran = await execa(file, args, { reject: false, timeout: 20_000, stdin: "ignore" });
  return ran.failed ? undefined : parseVersion(ran.stdout);
}

/** The tool's programs as installed on this machine; `undefined` unless all are there and fit together. */
export async function findInstalled(
  tool: Tool,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Map<Program, string> | undefined> {
  const folders = searchPath(tool, env);
  const files = new Map<Program, string>();
  for (const program of programsOf(tool)) {
    const file = await findExecutable(program, folders);
    if (file === undefined) return undefined;
    files.set(program, file);
  }
  const versions = new Map<Program, Version>();
  for (const [program, file] of files) {
    const version = await versionOf(file, tool.versionArgs[program] ?? ["--version"]);
    if (version) versions.set(program, version);
  }
  return tool.fits(versions) ? files : undefined;
}
