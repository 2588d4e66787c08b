import { execFile, spawn, type ChildProcess } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import {
  apiServerReminderSeconds,
  apiServerRetrySeconds,
  apiServerSeconds,
  customResourceSeconds,
} from "../../core/patience.ts";
import { excerpt } from "../../core/text.ts";
import type { ClusterAccess } from "../../core/cluster/clusterAccess.ts";
import { isAway } from "./apiServerAway.ts";
import { now, sleep } from "../lib/clock.ts";
import { currentDeadline } from "../lib/deadline.ts";
import { expandHome } from "../lib/expandHome.ts";
import {
  failedFor,
  isNoKubeconfig,
  isUnknownContext,
  isUnknownKind,
  KubectlError,
  ServerAway,
} from "./kubectlError.ts";
import { groupsIn, listIn, objectIn } from "./kubeJson.ts";
import { progress, StepError } from "../lib/step.ts";

/** A Kubernetes object as JSON, known as far as every object is. */
export interface KubeObject {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
    readonly resourceVersion?: string;
  };
}

/** Versions of each API group by its name, the one first that the server prefers. */
export type ApiGroups = ReadonlyMap<string, readonly string[]>;

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs kubectl once with these arguments; whatever comes of it, it ends. */
type Execute = (args: readonly string[], input?: string | Buffer, signal?: AbortSignal) => Promise<Ended>;

/** A command that may be tried several times. */
interface Command {
  /** Its arguments, asked for before each try. */
  readonly args: () => readonly string[];
  /** When no further try may begin, in ms since 1970. */
  readonly deadline: number;
  readonly input?: string | Buffer | undefined;
  /** Ends it, and no further try begins. */
  readonly signal?: AbortSignal | undefined;
}

/** Connects to the one cluster that this stack may touch. @throws StepError as {@link identify} does */
export async function connect(cluster: ClusterAccess, patience = apiServerSeconds): Promise<Kubectl> {
  const kubectl = new Kubectl(cluster, patience);
  await identify(kubectl, cluster);
  return kubectl;
}

/** @throws StepError when the cluster behind the context is another one, or refuses */
export async function identify(kubectl: Kubectl, cluster: ClusterAccess): Promise<void> {
  const asked = kubectl.run(["get", "namespace", "kube-system", "-o", "jsonpath={.metadata.uid}"]);
  const uid = await asked.catch(async (error: unknown) => {
    if (!(error instanceof StepError)) throw error;
    if (isNoKubeconfig(error.message)) throw noKubeconfig(cluster);
    throw isUnknownContext(error.message) ? await unknownContext(cluster, kubectl) : error;
  });
  if (uid === cluster.id) return;
  throw new StepError(
    "OKMM-CLUSTER-WRONG",
    `wrong cluster: context "${cluster.context}" of ${cluster.kubeconfig} leads to the cluster ${uid || "without an identity"}, ` +
      `but onload-kmm:cluster.id is ${cluster.id}; nothing was changed. Switch the kubeconfig back, or use the stack of that cluster` +
      (uid === "" ? "" : `; for a stack that has never run, \`pulumi config set --path onload-kmm:cluster.id ${uid}\``),
  );
}

const noKubeconfig = ({ kubeconfig }: ClusterAccess): StepError =>
  new StepError(
    "OKMM-CONFIG-VALUE",
    `onload-kmm:cluster.kubeconfig: found "${kubeconfig}": no such file, expected the path of a kubeconfig file; a relative ` +
      "one begins in the project's directory",
  );

/** What the kubeconfig has in the context's place. */
async function unknownContext({ kubeconfig, context }: ClusterAccess, kubectl: Kubectl): Promise<StepError> {
  const names = (await kubectl.run(["config", "get-contexts", "-o", "name"])).split("\n").filter((name) => name !== "");
  const known = names.length === 0 ? "none" : names.join(", ");
  return new StepError(
    "OKMM-CLUSTER-CONTEXT",
    `onload-kmm:cluster.context: found "${context}", expected one of the contexts in ${kubeconfig}: ${known}`,
  );
}

/** `kubectl` or `oc`, whichever is on PATH, always with this cluster's kubeconfig and context. */
export class Kubectl {
  readonly #connection: string[];
  readonly #patience: number;
  readonly #execute: Execute;
  #awayAt = 0;
  #saidAwayAt = 0;

  /**
   * Use {@link connect}, or {@link identify}: they check which cluster answers.
   *
   * @param execute who runs the commands; a test answers them without a process
   */
  constructor(cluster: ClusterAccess, patience: number, execute: Execute = executing(findProgram())) {
    const kubeconfig = expandHome(cluster.kubeconfig);
    this.#connection = ["--kubeconfig", kubeconfig, "--context", cluster.context];
    this.#patience = patience;
    this.#execute = execute;
  }

  /**
   * Runs one command and gives its stdout. While the API server is away it tries again, so commands must be
   * such that a second run does no harm.
   *
   * @throws KubectlError with kubectl's own message
   */
  run(args: readonly string[], input?: string | Buffer, signal?: AbortSignal): Promise<string> {
    return this.#persist({ args: () => args, deadline: currentDeadline(), input, signal });
  }

  /**
   * As {@link run}, for a command that has a time limit of its own, which all tries share: `args` is told the whole seconds
   * that are left.
   */
  runWithin(seconds: number, args: (left: number) => readonly string[]): Promise<string> {
    const deadline = Math.min(now() + seconds * 1000, currentDeadline());
    return this.#persist({ args: () => args(Math.ceil((deadline - now()) / 1000)), deadline });
  }

  /** As {@link run}, for a change of an object that may have gone meanwhile, by somebody else's hand: undefined then. */
  async runIfThere(args: readonly string[]): Promise<string | undefined> {
    try {
      return await this.run(args);
    } catch (error) {
      if (failedFor(error, "NotFound") && !error.isUnknownKind) return undefined;
      throw error;
    }
  }

  async #persist({ args, deadline, input, signal }: Command): Promise<string> {
    let awaySince: number | undefined;
    for (;;) {
      const words = args();
      const { code, stdout, stderr } = await this.#once(words, input, signal);
      if (code === 0) return stdout;
      // From the first failure: a drain may have gone on for longer than that before the API server went away.
      awaySince ??= now();
      const givenUp = now() - awaySince > this.#patience * 1000 || now() + apiServerRetrySeconds * 1000 >= deadline;
      const message = `kubectl ${words.join(" ")}: ${reasonIn(stderr)}`;
      if (signal?.aborted === true || !(await this.#isAway(stderr))) throw new KubectlError(message, stderr);
      if (givenUp) throw new ServerAway(message, stderr);
      this.#sayAway(stderr);
      await sleep(apiServerRetrySeconds * 1000);
    }
  }

  /** One object, or undefined when there is none. */
  async get<T extends KubeObject>(kind: string, name: string, namespace?: string): Promise<T | undefined> {
    const where = namespace === undefined ? [] : ["-n", namespace];
    const json = await this.run(["get", kind, name, ...where, "-o", "json", "--ignore-not-found"]);
    return json === "" ? undefined : (objectIn(json, `get ${kind} ${name}`) as T);
  }

  /** All objects that `args` selects, for example `["pods", "-n", "x", "-l", "a=b"]`. */
  async list<T extends KubeObject>(...args: string[]): Promise<T[]> {
    return listIn(await this.run(["get", ...args, "-o", "json"]), `get ${args.join(" ")}`) as T[];
  }

  /** As {@link get}; undefined, too, where the cluster doesn't know the kind. */
  async getKnown<T extends KubeObject>(kind: string, name: string, namespace?: string): Promise<T | undefined> {
    return this.get<T>(kind, name, namespace).catch((error: unknown) => whereUnknown(error, undefined));
  }

  /** As {@link list}; empty where the cluster doesn't know the kind. */
  async listKnown<T extends KubeObject>(...args: string[]): Promise<T[]> {
    return this.list<T>(...args).catch((error: unknown) => whereUnknown(error, []));
  }

  /** Which of these objects are there, each given and named as `kubectl get -o name` prints it. Their content isn't read. */
  async existing(names: readonly string[], namespace: string): Promise<string[]> {
    const printed = await this.run(["get", ...names, "-n", namespace, "-o", "name", "--ignore-not-found"]);
    return printed.split("\n").filter((name) => name !== "");
  }

  /** The cluster's API groups. */
  async apiGroups(): Promise<ApiGroups> {
    return groupsIn(await this.run(["get", "--raw", "/apis"]));
  }

  /** What each of its commands begins with. */
  protected get commandLine(): readonly string[] {
    return [findProgram(), ...this.#connection];
  }

  /** A child process of the same program, for what streams. The caller ends it. */
  stream(args: readonly string[], stdio: "pipe" | "ignore" = "ignore"): ChildProcess {
    return spawn(findProgram(), [...this.#connection, ...args], { stdio: [stdio, "pipe", "pipe"] });
  }

  /** Now and then: several commands may try at once, for minutes, and what a step prints is limited. */
  #sayAway(stderr: string): void {
    if (now() - this.#saidAwayAt < apiServerReminderSeconds * 1000) return;
    this.#saidAwayAt = now();
    const who = stderr.includes("failed calling webhook") ? "a webhook of the API server" : "the API server";
    progress(`${who} is away (${lastLine(stderr)}); trying again`);
  }

  async #isAway(stderr: string): Promise<boolean> {
    if (isAway(stderr)) {
      this.#awayAt = now();
      return true;
    }
    if (!isUnknownKind(stderr)) return false;
    if (now() - this.#awayAt < customResourceSeconds * 1000) return true;
    const { code, stderr: why } = await this.#once(["get", "--raw", "/readyz"]);
    // At the end of its list of checks: `[-]poststarthook/crd-informer-synced failed: …`.
    return code !== 0 && (isAway(why) || /\breadyz check failed\b/.test(why));
  }

  #once(args: readonly string[], input?: string | Buffer, signal?: AbortSignal): Promise<Ended> {
    return this.#execute([...this.#connection, ...args], input, signal);
  }
}

/** Characters of kubectl's stderr that are looked at: its end has the reason. */
const longestWords = 64 * 1024;

const executing =
  (program: string): Execute =>
  (args, input, signal) =>
    new Promise((resolve) => {
      const options = { maxBuffer: 256 * 1024 * 1024, signal };
      const child = execFile(program, args, options, (error, stdout, stderr) => {
        const words = stderr.slice(-longestWords) || (error?.message ?? "");
        resolve({ code: error === null ? 0 : 1, stdout, stderr: words });
      });
      // A command that doesn't read its input may be gone before it is written.
      child.stdin?.on("error", () => undefined).end(input);
    });

/** kubectl's own word, without the log of its client library, and what to do where it isn't let in. */
function reasonIn(stderr: string): string {
  const words = stderr.split("\n").filter((line) => !/^[IWEF]\d{4} /.test(line));
  const reason = words.join("\n").trim() || stderr.trim();
  if (!/You must be logged in|Unauthorized/.test(reason)) return reason;
  return `${reason}; the kubeconfig's token or certificate has expired: log in again, then run the same command again`;
}

/** The answer for a kind that the cluster doesn't have; whatever else is wrong is thrown on. */
function whereUnknown<T>(error: unknown, answer: T): T {
  if (error instanceof KubectlError && error.isUnknownKind) return answer;
  throw error;
}

const lastLine = (output: string): string => excerpt(output.trim().split("\n").at(-1) ?? "", longestLine);

/** Characters of kubectl's last line that progress repeats. */
const longestLine = 500;

function findProgram(): string {
  const directories = (process.env.PATH ?? "").split(delimiter);
  const found = ["kubectl", "oc"]
    .flatMap((name) => directories.map((directory) => join(directory, name)))
    .find(isExecutable);
  if (found !== undefined) return found;
  throw new StepError(
    "OKMM-KUBECTL-MISSING",
    "neither kubectl nor oc is on PATH; install one of them (OpenShift's console offers `oc` under ?)",
  );
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
