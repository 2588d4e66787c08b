/**
 * `npm run sbom`: the program's bill of materials in CycloneDX, on stdout: what npm makes of package-lock.json, less what only
 * development and the sandbox need. npm's own `--omit dev` can't be used: it also leaves out each dependency of the program that
 * some package has as a devDependency, such as zod (seen with npm 11).
 */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const root = join(import.meta.dirname, "..");

/** As much of CycloneDX 1.5 as is read here. */
const bomSchema = z.looseObject({
  metadata: z.looseObject({ component: z.looseObject({ "bom-ref": z.string() }) }),
  components: z.array(z.looseObject({ "bom-ref": z.string(), name: z.string() })),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()) })),
});

const packageSchema = z.object({ name: z.string(), dependencies: z.record(z.string(), z.string()) });

const whole = bomSchema.parse(JSON.parse(npmsBom()));
process.stdout.write(`${JSON.stringify(productOf(whole), undefined, 2)}\n`);

function npmsBom(): string {
  const args = ["sbom", "--sbom-format", "cyclonedx", "--sbom-type", "application", "--package-lock-only"];
  return execFileSync("npm", args, { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 });
}

/** The program, what it depends on, and what that depends on. */
function productOf({ metadata, components, dependencies, ...rest }: z.infer<typeof bomSchema>): object {
  const { name, dependencies: own } = packageSchema.parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
  const program = metadata.component["bom-ref"];
  const next = new Map(dependencies.map(({ ref, dependsOn }) => [ref, dependsOn]));
  // The program's own list also has its devDependencies and the sandbox. Versions are exact.
  const direct = Object.entries(own).map(([dependency, version]) => `${dependency}@${version}`);
  next.set(program, direct);
  const reached = new Set([program]);
  // What is added on the way is visited, too.
  for (const ref of reached) next.get(ref)?.forEach((each) => reached.add(each));
  return {
    ...rest,
    // npm takes the folder's name.
    metadata: { ...metadata, component: { ...metadata.component, name } },
    components: components.filter((component) => reached.has(component["bom-ref"])),
    dependencies: [...reached].map((ref) => ({ ref, dependsOn: next.get(ref) ?? [] })),
  };
}
