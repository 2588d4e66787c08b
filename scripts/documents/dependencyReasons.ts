import { readFile } from "node:fs/promises";
import { join } from "node:path";

type Manifest = Partial<Record<"dependencies" | "devDependencies", Record<string, string>>>;

/** Packages that docs/dependencies.md gives no reason for, one line each. */
export async function missingReasons(root: string): Promise<string[]> {
  const textOf = (file: string) => readFile(join(root, file), "utf8");
  const reasons = await textOf("docs/dependencies.md");
  const manifests = await Promise.all(["package.json", "sandbox/package.json", "secure-boot/package.json"].map(textOf));
  const packages = manifests.flatMap((text) => {
    const { dependencies, devDependencies } = JSON.parse(text) as Manifest;
    return Object.keys({ ...dependencies, ...devDependencies });
  });
  // Types come with what they are of, and the project's own packages need no reason.
  const isOther = (name: string): boolean => !/^@(types|onload-kmm)\//.test(name);
  return [...new Set(packages)]
    .filter((name) => isOther(name) && !reasons.includes(`\`${name}\``))
    .map((name) => `docs/dependencies.md: gives no reason for ${name}`);
}
