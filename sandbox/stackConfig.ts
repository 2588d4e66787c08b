/**
 * The stack's configuration follows the sandbox. What names a thing of the sandbox is the sandbox's: cluster, release
 * package, SSH key, and where each node is reached. All else in the file is the user's, and stays as it is.
 */
import { readFile, rename, writeFile } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { type Document, isMap, isSeq, parseDocument, type YAMLMap } from "yaml";
import type { NodeAccess } from "./nodes/access.ts";
import { hostKeyOf } from "./nodes/sshKeys.ts";
import { isDefaultDirectory, projectRoot, stateDirectory } from "./paths.ts";
import type { MadeRelease } from "./release/makeRelease.ts";
import { UserError } from "./userError.ts";

/** The stack that a sandbox is for. */
export const stackName = "dev";

/** What a configuration is written from. */
export interface SandboxFacts {
  /** Its state directory. */
  readonly dir: string;
  readonly clusterId: string;
  readonly release: MadeRelease;
  readonly nodes: readonly NodeAccess[];
}

/** How a configuration is brought up to date. */
export interface FollowOptions {
  /** It belonged to another sandbox until now: the cluster is written in any case. */
  readonly copied: boolean;
  /**
   * Nodes of the sandbox that aren't listed are added, and entries for sandbox nodes that don't exist are removed.
   * Once only: later, a node that isn't listed is one that the user removed.
   */
  readonly listNodes: boolean;
}

/** What became of the file. `foreign`: it is for a cluster that is no sandbox. */
export type ConfigOutcome = "right" | "made" | "rewritten" | "foreign";

/** The configuration of a stack on this sandbox: in the checkout for the checkout's own, else in the state directory. */
export function configFileOf(dir: string, stack = stackName): string {
  return join(isDefaultDirectory(dir) ? projectRoot : dir, `Pulumi.${stack}.yaml`);
}

/** Creates or corrects the configuration of stack `dev`. A file that is already right isn't written. */
export async function writeStackConfig(
  sandbox: SandboxFacts,
  { listNodes }: Pick<FollowOptions, "listNodes">,
): Promise<ConfigOutcome> {
  const file = configFileOf(sandbox.dir);
  const own = await readIfThere(file);
  const model = configFileOf(stateDirectory(undefined, {}));
  const text = own ?? (await readIfThere(model));
  if (text === undefined) throw new UserError(`${model} is missing; \`git checkout ${model}\` brings it back`);
  const followed = followSandbox(text, sandbox, { copied: own === undefined, listNodes });
  if (followed === undefined) return "foreign";
  if (followed === own) return "right";
  await writeFile(`${file}.new`, followed);
  await rename(`${file}.new`, file);
  return own === undefined ? "made" : "rewritten";
}

function readIfThere(file: string): Promise<string | undefined> {
  return readFile(file, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
}

/** The text of a configuration that names this sandbox as it is; the same text when it does already. */
export function followSandbox(text: string, sandbox: SandboxFacts, options: FollowOptions): string | undefined {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new UserError(`the configuration of stack ${stackName}: ${error.message}`);
  const config = new Configuration(document, sandbox.dir);
  if (!options.copied && !config.isOurs("cluster", "kubeconfig")) return undefined;
  config.setPath(["cluster", "kubeconfig"], join(sandbox.dir, "kubeconfig"));
  config.set(["cluster", "context"], "sandbox");
  config.set(["cluster", "id"], sandbox.clusterId);
  if (config.isOurs("release", "package")) {
    config.setPath(["release", "package"], sandbox.release.package);
    config.set(["release", "sha256"], sandbox.release.sha256);
    config.set(["release", "version"], sandbox.release.version);
  }
  if (config.isOurs("ssh", "privateKeyFile")) {
    config.set(["ssh", "user"], "core");
    config.setPath(["ssh", "privateKeyFile"], join(sandbox.dir, "ssh", "id_ed25519"));
  }
  if (options.listNodes) config.listNodes(sandbox.nodes);
  config.followNodes(sandbox.nodes);
  return config.changed ? document.toString({ lineWidth: 0 }) : text;
}

/** What is reached over a loopback port as the program's own client of consoles takes it. */
const consoleOf = ({ consolePort }: NodeAccess): string => `tcp:127.0.0.1:${consolePort}`;

/** A configuration's document, with comments and order; paths are below `config`, in this program's namespace. */
class Configuration {
  changed = false;
  readonly #document: Document;
  readonly #dir: string;

  constructor(document: Document, dir: string) {
    this.#document = document;
    this.#dir = dir;
  }

  /** Whether this path of a file is one of this sandbox's, or of the checkout's own one, whose configuration is the model. */
  isOurs(key: string, member: string): boolean {
    const value = this.#get([key, member]);
    if (typeof value !== "string") return false;
    const file = resolve(projectRoot, value);
    return [this.#dir, stateDirectory(undefined, {})].some((dir) => file.startsWith(dir + sep));
  }

  set([key, ...path]: [string, ...(string | number)[]], value: string): void {
    if (this.#get([key, ...path]) === value) return;
    this.#document.setIn(keyPath(key, path), value);
    this.changed = true;
  }

  /** Paths in the checkout are relative to it, as the program takes them; another spelling of the same file is right. */
  setPath(path: [string, string], file: string): void {
    const value = this.#get(path);
    if (typeof value === "string" && resolve(projectRoot, value) === file) return;
    this.set(path, isDefaultDirectory(this.#dir) ? relative(projectRoot, file) : file);
  }

  /** Lists exactly the sandbox's workers of those that any sandbox could have; other entries stay. */
  listNodes(nodes: readonly NodeAccess[]): void {
    // A list in a file of its own is its author's.
    if (this.#get(["nodesFile"]) !== undefined) return;
    const names = new Set(nodes.map(({ name }) => name));
    const stale = this.#nodes().filter(({ entry }) => !names.has(nameOf(entry)) && isSandboxNode(entry));
    for (const { index } of stale.toReversed()) this.#document.deleteIn(keyPath("nodes", [index]));
    const listed = new Set(this.#nodes().map(({ entry }) => nameOf(entry)));
    const missing = nodes.filter(({ name, solarflare }) => solarflare && !listed.has(name));
    if (!isSeq(this.#get(["nodes"])) && missing.length > 0)
      this.#document.setIn(keyPath("nodes", []), this.#document.createNode([]));
    for (const node of missing.toSorted(byNumber)) {
      const { name, address, hostKey } = node;
      const entry = this.#document.createNode({ name, address, hostKey, console: consoleOf(node) });
      this.#document.addIn(keyPath("nodes", []), entry);
    }
    this.changed ||= stale.length + missing.length > 0;
  }

  /** Has the entries of the sandbox's nodes say where these are. A console of the user's own choice stays. */
  followNodes(nodes: readonly NodeAccess[]): void {
    for (const { index, entry } of this.#nodes()) {
      const node = nodes.find(({ name }) => name === nameOf(entry));
      if (node === undefined) continue;
      this.set(["nodes", index, "address"], node.address);
      this.set(["nodes", index, "hostKey"], node.hostKey);
      const console = entry.get("console");
      if (typeof console === "string" && /^tcp:127\.0\.0\.1:\d+$/.test(console)) {
        this.set(["nodes", index, "console"], consoleOf(node));
      }
      if (!isMap(entry.get("bmc"))) continue;
      this.set(["nodes", index, "bmc", "url"], node.bmc.url);
      this.set(["nodes", index, "bmc", "fingerprint"], node.bmc.fingerprint);
    }
  }

  #nodes(): { index: number; entry: YAMLMap }[] {
    const list = this.#get(["nodes"]);
    if (!isSeq(list)) return [];
    return list.items.flatMap((entry, index) => (isMap(entry) ? [{ index, entry }] : []));
  }

  #get([key, ...path]: [string, ...(string | number)[]]): unknown {
    return this.#document.getIn(keyPath(key, path));
  }
}

const keyPath = (key: string, path: readonly (string | number)[]) => ["config", `onload-kmm:${key}`, ...path];

const nameOf = (entry: YAMLMap): string => String(entry.get("name"));

/** A sandbox's host keys follow from the nodes' names. */
const isSandboxNode = (entry: YAMLMap): boolean => entry.get("hostKey") === hostKeyOf(nameOf(entry)).publicKey;

const byNumber = (one: NodeAccess, other: NodeAccess): number =>
  one.name.localeCompare(other.name, "en", { numeric: true });
