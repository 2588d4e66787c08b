import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { UserError } from "../userError.ts";
import { isFree } from "./ports.ts";
import { endProcess, isAlive, signal, startDetached } from "./processes.ts";
import { serviceEnv, type Context, type Service } from "./services.ts";
import { filesOf, writeState } from "./state.ts";

const readyWithinMs = 60_000;

/** The log that a service's stdout and stderr go to. */
function logFileOf(dir: string, service: Service): string {
  return join(filesOf(dir).logs, `${service.name}.log`);
}

/**
 * Starts a service unless it runs, records its process in the state, and waits until it serves. True when it had to
 * be started.
 */
export async function ensureRunning(service: Service, context: Context): Promise<boolean> {
  const { dir, state } = context;
  const running = isAlive(state.processes[service.name]);
  if (!running) {
    await waitForPorts(service, context);
    await mkdir(filesOf(dir).logs, { recursive: true, mode: 0o700 });
    const { file, args } = service.command(context);
    const logFile = logFileOf(dir, service);
    state.processes[service.name] = await startDetached({
      command: file,
      args,
      env: serviceEnv(context.bin),
      cwd: dir,
      logFile,
    });
    await writeState(dir, state);
  }
  await waitUntilReady(service, context);
  return !running;
}

/** A server that was just killed, or that drains its connections, holds its port for some seconds. */
async function waitForPorts(service: Service, { dir, state }: Context): Promise<void> {
  const deadline = Date.now() + 15_000;
  for (const port of service.ports(state)) {
    while (!(await isFree(port))) {
      if (Date.now() > deadline) {
        throw new UserError(
          `port 127.0.0.1:${port} of ${service.name} is taken by another program; end that program, or ` +
            `start anew on other ports: npm run sandbox -- down --purge --dir ${dir}`,
        );
      }
      await delay(100);
    }
  }
}

async function waitUntilReady(service: Service, context: Context): Promise<void> {
  const deadline = Date.now() + readyWithinMs;
  for (;;) {
    const record = context.state.processes[service.name];
    if (!isAlive(record)) throw new UserError(await failure(service, context, "ended while starting"));
    // A stopped process (a paused one) would never get ready.
    if (record) signal(record, "SIGCONT");
    if (await service.ready(context).catch(() => false)) return;
    if (Date.now() > deadline) throw new UserError(await failure(service, context, "isn't ready after 60 s"));
    await delay(50);
  }
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
