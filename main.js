// Pulumi's entry point, in JavaScript that any Node can read. Pulumi's language host runs the `node` on PATH: one that
// can't read TypeScript would end with ERR_UNKNOWN_FILE_EXTENSION, and no word on what to do.
import module from "node:module";
import { fileURLToPath } from "node:url";
import pulumi from "@pulumi/pulumi";

/** Node reads TypeScript as it is from 22.18 on, and from 23.6 on (its documentation, "Modules: TypeScript", history). */
const readsTypeScript = ([major, minor]) => major > 23 || (major === 23 && minor >= 6) || (major === 22 && minor >= 18);

/** Run by Pulumi; what it gives are the stack's outputs. */
export default async function main() {
  const { node } = process.versions;
  if (readsTypeScript(node.split(".").map(Number))) {
    // Half of the program's start is compiling it. Kept where only the owner of its packages can write.
    module.enableCompileCache(fileURLToPath(new URL("node_modules/.cache/compiled", import.meta.url)));
    // Pulumi's runner has source maps looked up for each line of each stack trace, and its SDK takes hundreds of these for
    // each node, which nobody reads. Nothing here has a source map: Node strips types in place.
    Error.prepareStackTrace = undefined;
    return import("./index.ts");
  }
  const installed = fileURLToPath(new URL("node_modules/.bin", import.meta.url));
  // Printed alone, without a stack trace.
  throw new pulumi.RunError(
    `Node ${node} (${process.execPath}) can't run this program: it is TypeScript, which Node reads from 22.18 on, ` +
      "and of the 23s from 23.6 on. Nothing was changed. Put a newer `node` first on PATH, for example the one that " +
      `\`npm ci\` has installed with this program, and run the same command again:\n  export PATH="${installed}:$PATH"\n` +
      "[OKMM-NODEJS-OLD] docs/runbook.md#okmm-nodejs-old",
  );
}
