import { rm } from "node:fs/promises";
import { join } from "node:path";
import { withLock } from "../lock.ts";
import { makeRelease } from "../release/makeRelease.ts";
import { ensureToolchain } from "../toolchain/toolchain.ts";
import { UserError } from "../userError.ts";
import { makeCredentials } from "./credentials.ts";
import { ensureDirectory, removeDirectory } from "./directory.ts";
import { pickPorts } from "./ports.ts";
import { isAlive } from "./processes.ts";
import { seedClusterId } from "./seed.ts";
import { serviceOf, services, type Context } from "./services.ts";
import { filesOf, readState, serviceNames, writeState, type ServiceName, type State } from "./state.ts";
import { ensureRunning, stopService } from "./supervise.ts";

/** UID of kube-system unless another is chosen: `Pulumi.dev.yaml` names this one. */
export const defaultClusterId = "00000000-5a4d-4b0c-8000-000000000001";

const defaultWorkers = 3;

/** What a sandbox is made with. What is left out is the default, or what the existing sandbox has. */
export interface UpOptions {
  /** Number of worker nodes; default 3. */
  readonly nodes?: number | undefined;
  /** UID of kube-system; default {@link defaultClusterId}. */
  readonly clusterId?: string | undefined;
  /** Whether the nodes' firmware has Secure Boot on; default on, as on the machines that this is for. */
  readonly secureBoot?: boolean | undefined;
}

/**
 * Brings the sandbox in `dir` up: makes what isn't there, starts what doesn't run, and leaves the rest alone.
 * @returns the processes that had to be started.
 * @throws UserError when an existing sandbox was made with other options, or a process doesn't start.
 */
export async function up(dir: string, options: UpOptions): Promise<ServiceName[]> {
  const { bin } = await ensureToolchain();
  return exclusively(dir, async () => {
    const state = (await readState(dir)) ?? (await create(dir, options));
    checkOptions(dir, state, options);
    return start({ dir, state, bin });
  });
}

async function create(dir: string, options: UpOptions): Promise<State> {
  const state: State = {
    version: 1,
    clusterId: options.clusterId ?? defaultClusterId,
    workers: options.nodes ?? defaultWorkers,
    secureBoot: options.secureBoot ?? true,
    ports: await pickPorts(),
    installed: false,
    processes: {},
  };
  await ensureDirectory(dir);
  // Loaded when needed: the libraries for X.509 and Kubernetes take longer than a whole `up` of what is up already.
  const { makeCertificates } = await import("./certificates.ts");
  await makeCertificates(dir);
  await makeCredentials(dir, state.ports);
  // Last: a directory with a state file has everything else.
  await writeState(dir, state);
  return state;
}

function checkOptions(dir: string, state: State, options: UpOptions): void {
  const wanted = [
    ["--nodes", options.nodes, state.workers],
    ["--cluster-id", options.clusterId, state.clusterId],
    ["--secure-boot", options.secureBoot, state.secureBoot],
  ] as const;
  for (const [flag, value, actual] of wanted) {
    if (value === undefined || value === actual) continue;
    throw new UserError(
      `${flag} ${value}: the sandbox in ${dir} was made with ${actual}, and that can't change; ` +
        `npm run sandbox -- down --purge --dir ${dir}, then up again`,
    );
  }
}

async function start(context: Context): Promise<ServiceName[]> {
  const { dir, state } = context;
  const started: ServiceName[] = [];
  const ensure = async (name: ServiceName) => {
    if (await ensureRunning(serviceOf(name), context)) started.push(name);
  };
  // At each up: its source in this checkout may have changed since the last.
  await makeRelease(join(dir, "release"));
  await ensure("etcd");
  if (!state.installed) await seedClusterId(dir, state);
  await ensure("kube-apiserver");
  await ensure("kube-controller-manager");
  await ensure("kwok");
  if (!state.installed) {
    const { installAll } = await import("./install.ts");
    await installAll(dir, state);
    state.installed = true;
    await writeState(dir, state);
  }
  await ensure("stand-ins");
  return started;
}

/** One process of a sandbox, for `status`. */
export interface ServiceStatus {
  readonly name: ServiceName;
  /** `undefined` when it doesn't run. */
  readonly pid: number | undefined;
  /** `ready`, `not ready` (it runs but doesn't answer) or `stopped`. */
  readonly health: "ready" | "not ready" | "stopped";
}

/** What `status` tells; `undefined` when there is no sandbox in `dir`. Changes nothing. */
export async function status(dir: string): Promise<{ state: State; services: ServiceStatus[] } | undefined> {
  const state = await readState(dir);
  if (!state) return undefined;
  const { bin } = await ensureToolchain();
  const found = services.map(async (service): Promise<ServiceStatus> => {
    const record = state.processes[service.name];
    if (!isAlive(record)) return { name: service.name, pid: undefined, health: "stopped" };
    const ready = await service.ready({ dir, state, bin }).catch(() => false);
    return { name: service.name, pid: record?.pid, health: ready ? "ready" : "not ready" };
  });
  return { state, services: await Promise.all(found) };
}

/**
 * Ends all processes of the sandbox in `dir`, the last started first. `purge` removes its directory too.
 * @returns the processes that ran.
 */
export async function down(dir: string, purge: boolean): Promise<ServiceName[]> {
  return exclusively(dir, async () => {
    const state = await readState(dir);
    if (!state) {
      if (purge) await removeDirectory(dir);
      return [];
    }
    const ran = serviceNames.filter((name) => isAlive(state.processes[name]));
    for (const service of [...services].reverse()) await stopService(service, { dir, state });
    await rm(filesOf(dir).standInsReady, { force: true });
    if (purge) await removeDirectory(dir);
    return ran;
  });
}

/** One `up` or `down` at a time in a directory. */
export function exclusively<T>(dir: string, action: () => Promise<T>): Promise<T> {
  const onWait = () => process.stderr.write(`waiting for another up or down in ${dir}\n`);
  return withLock(`sandbox ${dir}`, onWait, action);
}
