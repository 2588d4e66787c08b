/** The program's packages, for `pulumi about`. */
import { readFile } from "node:fs/promises";
import path from "node:path";

/** A package and its version. */
export interface InstalledPackage {
  name: string;
  version: string;
}

/** The packages that the program's `package.json` names, each with the version that it asks for. */
export async function installedPackages(programDirectory: string): Promise<InstalledPackage[]> {
  const manifest = JSON.parse(await readFile(path.join(programDirectory, "package.json"), "utf8")) as {
    dependencies?: Record<string, string>;
  };
  return Object.entries(manifest.dependencies ?? {}).map(([name, version]) => ({ name, version }));
}
