/**
 * `npm run pulumi -- ARGS`: the Pulumi CLI in the sandbox's environment. Every argument is the CLI's own; the sandbox
 * is the one in `ONLOAD_KMM_SANDBOX`, else `.sandbox`.
 */
import { engineEnvironment } from "./engine.ts";
import { passThrough } from "./passThrough.ts";
import { projectRoot, stateDirectory } from "./paths.ts";
import { ensureToolchain } from "./toolchain/toolchain.ts";
import { report } from "./userError.ts";

async function main(args: readonly string[]): Promise<number> {
  const toolchain = await ensureToolchain();
  const env = await engineEnvironment(stateDirectory(), toolchain);
  return passThrough(toolchain.bin.pulumi, args, { cwd: projectRoot, env });
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => report("pulumi", error));
