import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Informer, type Kube, type KubeObject, type Resource } from "./kube.ts";

/** Where the switches are: `kubectl -n sandbox patch configmap switches --type merge -p '{"data":{"build.fail":"."}}'`. */
export const SWITCHES_TARGET = { namespace: "sandbox", name: "switches" } as const;

/** Every switch of every stand-in, nearly all of them failures: a data key of the ConfigMap, and what its value means. */
const SWITCHES = {
  "bmc.busy": "regexp on a node's name: its BMC answers 503 to everything",
  "build.fail": "regexp on NAMESPACE/NAME of a Build: its first RUN fails",
  "build.hang": "regexp on NAMESPACE/NAME of a Build: it stays Running until it is cancelled or the switch is off",
  "build.long-line": "regexp on NAMESPACE/NAME of a Build that fails: its log has a line of 190 KB before the end",
  "build.pending":
    "regexp on NAMESPACE/NAME of a Build: it stays Pending, with a pod that can't be scheduled, while the switch is on",
  "build.seconds": "the least that a Build runs, in seconds (default 0.6)",
  "gateway.cut":
    "seconds: connections through the gateway are cut at this age; 0: all are cut at once, and none is accepted",
  "node.boot-id-unchanged": "regexp on a node's name: its reboots leave the boot ID as it was",
  "node.boot.seconds": "how long a node's kernel and kubelet take to come up, in seconds (default 1.5)",
  "node.db-unchanged": "regexp on a node's name: its firmware ignores what the BMC was asked to do to db",
  "node.driver-fails": "regexp on a node's name: its kernel's own modules can't be loaded by hand, only at boot",
  "node.in-use": "regexp on a node's name: its onload module is in use and can't be unloaded",
  "node.never-returns": "regexp on a node's name: after a reboot it stays off while the switch is on",
  "node.repeats-looks":
    "regexp on a node's name: it repeats its answers to looks while its machine stays as it is; no failure, but for benchmarks",
  "pull.fail": "regexp on an image reference: no node can pull it",
  "push.fail": "regexp on an image reference: the registry refuses the push",
  "ssh.cut": "regexp on NODE COMMAND: the connection is cut as soon as that command has run",
  "ssh.refuse": "regexp on a node's name: its SSH server refuses connections",
  "sign.fail": "regexp on NAMESPACE/NAME of a sign Build: sign-file fails",
} as const;

/** The name of a switch. */
export type SwitchName = keyof typeof SWITCHES;

interface ConfigMap extends KubeObject {
  data?: Record<string, string>;
}

const configMaps: Resource<ConfigMap> = {
  group: "",
  version: "v1",
  plural: "configmaps",
  kind: "ConfigMap",
  namespaced: true,
};

/** The processes that follow the switches. */
const followers = ["gateway", "nodes", "openshift"] as const;
type Follower = (typeof followers)[number];

/** Where a process notes which version of the ConfigMap it knows. */
const noteOf = (stateDir: string, follower: Follower): string => join(stateDir, `switches.${follower}`);

/** Who doesn't know this version of the switches yet. Who never was started doesn't count. */
export async function unaware(stateDir: string, resourceVersion: string): Promise<Follower[]> {
  const known = await Promise.all(
    followers.map((each) => readFile(noteOf(stateDir, each), "utf8").catch(() => resourceVersion)),
  );
  return followers.filter((_, at) => Number(known[at]) < Number(resourceVersion));
}

/** The failure switches as they are now. */
export class Switches {
  readonly #informer: Informer<ConfigMap>;
  readonly #listeners = new Set<() => void>();
  #noted: Promise<void> = Promise.resolve();

  /**
   * Starts following the ConfigMap; every switch is off while it isn't there.
   *
   * @param as who it is, and where it notes what it knows; absent: nobody waits for it
   */
  constructor(kube: Kube, as?: { readonly follower: Follower; readonly stateDir: string }) {
    const tell = ({ metadata }: ConfigMap): void => {
      this.#listeners.forEach((listener) => listener());
      if (as !== undefined) this.#note(noteOf(as.stateDir, as.follower), metadata.resourceVersion ?? "");
    };
    const { namespace, name } = SWITCHES_TARGET;
    const scope = { namespace, fieldSelector: `metadata.name=${name}` };
    this.#informer = new Informer(kube, configMaps, { changed: tell, deleted: tell }, scope);
  }

  /** Resolves when the ConfigMap has been read once. */
  async ready(): Promise<void> {
    await this.#informer.synced();
  }

  /** The switch's value; undefined when it is off (absent or empty). */
  get(name: SwitchName): string | undefined {
    return this.#data()[name]?.trim() || undefined;
  }

  /** Whether the switch's regexp matches. One that doesn't compile matches nothing; `faults` reports it. */
  matches(name: SwitchName, text: string): boolean {
    const pattern = this.get(name);
    return pattern !== undefined && (regexpOf(pattern)?.test(text) ?? false);
  }

  /** The switch as a number of seconds; `otherwise` when it is off or no number. */
  seconds<T>(name: SwitchName, otherwise: T): number | T {
    const value = Number(this.get(name) ?? NaN);
    return Number.isFinite(value) && value >= 0 ? value : otherwise;
  }

  /** Calls `listener` after each change; answers the function that ends this. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What is wrong with the switches that are set: one sentence each. */
  faults(): string[] {
    return Object.entries(this.#data()).flatMap(([name, value]) => {
      if (!(name in SWITCHES)) return [`switch ${name}: unknown; known are ${Object.keys(SWITCHES).join(", ")}`];
      const isPattern = SWITCHES[name as SwitchName].startsWith("regexp");
      return isPattern && regexpOf(value) === undefined ? [`switch ${name}: "${value}" is not a regexp`] : [];
    });
  }

  async stop(): Promise<void> {
    await this.#informer.stop();
    await this.#noted;
  }

  /** One after the other, so that an older version never comes last. Its directory may be gone by then. */
  #note(file: string, version: string): void {
    this.#noted = this.#noted
      .then(() => writeFile(`${file}.new`, version))
      .then(() => rename(`${file}.new`, file))
      .catch(() => undefined);
  }

  #data(): Record<string, string> {
    return this.#informer.get(`${SWITCHES_TARGET.namespace}/${SWITCHES_TARGET.name}`)?.data ?? {};
  }
}

function regexpOf(pattern: string): RegExp | undefined {
  try {
    return new RegExp(pattern);
  } catch {
    return undefined;
  }
}
