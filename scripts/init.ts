/**
 * `npm run init -- STACK …`: reads a cluster and writes `Pulumi.STACK.yaml` for it, or says what differs from the one that is
 * there. See `--help`.
 */
import { relative } from "node:path";
import { changesIn, shownChanges, type Change } from "../core/configuration/fileChanges.ts";
import { fillIn } from "../core/configuration/firstFile.ts";
import { StackFile, StackFileError } from "../core/configuration/stackFile.ts";
import { shownKey } from "../core/node/hostKey.ts";
import { told } from "../core/errors.ts";
import { counted } from "../core/words.ts";
import { StepError } from "../steps/lib/step.ts";
import { connectTo, findNodes, type FoundNodes } from "./init/cluster.ts";
import { readIfThere, replaceFile } from "./init/file.ts";
import { help, parseOptions, type Options } from "./init/options.ts";
import { configured, projectRoot, typed } from "./init/paths.ts";
import { Problems } from "./init/problems.ts";
import { readSources, type Sources } from "./init/sources.ts";
import { fail } from "./stack.ts";

/** What was read, of both sides. */
interface Look {
  readonly options: Options;
  readonly path: string;
  /** The file's text; undefined where there is none. */
  readonly text: string | undefined;
  /** The file of the nodes, which go there if they are too many for the stack's. */
  readonly list: {
    /** As the configuration has it. */
    readonly path: string;
    /** Whether the stack's file names it; else what is there is somebody's. */
    readonly isNamed: boolean;
    /** Its text; undefined where there is none. */
    readonly text: string | undefined;
  };
  readonly file: StackFile;
  readonly sources: Sources;
  /** UID of the cluster's namespace kube-system. */
  readonly id: string;
  readonly found: FoundNodes;
}

const stopping = new AbortController();
const stop = (): void => stopping.abort(new StepError("OKMM-INIT-STOPPED", "stopped; nothing was written"));
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, stop);

/** A mistake that the user can fix is shown alone. */
function endWith(error: unknown): never {
  if (stopping.signal.aborted) {
    process.stderr.write(`${(stopping.signal.reason as Error).message}\n`);
    process.exit(130);
  }
  if (error instanceof Problems) fail(told("OKMM-INIT-OPTION", error.message));
  if (error instanceof StackFileError) fail(told("OKMM-CONFIG-VALUE", error.message));
  if (error instanceof StepError) fail(error);
  throw error;
}

async function main(parsed: Options | { readonly problems: readonly string[] }): Promise<void> {
  if ("problems" in parsed) throw new Problems(parsed.problems);
  const look = await lookAt(parsed);
  stopping.signal.throwIfAborted();
  for (const note of look.found.notes) print(note);
  await (look.file.isBegun ? compare(look) : begin(look));
}

async function lookAt(chosen: Options): Promise<Look> {
  const path =
    chosen["config-file"] === undefined ? configured(`Pulumi.${chosen.stack}.yaml`) : typed(chosen["config-file"]);
  const text = await readIfThere(path);
  const file = new StackFile(text);
  const list = { path: file.nodesFile ?? `nodes.${chosen.stack}.yaml`, isNamed: file.nodesFile !== undefined };
  const listText = await readIfThere(configured(list.path));
  if (list.isNamed) file.readNodes(listText ?? "");
  const sources = await readSources(chosen, file);
  const { kubeconfig, context } = sources.cluster;
  const { kubectl, id } = await connectTo({ kubeconfig: configured(kubeconfig), context });
  refuseAnother(file, id, context);
  const found = await findNodes(kubectl, chosen, file.nodes, stopping.signal);
  return { options: chosen, path, text, list: { ...list, text: listText }, file, sources, id, found };
}

/** Nothing more is asked of a cluster that isn't the file's: no pod is made there. */
function refuseAnother(file: StackFile, id: string, context: string): void {
  const own = file.text("cluster", "id");
  if (own === undefined || own === id) return;
  throw new StepError(
    "OKMM-CLUSTER-WRONG",
    `another cluster: the context ${context} leads to ${id}, and the file is for ${own}; nothing was written. ` +
      "A stack stays on its cluster (docs/adr/0004-a-stack-keeps-its-identity.md): give the other one a stack of its own",
  );
}

async function begin(look: Look): Promise<void> {
  const { options: chosen, path, file, sources, id, found, list } = look;
  const scanned = chosen["host-keys"] === "keyscan";
  const cluster = { ...sources.cluster, id };
  const { release, ssh } = sources;
  fillIn(file, { cluster, release, ssh, nodes: found.nodes, scanned, nodesFile: list.path });
  await write(look);
  const { nodes } = found;
  print(
    `${shown(path)}: written, for cluster ${id}, OpenOnload ${release.version} and ${counted(nodes.length, "node")}:`,
  );
  for (const { name, address, hostKeys, about } of nodes) {
    print(`  ${name}  ${address}  ${shownKey(hostKeys[0] ?? "")}  ${about}`);
  }
  if (nodes.length > 1)
    print(`${nodes[0]?.name ?? ""} is the canary, the others are held until you take their \`hold\` away.`);
  if (scanned) print(compareKeys);
  print("Read the file, then `pulumi stack init` if there is no such stack yet, and `pulumi preview`.");
}

async function compare(look: Look): Promise<void> {
  const { options: chosen, path, file, sources, found, list } = look;
  const scanned = chosen["host-keys"] === "keyscan";
  const changes = changesIn(file, { ...sources, ...found, scanned, nodesFile: list.path });
  if (changes.length === 0) {
    print(`${shown(path)}: nothing differs from the cluster and the release.`);
    return;
  }
  print(`${shown(path)} differs from what there is:\n${shownChanges(changes)}`);
  const wanted = changes.filter(({ kind }) => chosen.write.includes(kind));
  wanted.forEach(({ apply }) => apply());
  if (wanted.length > 0) await write(look);
  print(wanted.length > 0 ? `Written: ${kindsOf(wanted)}.` : "Nothing was written.");
  const left = changes.filter((change) => !wanted.includes(change));
  if (left.some(({ kind }) => kind === "host-keys")) print(changedKeys);
  if (left.length > 0) print(`To take over what is right: --write ${kindsOf(left)}`);
}

/** The list first: a stack's file that names it is never without it. */
async function write({ path, text, file, list, options: { stack } }: Look): Promise<void> {
  const nodes = file.nodesToString();
  if (nodes !== undefined && list.text !== undefined && !list.isNamed)
    throw new StepError(
      "OKMM-INIT-STOPPED",
      `${list.path} is there already, and the list of ${stack}'s nodes is to go there; nothing was written. Move it away, and run the same command again`,
    );
  if (nodes !== undefined && nodes !== list.text) await replaceFile(configured(list.path), list.text, nodes);
  if (file.toString() !== text) await replaceFile(path, text, file.toString());
}

const compareKeys =
  "Nobody vouches for these keys: compare each on the node's console, `ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub`.";
const changedKeys = "A reinstalled node has another host key; if none was reinstalled, find out why the key changed.";

const kindsOf = (changes: readonly Change[]): string => [...new Set(changes.map(({ kind }) => kind))].join(",");

const shown = (path: string): string => {
  const inside = relative(projectRoot, path);
  return inside.startsWith("..") ? path : inside;
};

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

const options = parseOptions(process.argv.slice(2));
if (options === "help") process.stdout.write(help);
else await main(options).catch(endWith);
