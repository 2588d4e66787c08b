/**
 * `npm run pulumi -- ARGS`: the Pulumi CLI in the sandbox's environment. Every argument is the CLI's own; the sandbox
 * is the one in `ONLOAD_KMM_SANDBOX`, else `.sandbox`.
 */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { stackEnvironment } from "./engine.ts";
import { passThrough } from "./passThrough.ts";
import { projectRoot, stateDirectory } from "./paths.ts";
import { ensureToolchain } from "./toolchain/toolchain.ts";
import { report } from "./userError.ts";

async function main(args: readonly string[]): Promise<number> {
  const toolchain = await ensureToolchain();
  const dir = stateDirectory();
  const env = await stackEnvironment(dir, toolchain, stackOf(args));
  const exitCode = await passThrough(toolchain.bin.pulumi, args, { cwd: projectRoot, env });
  if (exitCode !== 0 && !existsSync(join(dir, "kubeconfig"))) process.stderr.write(noSandbox(dir));
  return exitCode;
}

const noSandbox = (dir: string): string =>
  `There is no sandbox in ${dir}: \`npm run demo\`, or \`npm run sandbox -- up\`, starts one and makes its stack \`dev\`.\n`;

/** What `--stack` says; every other argument is for the CLI to understand. */
function stackOf(args: readonly string[]): string | undefined {
  const options = { stack: { type: "string", short: "s" } } as const;
  return parseArgs({ args: [...args], options, strict: false }).values.stack?.toString();
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => report("pulumi", error));
