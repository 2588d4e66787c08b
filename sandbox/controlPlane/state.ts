import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { lineNames } from "../kmm/lines.ts";
import type { PortClaims } from "../ports.ts";
import { UserError } from "../userError.ts";

/** The sandbox's processes, in the order in which they start; the last two where KMM's own programs run. */
export const serviceNames = [
  "etcd",
  "kube-apiserver",
  "kube-controller-manager",
  "kwok",
  "stand-ins",
  "kmm-webhook-server",
  "kmm-manager",
] as const;

/** One of {@link serviceNames}. */
export type ServiceName = (typeof serviceNames)[number];

const port = z.int().min(1).max(65_535);

/** On 127.0.0.1, kept over `down` and `up` as far as nobody else has taken them. */
const ports = z.object({
  etcd: port,
  etcdPeer: port,
  apiServer: port,
  gateway: port,
  kmmWebhook: port.optional(),
  kmmHealth: port.optional(),
});

/** The control plane's ports. */
export type Ports = z.infer<typeof ports>;

export const portNames = ports.keyof().options;

/** Ports for a new sandbox; two more for KMM's own programs. */
export async function choosePorts(claims: PortClaims, ownKmm = false): Promise<Ports> {
  const take = () => claims.take();
  const chosen = { etcd: await take(), etcdPeer: await take(), apiServer: await take(), gateway: await take() };
  return ownKmm ? { ...chosen, kmmWebhook: await take(), kmmHealth: await take() } : chosen;
}

const processRecord = z.object({ pid: z.int().positive(), started: z.string() });

const stateSchema = z.object({
  /** Format of this file. */
  version: z.literal(1),
  /** UID of the namespace kube-system. */
  clusterId: z.guid(),
  /** Number of worker nodes. */
  workers: z.int().min(0),
  /** Whether the workers are the control plane, too: one of them is a single-node cluster. */
  compact: z.boolean().default(false),
  /** Whether the nodes' firmware has Secure Boot on. */
  secureBoot: z.boolean().default(false),
  /** Which KMM it has; a sandbox that doesn't say was made when there was only this one. */
  kmm: z.enum(lineNames).default("2.4.1"),
  /** The folder with KMM's own programs; absent where the stand-in plays it. */
  kmmFolder: z.string().optional(),
  ports,
  /** Whether everything that `up` creates once in the cluster is there. */
  installed: z.boolean(),
  /** Whether the stack's configuration lists the sandbox's nodes: from then on the list is the user's. */
  configured: z.boolean().default(false),
  processes: z.partialRecord(z.enum(serviceNames), processRecord),
});

/** What `state.json` holds. */
export type State = z.infer<typeof stateSchema>;

/** Which KMM the stand-ins play: none where KMM's own programs run, whatever line these are. */
export const playedKmm = ({ kmm, kmmFolder }: Pick<State, "kmm" | "kmmFolder">): string =>
  kmmFolder === undefined ? kmm : "none";

/** Files of a state directory. */
export function filesOf(dir: string) {
  const pki = (name: string) => join(dir, "pki", name);
  return {
    state: join(dir, "state.json"),
    logs: join(dir, "logs"),
    auditLog: join(dir, "audit.log"),
    /** In place of the sandbox's own policy, when a test has put one there. */
    auditPolicy: join(dir, "audit-policy.yaml"),
    etcdData: join(dir, "etcd"),
    tokens: join(dir, "tokens.csv"),
    /** For users: context `sandbox`, user `admin`, through the gateway. */
    kubeconfig: join(dir, "kubeconfig"),
    /** Names its process once all stand-ins have started, and the KMM that it runs. */
    standInsReady: join(dir, "stand-ins.ready"),
    ca: pki("ca.crt"),
    pki,
  };
}

/** Reads `state.json`; `undefined` when there is no sandbox in this directory. */
export async function readState(dir: string): Promise<State | undefined> {
  const file = filesOf(dir).state;
  const text = await readFile(file, "utf8").catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  });
  if (text === undefined) return undefined;
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new UserError(`${file}: not a sandbox's state (${why}); remove the directory ${dir}`);
  }
}

/** Writes `state.json` in one step: a reader sees the old one or the new one. */
export async function writeState(dir: string, state: State): Promise<void> {
  const file = filesOf(dir).state;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  await writeFile(`${file}.new`, `${JSON.stringify(state, undefined, 2)}\n`);
  await rename(`${file}.new`, file);
}
