/**
 * One process for all stand-ins of the cluster: the gateway with OpenShift's subresources, OpenShift's controllers,
 * KMM unless its own programs run, and the nodes. Started by `sandbox up`; ends on SIGTERM. On SIGHUP it goes on with
 * the KMM that the state names.
 */
import { writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { kubeconfigFile } from "./controlPlane/credentials.ts";
import { filesOf, playedKmm, readState, type State } from "./controlPlane/state.ts";
import { startGateway } from "./gateway/gateway.ts";
import { installKmm } from "./kmm/install.ts";
import { startKmm } from "./kmm/kmm.ts";
import { startNodes } from "./nodes/nodes.ts";
import { startOpenshift } from "./openshift/openshift.ts";

/** A stand-in that was started. `stop` resolves when everything of it has ended. */
interface Running {
  stop(): Promise<void>;
}

/** All of them, in one process. Its methods are called one after the other. */
class StandIns {
  readonly #dir: string;
  /** Each that has started, at once. */
  readonly #running: Running[] = [];
  /** KMM alone may be exchanged while all others run. */
  #kmm: Running | undefined;

  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Starts all, in this order. */
  async start(): Promise<void> {
    const dir = this.#dir;
    const state = await this.#state();
    const files = filesOf(dir);
    const openshift = kubeconfigFile(dir, "openshift.kubeconfig");
    const nodes = await startNodes({ kubeconfig: kubeconfigFile(dir, "nodes.kubeconfig"), stateDir: dir });
    this.#running.push(nodes);
    this.#running.push(await startOpenshift({ kubeconfig: openshift, stateDir: dir }));
    this.#running.push({ stop: async () => this.#kmm?.stop() });
    await this.#startKmm(state);
    this.#running.push(
      await startGateway({
        listenPort: state.ports.gateway,
        upstream: { url: `https://127.0.0.1:${state.ports.apiServer}`, caFile: files.ca },
        tls: { certFile: files.pki("gateway.crt"), keyFile: files.pki("gateway.key") },
        stateDir: dir,
        adminKubeconfig: openshift,
        serves: () => nodes.serves(),
      }),
    );
    await this.#tellReady(state);
  }

  /** As an operator's upgrade: the old one ends before the new one begins. */
  async exchangeKmm(): Promise<void> {
    const state = await this.#state();
    await this.#kmm?.stop();
    this.#kmm = undefined;
    await this.#startKmm(state);
    await this.#tellReady(state);
  }

  /** The last started ends first: the gateway before what it needs. */
  async stop(): Promise<void> {
    for (const each of this.#running.reverse()) await each.stop();
  }

  async #startKmm({ kmm, kmmFolder }: State): Promise<void> {
    if (kmmFolder !== undefined) return;
    await installKmm(kubeconfigFile(this.#dir, "standins.kubeconfig"), kmm);
    this.#kmm = await startKmm({ kubeconfig: kubeconfigFile(this.#dir, "kmm.kubeconfig"), line: kmm });
  }

  /** Says in the state directory that this process serves, and with which KMM. */
  async #tellReady(state: State): Promise<void> {
    await writeFile(filesOf(this.#dir).standInsReady, `${process.pid} ${playedKmm(state)}\n`);
  }

  async #state(): Promise<State> {
    const state = await readState(this.#dir);
    if (!state) throw new Error(`no sandbox in ${this.#dir}`);
    return state;
  }
}

const { values } = parseArgs({ options: { dir: { type: "string" } } });
if (values.dir === undefined) throw new Error("--dir is missing");

const standIns = new StandIns(values.dir);
/** What is under way: one start, exchange or stop after the other. */
let work = standIns.start();

process.once("SIGTERM", () => {
  void work
    .catch(() => undefined)
    .then(() => standIns.stop())
    .then(() => process.exit(0));
});
process.on("SIGHUP", () => {
  work = work.then(() => standIns.exchangeKmm());
});
await work;
