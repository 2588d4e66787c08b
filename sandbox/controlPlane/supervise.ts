import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { nameWithHolders } from "../portHolder.ts";
import { isFree, type PortClaims } from "../ports.ts";
import { UserError } from "../userError.ts";
import { endProcess, isAlive, signal, startDetached } from "./processes.ts";
import type { Context, Service } from "./service.ts";
import { serviceEnv } from "./services.ts";
import { filesOf, writeState, type State } from "./state.ts";

/** Longest that a service may take to serve: each node has servers of its own. */
const readyWithinMs = ({ workers }: Pick<State, "workers">): number => 60_000 + workers * 300;
const portsFreeWithinMs = 3000;

/** The log that a service's stdout and stderr go to. */
function logFileOf(dir: string, service: Service): string {
  return join(filesOf(dir).logs, `${service.name}.log`);
}

/** What services are started with. */
export interface StartContext extends Context {
  /** Keeps other sandboxes off the ports until the services themselves listen on them. */
  readonly claims: PortClaims;
}

/** Services can't start, because somebody else has ports of theirs. */
export class PortsTaken extends Error {
  readonly ports: readonly number[];

  constructor(ports: readonly number[]) {
    super(nameWithHolders(ports));
    this.ports = ports;
  }
}

/**
 * Starts a service unless it runs, records its process in the state, and waits until it serves. True when it had to
 * be started.
 * @throws PortsTaken when it can't have its ports; UserError when it doesn't start for another reason.
 */
export async function ensureRunning(service: Service, context: StartContext): Promise<boolean> {
  const { dir, state } = context;
  const running = isAlive(state.processes[service.name]);
  if (!running) {
    await claimPorts([service], context);
    await mkdir(filesOf(dir).logs, { recursive: true, mode: 0o700 });
    const { file, args } = service.command(context);
    const logFile = logFileOf(dir, service);
    state.processes[service.name] = await startDetached({
      command: file,
      args,
      env: { ...serviceEnv(context.bin), ...service.env?.(context) },
      cwd: dir,
      logFile,
    });
    await writeState(dir, state);
  }
  await waitUntilReady(service, context);
  return !running;
}

/**
 * Claims the ports of those of the services that don't run.
 * @throws PortsTaken with all that can't be had. A server of ours that was just killed may hold its port a moment longer.
 */
export async function claimPorts(services: readonly Service[], { state, claims }: StartContext): Promise<void> {
  const stopped = services.filter(({ name }) => !isAlive(state.processes[name]));
  const ports = stopped.flatMap((service) => service.ports(state));
  const deadline = Date.now() + portsFreeWithinMs;
  for (;;) {
    const taken: number[] = [];
    for (const port of ports) if (!claims.has(port) && !(await claims.claim(port))) taken.push(port);
    if (taken.length === 0) return;
    if (Date.now() > deadline) throw new PortsTaken(taken);
    await delay(100);
  }
}

async function waitUntilReady(service: Service, context: Context): Promise<void> {
  const patience = readyWithinMs(context.state);
  const deadline = Date.now() + patience;
  for (;;) {
    const record = context.state.processes[service.name];
    if (!isAlive(record)) throw await whyEnded(service, context);
    // A stopped process (a paused one) would never get ready.
    if (record) signal(record, "SIGCONT");
    if (await service.ready(context).catch(() => false)) return;
    if (Date.now() > deadline) {
      throw new UserError(await failure(service, context, `isn't ready after ${Math.round(patience / 1000)} s`));
    }
    await delay(50);
  }
}

/** Between the claim and the service's own start another program may have taken a port. */
async function whyEnded(service: Service, context: Context): Promise<Error> {
  const taken: number[] = [];
  for (const port of service.ports(context.state)) if (!(await isFree(port))) taken.push(port);
  if (taken.length > 0) return new PortsTaken(taken);
  return new UserError(await failure(service, context, "ended while starting"));
}

async function failure(service: Service, { dir }: Context, what: string): Promise<string> {
  const log = logFileOf(dir, service);
  const lines = (await readFile(log, "utf8").catch(() => "")).trimEnd().split("\n");
  return `${service.name} ${what}; the end of its log ${log}:\n${lines.slice(-12).join("\n")}`;
}

/** Ends a service if it runs, and forgets its process. */
export async function stopService(service: Service, context: Pick<Context, "dir" | "state">): Promise<void> {
  const record = context.state.processes[service.name];
  if (record) await endProcess(record, service.graceMs);
  context.state.processes = Object.fromEntries(
    Object.entries(context.state.processes).filter(([name]) => name !== service.name),
  );
  await writeState(context.dir, context.state);
}
