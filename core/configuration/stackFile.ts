import { messageText } from "../text.ts";
import { Document, isMap, isScalar, isSeq, parseDocument, Scalar, type YAMLMap } from "yaml";

/** A stack's file that can't be read as one. */
export class StackFileError extends Error {}

/** A node as the list `onload-kmm:nodes` has it; read leniently, for the schema has its own say. */
export interface ListedNode {
  readonly name: string;
  readonly address: string | undefined;
  readonly hostKey: string | undefined;
  readonly withoutPorts: boolean;
}

/**
 * `Pulumi.<stack>.yaml` with its comments and order, and the file with its nodes where they are in one. Paths are below `config`,
 * in this program's namespace.
 */
export class StackFile {
  readonly document: Document;
  /** The file that `nodesFile` names. */
  #nodesDocument: Document | undefined;

  /**
   * @param text of the file; undefined or empty where there is none yet
   * @throws StackFileError for what isn't YAML
   */
  constructor(text: string | undefined) {
    this.document = documentIn(text ?? "");
    this.document.contents ??= this.document.createNode({});
    if (!isMap(this.document.contents)) throw new StackFileError("it holds no mapping of keys");
  }

  /** Whether it says of which cluster, release or nodes it is; `pulumi stack init` alone writes none of these. */
  get isBegun(): boolean {
    return ["cluster", "release", "nodes", "nodesFile"].some((key) => this.document.hasIn(pathOf([key])));
  }

  /** The file with the nodes, as the configuration has its path; undefined where they are listed here. */
  get nodesFile(): string | undefined {
    return this.text("nodesFile");
  }

  /**
   * Takes the nodes from the text of {@link nodesFile}.
   *
   * @throws StackFileError for what is no list in YAML
   */
  readNodes(text: string): void {
    const document = documentIn(text);
    document.contents ??= document.createNode([]);
    if (!isSeq(document.contents)) throw new StackFileError(`${this.nodesFile ?? ""}: it holds no list of nodes`);
    this.#nodesDocument = document;
  }

  /** The list's size in bytes, with these entries beside its own, as Pulumi hands it over: as JSON in JSON. */
  sizeWith(entries: readonly object[] = []): number {
    const { document, path } = this.#list;
    const list = document.getIn(path);
    const own: unknown = isSeq(list) ? list.toJS(document) : [];
    return [own, entries].reduce<number>((sum, each) => sum + JSON.stringify(JSON.stringify(each)).length, 0);
  }

  /** Moves the list into a file of its own; the comment before it stays. */
  moveNodes(file: string): void {
    const config = this.document.get("config");
    const pair = isMap(config) ? config.items.find(({ key }) => String(key) === "onload-kmm:nodes") : undefined;
    if (pair === undefined || !isSeq(pair.value) || !isScalar(pair.key)) return;
    this.#nodesDocument = new Document(pair.value);
    pair.key.value = "onload-kmm:nodesFile";
    pair.value = this.document.createNode(file);
  }

  /** A string at this path; undefined where there is none. */
  text(...path: readonly [string, ...(string | number)[]]): string | undefined {
    const value = this.document.getIn(pathOf(path));
    return typeof value === "string" ? value : undefined;
  }

  get nodes(): ListedNode[] {
    return this.#entries().map((entry) => {
      const member = (key: string) => {
        const value = entry.get(key);
        return typeof value === "string" ? value : undefined;
      };
      const withoutPorts = entry.get("withoutPorts") === true;
      return { name: member("name") ?? "", address: member("address"), hostKey: member("hostKey"), withoutPorts };
    });
  }

  /** Sets one member and leaves its comments alone. */
  set(path: readonly [string, ...(string | number)[]], value: string): void {
    this.document.setIn(pathOf(path), value);
  }

  setOfNode(name: string, member: "address" | "hostKey", value: string): void {
    this.#entries()
      .find((entry) => entry.get("name") === name)
      ?.set(member, value);
  }

  addNode(entry: Readonly<Record<string, unknown>>, comment: string): void {
    const node = this.document.createNode(entry);
    node.commentBefore = commented(comment);
    const { document, path } = this.#list;
    if (!isSeq(document.getIn(path))) document.setIn(path, document.createNode([]));
    document.addIn(path, node);
  }

  removeNode(name: string): void {
    const { document, path } = this.#list;
    const list = document.getIn(path);
    if (!isSeq(list)) return;
    list.items = list.items.filter((entry) => !isMap(entry) || entry.get("name") !== name);
  }

  /** Adds a key of `config` with a comment before it, unless it is there. */
  addKey(key: string, value: unknown, comment: string): void {
    if (!this.document.has("config")) this.document.set("config", this.document.createNode({}));
    if (this.document.hasIn(["config", key])) return;
    const name = new Scalar(key);
    name.commentBefore = commented(comment);
    // An empty line before the first key would be written with blanks in it.
    const config = this.document.get("config");
    name.spaceBefore = isMap(config) && config.items.length > 0;
    this.document.addIn(["config"], this.document.createPair(name, value));
  }

  toString(): string {
    return this.document.toString({ lineWidth: 0 });
  }

  /** The text of {@link nodesFile}; undefined where the nodes are listed here. */
  nodesToString(): string | undefined {
    return this.#nodesDocument?.toString({ lineWidth: 0 });
  }

  /** Where the list is. */
  get #list(): { readonly document: Document; readonly path: readonly (string | number)[] } {
    if (this.#nodesDocument !== undefined) return { document: this.#nodesDocument, path: [] };
    return { document: this.document, path: pathOf(["nodes"]) };
  }

  #entries(): YAMLMap[] {
    const { document, path } = this.#list;
    const list = document.getIn(path);
    return isSeq(list) ? list.items.filter((entry) => isMap(entry)) : [];
  }
}

/** @throws StackFileError for what isn't YAML, or is nested more deeply than can be read */
export function documentIn(text: string): Document {
  let document;
  try {
    document = parseDocument(text);
    // An alias of nothing shows only when it is written.
    if (document.errors.length === 0) document.toString();
  } catch (error) {
    throw new StackFileError(messageText((error as Error).message));
  }
  const [error] = document.errors;
  if (error !== undefined) throw new StackFileError(messageText(error.message));
  return document;
}

const pathOf = ([key = "", ...path]: readonly (string | number)[]) => ["config", `onload-kmm:${key}`, ...path];

/** Each line as YAML's comments have it: the library puts the # itself. */
const commented = (comment: string): string =>
  comment
    .split("\n")
    .map((line) => ` ${line}`)
    .join("\n");
