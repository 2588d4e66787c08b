import { rm } from "node:fs/promises";
import { join } from "node:path";
import { checkUpgrade, defaultLine, type LineName } from "../kmm/lines.ts";
import { operatorFiles, operatorLine } from "../kmm/operator/folder.ts";
import { withLock } from "../lock.ts";
import { missedPorts, readAccess } from "../nodes/access.ts";
import { nameWithHolders } from "../portHolder.ts";
import { withPortClaims, type PortClaims } from "../ports.ts";
import { makeRelease } from "../release/makeRelease.ts";
import { configFileOf, writeStackConfig, type ConfigOutcome } from "../stackConfig.ts";
import { ensureToolchain } from "../toolchain/toolchain.ts";
import { UserError } from "../userError.ts";
import { makeCredentials, nameServers } from "./credentials.ts";
import { ensureDirectory, removeDirectory } from "./directory.ts";
import { isAlive, signal } from "./processes.ts";
import { seedClusterId } from "./seed.ts";
import { serviceOf, services, servicesOf } from "./services.ts";
import { choosePorts, filesOf, portNames, readState, serviceNames, writeState } from "./state.ts";
import type { ServiceName, State } from "./state.ts";
import { claimPorts, ensureRunning, PortsTaken, stopService, type StartContext } from "./supervise.ts";

/** UID of kube-system unless another is chosen: `Pulumi.dev.yaml` names this one. */
export const defaultClusterId = "00000000-5a4d-4b0c-8000-000000000001";

const defaultWorkers = 3;
const mostMoves = 5;

/** What a sandbox is made with. What is left out is the default, or what the existing sandbox has. */
export interface UpOptions {
  /** Number of worker nodes; default 3. */
  readonly nodes?: number | undefined;
  /** Whether these are the control plane, too, as on a compact or single-node cluster; default: that is a node of its own. */
  readonly compact?: boolean | undefined;
  /** UID of kube-system; default {@link defaultClusterId}. */
  readonly clusterId?: string | undefined;
  /** Whether the nodes' firmware has Secure Boot on; default on, as on the machines that this is for. */
  readonly secureBoot?: boolean | undefined;
  /** Absolute path of a folder with KMM's own programs, which run in the stand-in's place; another one is an upgrade. */
  readonly kmmFolder?: string | undefined;
  /** Which KMM; default {@link defaultLine}. A later one than an existing sandbox has is an upgrade. */
  readonly kmm?: LineName | undefined;
}

/**
 * Brings the sandbox in `dir` up: makes what isn't there, starts what doesn't run, and leaves the rest alone. Ports that
 * somebody else has are given up for others, everything that names them is rewritten, and stderr tells.
 * @returns the processes that had to be started.
 * @throws UserError when an existing sandbox was made with other options, or a process doesn't start.
 */
export async function up(dir: string, options: UpOptions): Promise<ServiceName[]> {
  if (options.kmmFolder !== undefined) operatorFiles(options.kmmFolder);
  const { bin } = await ensureToolchain();
  return exclusively(dir, () =>
    withPortClaims(async (claims) => {
      const state = (await readState(dir)) ?? (await create(dir, options, claims));
      checkOptions(dir, state, options);
      const context = { dir, state, bin, claims };
      await upgradeKmm(context, options.kmm);
      await changePrograms(context, options.kmmFolder);
      return bringUp(context, namesOf(state));
    }),
  );
}

/** Starts one process of an existing sandbox again, after it has ended by itself. */
export async function startAgain(dir: string, name: ServiceName): Promise<void> {
  const { bin } = await ensureToolchain();
  await exclusively(dir, () =>
    withPortClaims(async (claims) => {
      const state = await readState(dir);
      if (!state) throw new Error(`no sandbox in ${dir}`);
      await bringUp({ dir, state, bin, claims }, [name]);
    }),
  );
}

async function create(dir: string, options: UpOptions, claims: PortClaims): Promise<State> {
  const { kmmFolder } = options;
  const state: State = {
    version: 1,
    clusterId: options.clusterId ?? defaultClusterId,
    workers: options.nodes ?? defaultWorkers,
    compact: options.compact ?? false,
    secureBoot: options.secureBoot ?? true,
    ...(kmmFolder === undefined ? {} : { kmmFolder }),
    kmm: kmmFolder === undefined ? (options.kmm ?? defaultLine) : operatorLine(operatorFiles(kmmFolder)),
    ports: await choosePorts(claims, kmmFolder !== undefined),
    installed: false,
    configured: false,
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
    ["--compact", options.compact, state.compact],
    ["--cluster-id", options.clusterId, state.clusterId],
    ["--secure-boot", options.secureBoot, state.secureBoot],
    ["--kmm", options.kmm, state.kmmFolder === undefined ? options.kmm : "KMM's own programs"],
    ["--kmm", options.kmmFolder, state.kmmFolder === undefined ? "the stand-in for KMM" : options.kmmFolder],
  ] as const;
  for (const [flag, value, actual] of wanted) {
    if (value === undefined || value === actual) continue;
    throw new UserError(
      `${flag} ${value}: the sandbox in ${dir} was made with ${actual}, and that can't change; ` +
        `npm run sandbox -- down --purge --dir ${dir}, then up again`,
    );
  }
}

/**
 * Has the stand-ins go on with another KMM: those that serve are told, and are ready again once it has taken over; all
 * else of the sandbox goes on. Those that don't serve are started again.
 */
async function upgradeKmm({ dir, state, bin }: StartContext, kmm: LineName | undefined): Promise<void> {
  if (kmm === undefined || kmm === state.kmm) return;
  checkUpgrade(state.kmm, kmm);
  const service = serviceOf("stand-ins");
  const serves = await service.ready({ dir, state, bin }).catch(() => false);
  state.kmm = kmm;
  await writeState(dir, state);
  const running = state.processes[service.name];
  if (serves && running !== undefined && isAlive(running)) signal(running, "SIGHUP");
  else await stopService(service, { dir, state });
}

/** The same for KMM's own programs: others run from now on; the first of them to start brings its types along. */
async function changePrograms({ dir, state }: StartContext, kmmFolder: string | undefined): Promise<void> {
  if (kmmFolder === undefined || kmmFolder === state.kmmFolder) return;
  const kmm = operatorLine(operatorFiles(kmmFolder));
  checkUpgrade(state.kmm, kmm);
  for (const name of ["kmm-manager", "kmm-webhook-server"] as const) await stopService(serviceOf(name), { dir, state });
  await writeState(dir, Object.assign(state, { kmm, kmmFolder }));
}

/** The processes that this sandbox has. */
const namesOf = (state: State): ServiceName[] => servicesOf(state).map(({ name }) => name);

/** Starts these processes, and has everything that names the sandbox's ports follow them. */
async function bringUp(context: StartContext, names: readonly ServiceName[]): Promise<ServiceName[]> {
  const { dir, state } = context;
  // A move that was cut may have left them behind.
  await nameServers(dir, state.ports);
  const before = readAccess(dir);
  const { started, givenUp } = await startOrMove(context, names);
  // At each time: its source in this checkout may have changed since the last.
  const release = await makeRelease(join(dir, "release"));
  const nodes = readAccess(dir);
  const sandbox = { dir, clusterId: state.clusterId, release, nodes };
  const outcome = await writeStackConfig(sandbox, { listNodes: !state.configured });
  if (!state.configured) await writeState(dir, Object.assign(state, { configured: true }));
  tell(configFileOf(dir), [...givenUp, ...missedPorts(dir, before, nodes)], outcome);
  return started;
}

/** Processes that can't have their ports get others; then all are started, because each knows the others' ports. */
async function startOrMove(
  context: StartContext,
  names: readonly ServiceName[],
): Promise<{ started: ServiceName[]; givenUp: number[] }> {
  const givenUp: number[] = [];
  for (let moves = 0; ; moves += 1) {
    try {
      return { started: await start(context, moves === 0 ? names : namesOf(context.state)), givenUp };
    } catch (error) {
      if (!(error instanceof PortsTaken)) throw error;
      if (moves === mostMoves) {
        throw new UserError(`${error.message}, and so were others before; end that program, then try again`);
      }
      givenUp.push(...error.ports);
      await move(context, error.ports);
    }
  }
}

async function move(context: StartContext, taken: readonly number[]): Promise<void> {
  const { dir, state, claims } = context;
  const isTaken = (port: number | undefined) => port !== undefined && taken.includes(port);
  for (const service of services.toReversed()) await stopService(service, context);
  for (const name of portNames) if (isTaken(state.ports[name])) state.ports[name] = await claims.take();
  await writeState(dir, state);
  await nameServers(dir, state.ports);
}

async function start(context: StartContext, names: readonly ServiceName[]): Promise<ServiceName[]> {
  const { dir, state } = context;
  const started: ServiceName[] = [];
  const ensure = async (name: ServiceName) => {
    if (names.includes(name) && (await ensureRunning(serviceOf(name), context))) started.push(name);
  };
  // All at once, so that one move is enough.
  await claimPorts(names.map(serviceOf), context);
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
  await ensure("kmm-webhook-server");
  await ensure("kmm-manager");
  return started;
}

/** What the user must know: which ports were taken, and what was done to the file that is theirs too. */
function tell(configFile: string, givenUp: readonly number[], outcome: ConfigOutcome): void {
  const say = (sentence: string) => process.stderr.write(`sandbox: ${sentence}\n`);
  if (givenUp.length > 0) {
    const ports = givenUp.toSorted((one, other) => one - other);
    say(`${nameWithHolders(ports)}: this sandbox has others now, and its kubeconfigs and ${configFile} name them`);
  } else if (outcome === "rewritten") say(`${configFile} now names this sandbox as it is`);
  if (outcome === "foreign") say(`${configFile} is for another cluster, and stays as it is`);
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
  const found = servicesOf(state).map(async (service): Promise<ServiceStatus> => {
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
function exclusively<T>(dir: string, action: () => Promise<T>): Promise<T> {
  const onWait = () => process.stderr.write(`waiting for another up or down in ${dir}\n`);
  return withLock(`sandbox ${dir}`, onWait, action);
}
