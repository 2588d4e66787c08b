import type { ClusterAccess } from "../../core/cluster/clusterAccess.ts";
import { KubeProxy, type ServerAnswer } from "./kubeProxy.ts";
import { groupsIn, isAbsent, listIn, objectIn } from "./kubeJson.ts";
import { Kubectl, type ApiGroups, type KubeObject } from "./kubectl.ts";

const json = "application/json";
/** An object without its content (Kubernetes documentation, "Kubernetes API concepts", "Metadata-only fetches"). */
const metadataOnly = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/** One object, or, without a name, all that are selected. */
interface Wanted {
  /** The plural, and the group where it has one. */
  readonly kind: string;
  readonly name?: string;
  /** Absent: of no namespace, or of all. */
  readonly namespace?: string | undefined;
  readonly selector?: string | undefined;
}

/**
 * As {@link Kubectl}, but reads through one `kubectl proxy`, which is a process and a login once. Whatever isn't answered
 * plainly there is asked by kubectl itself: it knows the words for what is wrong, and waits for an API server that is away.
 * Call `end()`.
 */
export class ProxiedKubectl extends Kubectl {
  readonly #proxy: Promise<KubeProxy | undefined>;
  #groups: Promise<ApiGroups> | undefined;

  constructor(cluster: ClusterAccess, patience: number) {
    super(cluster, patience);
    this.#proxy = KubeProxy.start(this.commandLine).catch(() => undefined);
  }

  async end(): Promise<void> {
    (await this.#proxy)?.end();
  }

  override async get<T extends KubeObject>(kind: string, name: string, namespace?: string): Promise<T | undefined> {
    const answer = await this.#read({ kind, name, namespace }, json);
    if (answer?.status === 200) return objectIn(answer.body, `get ${kind} ${name}`) as T;
    return isAbsentIn(answer, name) ? undefined : super.get<T>(kind, name, namespace);
  }

  override async list<T extends KubeObject>(...args: string[]): Promise<T[]> {
    const wanted = selectedBy(args);
    const answer = wanted && (await this.#read(wanted, json));
    return answer?.status === 200 ? (listIn(answer.body, `get ${args.join(" ")}`) as T[]) : super.list<T>(...args);
  }

  override async existing(names: readonly string[], namespace: string): Promise<string[]> {
    const read = async (singular: string) => {
      const wanted = named(singular);
      const answer = await this.#read({ ...wanted, namespace }, metadataOnly);
      const isThere = answer?.status === 200;
      return { singular, isThere, isPlain: isThere || isAbsentIn(answer, wanted.name) };
    };
    const found = await Promise.all(names.map(read));
    if (!found.every(({ isPlain }) => isPlain)) return super.existing(names, namespace);
    return found.filter(({ isThere }) => isThere).map(({ singular }) => singular);
  }

  override apiGroups(): Promise<ApiGroups> {
    return (this.#groups ??= this.#readGroups());
  }

  async #readGroups(): Promise<ApiGroups> {
    const answer = await this.#ask("/apis", json);
    return answer?.status === 200 ? groupsIn(answer.body) : super.apiGroups();
  }

  async #read(wanted: Wanted, accept: string): Promise<ServerAnswer | undefined> {
    // Without it kubectl would ask for the groups, and each question for each.
    if ((await this.#proxy) === undefined) return undefined;
    let answer: ServerAnswer | undefined;
    for (const path of pathsOf(wanted, await this.apiGroups())) {
      answer = await this.#ask(path, accept);
      // The version that a group prefers needn't have all of its kinds.
      if (answer?.status !== 404 || isAbsentIn(answer, wanted.name)) break;
    }
    return answer;
  }

  async #ask(path: string, accept: string): Promise<ServerAnswer | undefined> {
    return (await this.#proxy)?.get(path, accept).catch(() => undefined);
  }
}

const isAbsentIn = (answer: ServerAnswer | undefined, name: string | undefined): boolean =>
  answer?.status === 404 && name !== undefined && isAbsent(answer.body, name);

/** `secret/onload` is of the kind `secrets`. */
function named(singular: string): { kind: string; name: string } {
  const [whole = "", name = ""] = singular.split("/");
  const [kind = "", ...group] = whole.split(".");
  return { kind: [`${kind}s`, ...group].join("."), name };
}

/** What `kubectl get` selects by these words; undefined where they say more. */
function selectedBy([kind = "", ...words]: readonly string[]): Wanted | undefined {
  const wanted: { kind: string; namespace?: string | undefined; selector?: string | undefined } = { kind };
  for (let at = 0; at < words.length; at += 1) {
    if (words[at] === "-A") continue;
    else if (words[at] === "-n") wanted.namespace = words[(at += 1)];
    else if (words[at] === "-l") wanted.selector = words[(at += 1)];
    else return undefined;
  }
  return wanted;
}

/** One path for each version of the group. */
function pathsOf({ kind, name, namespace, selector }: Wanted, groups: ApiGroups): string[] {
  const [plural = "", ...ofGroup] = kind.split(".");
  const group = ofGroup.join(".");
  const roots = group === "" ? ["/api/v1"] : (groups.get(group) ?? []).map((version) => `/apis/${group}/${version}`);
  const where = namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`;
  const which = name === undefined ? "" : `/${encodeURIComponent(name)}`;
  const query = selector === undefined ? "" : `?labelSelector=${encodeURIComponent(selector)}`;
  return roots.map((root) => `${root}${where}/${plural}${which}${query}`);
}
