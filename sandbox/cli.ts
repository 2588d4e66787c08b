/** `npm run sandbox -- up|status|down`: the sandbox's command line. */
import { parseArgs } from "node:util";
import { formatElapsed } from "./toolchain/pace.ts";
import { down, status, up, type UpOptions } from "./controlPlane/lifecycle.ts";
import { filesOf } from "./controlPlane/state.ts";
import { ensureStack } from "./devStack.ts";
import { defaultLine, lineNames, kmmChoice } from "./kmm/lines.ts";
import { operatorFolder } from "./kmm/operator/folder.ts";
import { stateDirectory } from "./paths.ts";
import { Sandbox } from "./sandbox.ts";
import { configFileOf, stackName } from "./stackConfig.ts";
import { report, UserError } from "./userError.ts";

const usage = `usage: npm run sandbox -- COMMAND [OPTIONS]

  up       create the sandbox if there is none, start what isn't running, prepare its stack
  status   show what is running, and where its kubeconfig is
  down     end all its processes; its state stays

  --dir DIR          state directory (default: ONLOAD_KMM_SANDBOX, else .sandbox)
  --nodes N          up: number of worker nodes (default 3)
  --compact          up: the worker nodes are also the control plane; with --nodes 1, a single-node cluster
  --cluster-id UID   up: UID of the namespace kube-system
  --no-secure-boot   up: nodes whose firmware has Secure Boot off
  --kmm WHICH        up: which KMM, ${lineNames.join(", ")} (default ${defaultLine}); a later one upgrades it;
                     or a folder with KMM's own manager and webhook-server, which run in the stand-in's place
  --purge            down: also remove the state directory
`;

const options = {
  dir: { type: "string" },
  nodes: { type: "string" },
  compact: { type: "boolean" },
  "cluster-id": { type: "string" },
  "secure-boot": { type: "boolean" },
  kmm: { type: "string" },
  purge: { type: "boolean", default: false },
  help: { type: "boolean", short: "h", default: false },
} as const;

function parse(argv: string[]) {
  try {
    return parseArgs({ args: argv, options, allowPositionals: true, allowNegative: true });
  } catch (error) {
    throw new UserError(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
  }
}

function wholeNumber(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!Number.isInteger(number) || number < 1 || number > 1000) {
    throw new UserError(`--nodes ${value}: must be a whole number from 1 to 1000, for example --nodes 7`);
  }
  return number;
}

function clusterId(value: string | undefined): string | undefined {
  if (value !== undefined && !/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value)) {
    throw new UserError(`--cluster-id ${value}: must be a UUID in lower case, as \`uuidgen\` prints it`);
  }
  return value;
}

/** `--kmm VALUE`: a folder's path, else a line's name. */
function kmmChosen(value: string | undefined): Pick<UpOptions, "kmm" | "kmmFolder"> {
  if (value === undefined) return {};
  const kmmFolder = operatorFolder(value);
  return kmmFolder === undefined ? { kmm: kmmChoice(value) } : { kmmFolder };
}

async function runUp(dir: string, options: UpOptions): Promise<number> {
  const began = Date.now();
  const started = await up(dir, options);
  await ensureStack(await Sandbox.open(dir));
  const what = started.length === 0 ? "was up already" : `is up after ${formatElapsed(Date.now() - began)}`;
  process.stdout.write(`The sandbox ${what}${started.length === 0 ? "" : ` (started ${started.join(", ")})`}.\n`);
  process.stdout.write(`kubeconfig: ${filesOf(dir).kubeconfig}\nstack ${stackName}:  ${configFileOf(dir)}\n`);
  return 0;
}

async function runStatus(dir: string): Promise<number> {
  const found = await status(dir);
  if (!found) {
    process.stdout.write(`No sandbox in ${dir}; \`npm run sandbox -- up\` makes one.\n`);
    return 1;
  }
  for (const { name, pid, health } of found.services) {
    process.stdout.write(`${name.padEnd(24)} ${health.padEnd(10)} ${pid === undefined ? "" : `pid ${pid}`}\n`);
  }
  const { clusterId, kmm, kmmFolder } = found.state;
  process.stdout.write(
    `cluster id: ${clusterId}\nKMM: ${kmm}${kmmFolder === undefined ? "" : ` in ${kmmFolder}`}\nkubeconfig: ${filesOf(dir).kubeconfig}\n`,
  );
  return found.services.every(({ health }) => health === "ready") ? 0 : 1;
}

async function runDown(dir: string, purge: boolean): Promise<number> {
  const ended = await down(dir, purge);
  const what = ended.length === 0 ? "Nothing ran" : `Ended ${ended.join(", ")}`;
  process.stdout.write(`${what}${purge ? `; removed ${dir}` : ""}.\n`);
  return 0;
}

async function main(argv: string[]): Promise<number> {
  const { values, positionals } = parse(argv);
  const dir = stateDirectory(values.dir);
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  if (positionals.length !== 1) throw new UserError(`one command is needed\n\n${usage}`);
  switch (positionals[0]) {
    case "up":
      return runUp(dir, {
        nodes: wholeNumber(values.nodes),
        compact: values.compact,
        clusterId: clusterId(values["cluster-id"]),
        secureBoot: values["secure-boot"],
        ...kmmChosen(values.kmm),
      });
    case "status":
      return runStatus(dir);
    case "down":
      return runDown(dir, values.purge);
    default:
      throw new UserError(`unknown command ${positionals[0] ?? ""}\n\n${usage}`);
  }
}

process.exitCode = await main(process.argv.slice(2)).catch((error: unknown) => report("sandbox", error));
