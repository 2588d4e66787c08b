/**
 * Stands in for `kubectl` and the API server behind it in the steps' unit tests: objects in the test's own memory, faults on
 * request, every call noted. It knows the commands that the steps use and refuses any other by name; it leaves out
 * validation, admission, namespaces' existence, finalizers and everything that controllers do.
 */
import { parseArgs } from "node:util";
import type { Store, Stored } from "./store.ts";

const known = {
  allowPositionals: true,
  options: {
    kubeconfig: { type: "string", default: "" },
    context: { type: "string", default: "" },
    namespace: { type: "string", short: "n", default: "" },
    "all-namespaces": { type: "boolean", short: "A" },
    selector: { type: "string", short: "l" },
    "field-selector": { type: "string" },
    output: { type: "string", short: "o" },
    filename: { type: "string", short: "f" },
    patch: { type: "string", short: "p" },
    type: { type: "string" },
    raw: { type: "string" },
    wait: { type: "string" },
    timeout: { type: "string" },
    "pod-selector": { type: "string" },
    "ignore-not-found": { type: "boolean" },
    overwrite: { type: "boolean" },
    force: { type: "boolean" },
    "ignore-daemonsets": { type: "boolean" },
    "delete-emptydir-data": { type: "boolean" },
  },
} as const;
const parse = (args: readonly string[]) => parseArgs({ ...known, args: [...args] });

// The call at hand: each is answered at once, before the next.
let command = "";
let store: Store;
let flags: ReturnType<typeof parse>["values"];
let verb: string;
let kind: string;
let name: string | undefined;
let rest: string[];
let stdin: string;

/** How a call ends: its output, or kubectl's own words. */
export interface Answer {
  readonly code: 0 | 1;
  readonly text: string;
}

/** Answers one call on the objects of `on`, and notes it there. */
export function answer(on: Store, args: readonly string[], input: Buffer, isProxied = false): Answer {
  on.calls.push({ argv: args, stdin: input.toString("latin1"), isProxied });
  try {
    const { values, positionals } = parse(args);
    [store, flags, command, stdin] = [on, values, args.join(" "), input.toString("utf8")];
    [verb = "", kind = "", name, ...rest] = positionals;
    if (verb === "config") return { code: 0, text: "admin\nfake\n" };
    if (flags.context !== "fake")
      throw new Refusal(`Error in configuration: context was not found for specified context: ${flags.context}`);
    failIfAsked();
    return { code: 0, text: run() };
  } catch (error) {
    if (error instanceof Refusal) return { code: 1, text: `${error.message}\n` };
    // An option that it doesn't know, or a fault of its own.
    return { code: 1, text: `${(error as Error).stack ?? String(error)}\n` };
  }
}

/** Ends with kubectl's own words. */
class Refusal extends Error {}

const faultOf = ({ faults }: Store, words: string) =>
  faults.find(({ pattern, times }) => times > 0 && new RegExp(pattern).test(words));

/** Whether a call with these arguments would end with a fault. */
export const willFail = (on: Store, args: readonly string[]): boolean => faultOf(on, args.join(" ")) !== undefined;

/** The next fault whose pattern fits this call, used up by it. */
function failIfAsked(): void {
  const fault = faultOf(store, command);
  if (fault === undefined) return;
  fault.times -= 1;
  throw new Refusal(fault.stderr);
}

function run(): string {
  if (flags.raw !== undefined) return verb === "delete" ? removeTag(flags.raw) : raw(flags.raw);
  if (verb === "get") return read();
  if (verb === "create" || verb === "replace") return write();
  if (verb === "patch" || verb === "annotate") return change(name ?? "");
  if (verb === "delete") return remove(name ?? "");
  if (verb === "drain") return "";
  throw new Refusal(`the stand-in for kubectl has no ${verb}`);
}

function read(): string {
  if (kind.includes("/")) return getNamed([kind, name ?? kind, ...rest]);
  return name === undefined ? list() : get(name);
}

function withObjects<T>(work: (objects: Stored[]) => T): T {
  return work(store.objects);
}

/** `lease` and `leases.coordination.k8s.io` are the same kind here. */
const kindOf = (text: string): string => (text.toLowerCase().split(".")[0] ?? "").replace(/s$/, "");

const isAt =
  (ofKind: string, ofName: string, namespace = flags.namespace) =>
  ({ kind: each, metadata }: Stored): boolean =>
    kindOf(each) === kindOf(ofKind) && metadata.name === ofName && (metadata.namespace ?? "") === namespace;

const notFound = (what: string): Refusal => new Refusal(`Error from server (NotFound): ${kind} "${what}" not found`);

function get(wanted: string): string {
  const found = withObjects((objects) => objects.find(isAt(kind, wanted)));
  if (found === undefined) {
    if (flags["ignore-not-found"] === true) return "";
    throw notFound(wanted);
  }
  if (flags.output === "name") return `${kindOf(kind)}/${wanted}\n`;
  return flags.output === "jsonpath={.metadata.uid}" ? found.metadata.uid : JSON.stringify(found);
}

/** `get KIND/NAME … `: those that are there, by name as they were asked for, or as JSON; nothing where there is none. */
function getNamed(wanted: readonly string[]): string {
  const found = withObjects((objects) =>
    wanted.flatMap((asked) => {
      const [ofKind = "", ofName = ""] = asked.split("/");
      // What lies in no namespace is found with any.
      const object = objects.find(isAt(ofKind, ofName)) ?? objects.find(isAt(ofKind, ofName, ""));
      return object === undefined ? [] : [{ asked, object }];
    }),
  );
  if (flags.output === "name") return found.map(({ asked }) => `${asked}\n`).join("");
  return found.length === 0 ? "" : JSON.stringify({ kind: "List", items: found.map(({ object }) => object) });
}

/** `get KIND,KIND …`: as JSON, or by name. */
function list(): string {
  const kinds = kind.split(",");
  const listed = (asked: string) =>
    withObjects((objects) => objects.filter((each) => kindOf(each.kind) === kindOf(asked) && isListed(each)));
  if (flags.output !== "name") return JSON.stringify({ items: kinds.flatMap(listed) });
  return kinds.flatMap((asked) => listed(asked).map(({ metadata }) => `${asked}/${metadata.name}\n`)).join("");
}

function isListed({ metadata, spec }: Stored): boolean {
  if (!isOnNode(spec)) return false;
  if (flags["all-namespaces"] !== true && (metadata.namespace ?? "") !== flags.namespace) return false;
  const terms = (flags.selector ?? "").split(",").filter((term) => term !== "");
  return terms
    .map((term) => term.split("="))
    .every(([key = "", value]) =>
      value === undefined ? key in (metadata.labels ?? {}) : metadata.labels?.[key] === value,
    );
}

/** The one field selector that it knows: `spec.nodeName=…`. */
function isOnNode(spec: unknown): boolean {
  const selector = flags["field-selector"];
  if (selector === undefined) return true;
  const [, node] = /^spec\.nodeName=(.+)$/.exec(selector) ?? [];
  if (node === undefined) throw new Refusal(`the stand-in for kubectl has no field selector ${selector}`);
  return (spec as { nodeName?: string } | undefined)?.nodeName === node;
}

function write(): string {
  const given = JSON.parse(stdin) as Stored & { items?: Stored[] };
  const all = given.kind === "List" ? (given.items ?? []) : [given];
  const [first] = all;
  if (first?.kind.endsWith("Review") === true) return all.map((each) => `${reviewed(each)}\n`).join("");
  for (const each of all) writeOne(each);
  return "";
}

/** The user's rules, where the test gave them: else an administrator's. */
function reviewed({ kind: asked, spec }: Stored): string {
  if (asked === "SelfSubjectRulesReview") {
    const { namespace = "" } = spec as { namespace?: string };
    return (
      store.raw.get(`rules/${namespace}`) ??
      store.raw.get("rules") ??
      '[{"verbs":["*"],"apiGroups":["*"],"resources":["*"]}]'
    );
  }
  if (asked === "SelfSubjectAccessReview") return store.raw.get("allowed") ?? "false";
  throw new Refusal(`the stand-in for kubectl has no ${asked}`);
}

function writeOne(given: Stored): void {
  const { name: own, namespace = "" } = given.metadata;
  withObjects((objects) => {
    const index = objects.findIndex(isAt(given.kind, own, namespace));
    const [old] = index < 0 ? [] : objects.splice(index, 1);
    if (verb === "create" && old !== undefined) throw new Refusal(`Error from server (AlreadyExists): "${own}"`);
    if (verb === "replace") requireSame(given, old);
    const version = Number(old?.metadata.resourceVersion ?? 0) + 1;
    given.metadata = { ...given.metadata, uid: old?.metadata.uid ?? `uid-${own}`, resourceVersion: String(version) };
    objects.push(given);
  });
}

function requireSame({ metadata }: Stored, old: Stored | undefined): void {
  if (old === undefined) throw notFound(metadata.name);
  if (metadata.resourceVersion === old.metadata.resourceVersion) return;
  throw new Refusal(`Error from server (Conflict): "${metadata.name}": the object has been modified`);
}

function change(wanted: string): string {
  const annotation = /^(.+?)=(.*)$/s.exec(rest[0] ?? "");
  const patch: unknown =
    verb === "patch"
      ? JSON.parse(flags.patch ?? "")
      : { metadata: { annotations: { [annotation?.[1] ?? ""]: annotation?.[2] } } };
  return withObjects((objects) => {
    const found = objects.find(isAt(kind, wanted));
    if (found === undefined) throw notFound(wanted);
    merge(found, patch as Record<string, unknown>);
    found.metadata.resourceVersion = String(Number(found.metadata.resourceVersion ?? 0) + 1);
    return flags.output === "jsonpath={.metadata.uid}" ? found.metadata.uid : "";
  });
}

/** JSON Merge Patch (RFC 7386). */
function merge(target: Record<string, unknown>, patch: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(target, key);
    else if (typeof value !== "object") target[key] = value;
    else merge((target[key] ??= {}) as Record<string, unknown>, value as Record<string, unknown>);
  }
}

function remove(wanted: string): string {
  return withObjects((objects) => {
    const index = objects.findIndex(isAt(kind, wanted));
    if (index < 0 && flags["ignore-not-found"] !== true) throw notFound(wanted);
    if (index >= 0) objects.splice(index, 1);
    return "";
  });
}

const tagPath = /namespaces\/(?<namespace>[^/]+)\/imagestreamtags\/(?<stream>[^:]+):(?<tag>.+)$/;

/** `delete --raw …/imagestreamtags/STREAM:TAG`. */
function removeTag(path: string): string {
  const { namespace, stream = "", tag } = tagPath.exec(path)?.groups ?? {};
  const found = withObjects((objects) => objects.find(isAt("ImageStream", stream, namespace)));
  const status = found?.["status"] as { tags: { tag: string }[] } | undefined;
  const index = status?.tags.findIndex((each) => each.tag === tag) ?? -1;
  if (index < 0) throw new Refusal(`Error from server (NotFound): imagestreamtags "${stream}:${tag}" not found`);
  status?.tags.splice(index, 1);
  return "{}";
}

/** What a test gave as the answer for this path, known by its last segment without query. */
function raw(path: string): string {
  const text = store.raw.get(path.replace(/\?.*$/, "").split("/").at(-1) ?? "");
  if (text === undefined) throw new Refusal(`Error from server (NotFound): ${path}`);
  return text;
}
