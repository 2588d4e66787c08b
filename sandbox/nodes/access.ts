import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDefaultDirectory, projectRoot } from "../paths.ts";
import type { PortClaims } from "../ports.ts";
import type { BmcIdentity } from "../redfish/identity.ts";
import { systemPath } from "../redfish/resources.ts";
import type { Machine } from "./machine.ts";
import { hostKeyOf } from "./sshKeys.ts";

/** How one node is reached: an entry of `<stateDir>/nodes.json`, from which a stack's config can be made. */
export interface NodeAccess {
  name: string;
  solarflare: boolean;
  /** `127.0.0.1:PORT` of its SSH server; the user is `core`. */
  address: string;
  /** Type and key, as `ssh-keyscan` prints them. */
  hostKey: string;
  /** A command that opens its serial console. */
  console: string;
  /** Its BMC; user and password are in `bmc.json`. */
  bmc: { url: string; fingerprint: string };
  /** Ports on 127.0.0.1. */
  sshPort: number;
  consolePort: number;
}

/** Where the process that plays the nodes can be asked for things that no SSH server offers. */
export interface ControlAccess {
  port: number;
  token: string;
}

/**
 * In the default directory these ports are preferred, because the checkout's Pulumi.dev.yaml names them: worker-1 has 22011
 * and 22111.
 */
const FIRST_PORT = { ssh: 22010, console: 22110 } as const;

/** Paths below a state directory. */
const accessFiles = (stateDir: string) => ({
  nodes: join(stateDir, "nodes.json"),
  control: join(stateDir, "nodes-control.json"),
});

/** Reads `nodes.json`; empty when there is none yet. */
export function readAccess(stateDir: string): NodeAccess[] {
  const file = accessFiles(stateDir).nodes;
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as NodeAccess[]) : [];
}

/** What the nodes of one sandbox share. */
interface Surroundings {
  stateDir: string;
  bmc: Pick<BmcIdentity, "port" | "fingerprint">;
  claims: PortClaims;
}

/** The node's entry, with the ports that it had before where they can be had, else with others. */
export async function accessOf(
  machine: Machine,
  { stateDir, bmc, claims }: Surroundings,
  known: NodeAccess[],
): Promise<NodeAccess> {
  const { name, solarflare } = machine.spec;
  const wanted = wantedPorts(stateDir, name, known);
  const sshPort = await claims.take(wanted.ssh);
  const consolePort = await claims.take(wanted.console);
  return {
    name,
    solarflare,
    address: `127.0.0.1:${sshPort}`,
    hostKey: hostKeyOf(name).publicKey,
    console: `node ${join(projectRoot, "sandbox", "nodes", "console.ts")} --dir ${stateDir} ${name}`,
    bmc: { url: `https://127.0.0.1:${bmc.port}${systemPath(name)}`, fingerprint: bmc.fingerprint },
    sshPort,
    consolePort,
  };
}

/** The ports that a node should have: those of before, else those that Pulumi.dev.yaml has for it; undefined is any. */
function wantedPorts(stateDir: string, name: string, known: NodeAccess[]) {
  const before = known.find((entry) => entry.name === name);
  const number = name === "master-0" ? 0 : Number(/^worker-(\d{1,2})$/.exec(name)?.[1] ?? NaN);
  const hasDefaults = isDefaultDirectory(stateDir) && !Number.isNaN(number);
  return {
    ssh: before?.sshPort ?? (hasDefaults ? FIRST_PORT.ssh + number : undefined),
    console: before?.consolePort ?? (hasDefaults ? FIRST_PORT.console + number : undefined),
  };
}

/** Ports that nodes and BMCs should have had, by what was known before they were started, and that they haven't. */
export function missedPorts(stateDir: string, before: NodeAccess[], now: NodeAccess[]): number[] {
  const missed = now.flatMap(({ name, sshPort, consolePort, bmc }) => {
    const wanted = wantedPorts(stateDir, name, before);
    const bmcBefore = before.find((entry) => entry.name === name)?.bmc;
    const pairs = [
      [wanted.ssh, sshPort],
      [wanted.console, consolePort],
      [bmcBefore && portOf(bmcBefore.url), portOf(bmc.url)],
    ] as const;
    return pairs.flatMap(([want, has]) => (want === undefined || want === has ? [] : [want]));
  });
  // All nodes' BMCs share one.
  return [...new Set(missed)];
}

const portOf = (url: string): number => Number(new URL(url).port);

/** Writes `nodes.json` in one step. */
export function writeAccess(stateDir: string, entries: NodeAccess[]): void {
  const { nodes } = accessFiles(stateDir);
  const sorted = entries.toSorted((one, other) => one.name.localeCompare(other.name));
  writeFileSync(`${nodes}.new`, `${JSON.stringify(sorted, null, 2)}\n`);
  renameSync(`${nodes}.new`, nodes);
}

/** Writes where the control server listens, readable by this user alone; answers its new token. */
export function writeControl(stateDir: string, port: number, token: string): void {
  writeFileSync(accessFiles(stateDir).control, JSON.stringify({ port, token }), { mode: 0o600 });
}

/** Reads what {@link writeControl} wrote. */
export function readControl(stateDir: string): ControlAccess {
  const file = accessFiles(stateDir).control;
  if (!existsSync(file)) throw new Error(`no sandbox runs in ${stateDir}: ${file} is missing`);
  return JSON.parse(readFileSync(file, "utf8")) as ControlAccess;
}

/** A new token. */
export const newToken = (): string => randomBytes(24).toString("base64url");
