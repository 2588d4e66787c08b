/**
 * `npm run pulumi -- ARGS`: the Pulumi CLI in the sandbox's environment. Every argument is the CLI's own; the sandbox
 * is the one in `ONLOAD_KMM_SANDBOX`, else `.sandbox`.
 */
import { parseArgs } from "node:util";
import { stackEnvironment } from "./engine.ts";
import { passThrough } from "./passThrough.ts";
import { projectRoot, stateDirectory } from "./paths.ts";
import { ensureToolchain } from "./toolchain/toolchain.ts";
import { report } from "./userError.ts";

async function main(args: readonly string[]): Promise<number> {
  const toolchain = await ensureToolchain();
  const env = await stackEnvironment(stateDirectory(), toolchain, stackOf(args));
  return passThrough(toolchain.bin.pulumi, args, { cwd: projectRoot, env });
}

/** What `--stack` says; every other argument is for the CLI to understand. */
function stackOf(args: readonly string[]): string | undefined {
  const options = { stack: { type: "string", short: "s" } } as const;
  return parseArgs({ args: [...args], options, strict: false }).values.stack?.toString();
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => report("pulumi", error));
