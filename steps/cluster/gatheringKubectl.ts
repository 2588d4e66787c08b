import { listIn } from "./kubeJson.ts";
import { Kubectl, type KubeObject } from "./kubectl.ts";
import { ServerAway } from "./kubectlError.ts";

/** A question for one object, or for all of a kind in the whole cluster. */
interface Question {
  /** The plural, and the group where it has one. */
  readonly kind: string;
  /** Absent: all of the kind. */
  readonly name?: string;
  readonly namespace?: string | undefined;
  /** Asks for this one alone. */
  readonly alone: () => Promise<KubeObject[]>;
  readonly answer: (objects: KubeObject[] | Promise<KubeObject[]>) => void;
}

/** As the API server gives objects. */
type Typed = KubeObject & { readonly kind?: string; readonly apiVersion?: string };

/**
 * As {@link Kubectl}, but what is asked for at the same moment is read by one call of kubectl for all lists and one for all
 * objects: each call is a process and a connection. Where such a call fails each question is asked alone, so that an error
 * names what it is about, and a kind that the cluster doesn't have spoils no other.
 */
export class GatheringKubectl extends Kubectl {
  #waiting: Question[] = [];

  override async get<T extends KubeObject>(kind: string, name: string, namespace?: string): Promise<T | undefined> {
    const alone = async () => {
      const found = await super.get<T>(kind, name, namespace);
      return found === undefined ? [] : [found];
    };
    const [found] = await this.#ask({ kind, name, namespace, alone });
    return found as T | undefined;
  }

  override async list<T extends KubeObject>(...args: string[]): Promise<T[]> {
    const alone = () => super.list<T>(...args);
    const [kind = "", ...where] = args;
    // Others are for one namespace, or by labels.
    return where.every((word) => word === "-A") ? ((await this.#ask({ kind, alone })) as T[]) : alone();
  }

  #ask(question: Omit<Question, "answer">): Promise<KubeObject[]> {
    return new Promise((answer) => {
      this.#waiting.push({ ...question, answer });
      // It runs when everything that asks at this moment has asked.
      if (this.#waiting.length === 1) queueMicrotask(() => this.#begin());
    });
  }

  #begin(): void {
    const questions = this.#waiting.splice(0);
    const lists = questions.filter(({ name }) => name === undefined);
    const objects = questions.filter(({ name }) => name !== undefined);
    // One call knows one namespace; it doesn't matter to what lies in none.
    const namespace = objects.find((each) => each.namespace !== undefined)?.namespace;
    const within = objects.filter((each) => each.namespace === undefined || each.namespace === namespace);
    this.#together(lists, [lists.map(({ kind }) => kind).join(","), "-A"]);
    this.#together(within, [
      ...within.map(({ kind, name = "" }) => `${kind}/${name}`),
      ...(namespace === undefined ? [] : ["-n", namespace]),
    ]);
    for (const { answer, alone } of objects.filter((each) => !within.includes(each))) answer(alone());
  }

  /** @param what as `kubectl get` takes it */
  #together(questions: readonly Question[], what: readonly string[]): void {
    const reading = questions.length > 1 ? this.#read(what) : Promise.resolve(undefined);
    for (const question of questions) {
      const own = (found: Typed[] | undefined) => found?.filter((object) => isAskedFor(object, question));
      question.answer(reading.then(async (found) => own(found) ?? (await question.alone())));
    }
  }

  /** Undefined where it must be asked for one by one. */
  async #read(what: readonly string[]): Promise<Typed[] | undefined> {
    const args = ["get", ...what, "-o", "json", "--ignore-not-found"];
    try {
      const json = await this.run(args);
      // Where there is none of them nothing is printed.
      return json === "" ? [] : (listIn(json, args.join(" ")) as Typed[]);
    } catch (error) {
      // Asked one by one it would be waited for once more.
      if (error instanceof ServerAway) throw error;
      return undefined;
    }
  }
}

/** `nodes` are of kind Node, `modules.kmm.sigs.x-k8s.io` of kind Module in that group; what is plural already stays. */
function isAskedFor({ kind = "", apiVersion = "", metadata }: Typed, asked: Question): boolean {
  const [plural, ...group] = asked.kind.split(".");
  const singular = kind.toLowerCase();
  if (plural !== singular && plural !== `${singular}s`) return false;
  const ofGroup = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  if (apiVersion !== "" && group.join(".") !== ofGroup) return false;
  if (asked.name === undefined) return true;
  return metadata.name === asked.name && (asked.namespace === undefined || metadata.namespace === asked.namespace);
}
