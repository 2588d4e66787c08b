/** What there is at one time: in the cluster, on the machines by their own records, and in the program's state. */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { annotations } from "../../core/names.ts";
import { fingerprintOf, type Machine } from "@onload-kmm/sandbox/nodes/machine";
import type { Scene, Thing } from "../faults/scene.ts";
import { marksOn } from "../faults/scene.ts";
import { clusterObjects } from "../stack/cluster.ts";
import type { Proof } from "../stack/stack.ts";
import { stack } from "./timeline.ts";

/** A Node, as far as the invariants ask. */
export interface NodeFacts {
  readonly name: string;
  readonly cordoned: boolean;
  /** Whether the cordon is noted as this stack's. */
  readonly ours: boolean;
  /** Where a roll-out or a leaving stands; undefined when none does. */
  readonly phase: string | undefined;
  /** Everything of this stack, and of KMM for it, that the Node bears. */
  readonly marks: readonly string[];
  readonly taints: readonly string[];
}

/** A machine, by its own records. */
export interface MachineFacts {
  readonly name: string;
  readonly bootId: string;
  readonly kernel: string;
  readonly secureBoot: boolean;
  /** The mainboard, and SHA-256 of each certificate in its MokList. */
  readonly systemUuid: string;
  readonly enrolled: readonly string[];
  readonly modules: Machine["modules"];
  readonly images: Machine["images"];
}

/** What the program's state says. */
export interface StateFacts {
  readonly proofs: readonly Proof[];
  /** SHA-256 of the signing certificate; undefined while the state has none. */
  readonly certificate: string | undefined;
  /** Kubernetes objects, as {@link clusterObjects} names them. */
  readonly objects: readonly string[];
}

export interface Snapshot {
  readonly nodes: readonly NodeFacts[];
  readonly machines: readonly MachineFacts[];
  readonly state: StateFacts;
  /** Every object in the cluster. */
  readonly objects: ReadonlySet<string>;
}

export async function takeSnapshot(scene: Scene, names: readonly string[]): Promise<Snapshot> {
  const [nodes, machines, state, objects] = await Promise.all([
    nodesOf(scene),
    machinesOf(scene, names),
    stateOf(scene),
    clusterObjects(scene.stack.sandbox),
  ]);
  return { nodes, machines, state, objects };
}

export async function nodesOf(scene: Scene): Promise<NodeFacts[]> {
  return (await scene.list("nodes")).map(factsOf);
}

export async function machinesOf(scene: Scene, names: readonly string[]): Promise<MachineFacts[]> {
  return Promise.all(names.map(async (name) => machineFacts(await scene.machine(name))));
}

function machineFacts({ spec, bootId, kernel, firmware, systemUuid, modules, images }: Machine): MachineFacts {
  const enrolled = firmware.mokList.map(fingerprintOf);
  return { name: spec.name, bootId, kernel, secureBoot: firmware.secureBoot, systemUuid, enrolled, modules, images };
}

function factsOf(node: Thing): NodeFacts {
  const { metadata, spec } = node;
  const found = metadata.annotations ?? {};
  return {
    name: metadata.name,
    cordoned: spec?.["unschedulable"] === true,
    ours: found[annotations.cordonedBy] === stack,
    phase: found[annotations.roll],
    marks: marksOn(node),
    taints: ((spec?.["taints"] ?? []) as { key: string }[]).map(({ key }) => key),
  };
}

interface StoredResource {
  readonly type: string;
  readonly outputs?: {
    readonly proof?: Proof;
    readonly apiVersion?: string;
    readonly kind?: string;
    readonly metadata?: { readonly name?: string; readonly namespace?: string };
    readonly certPem?: unknown;
  };
}

async function stateOf(scene: Scene): Promise<StateFacts> {
  const { exitCode, output } = await scene.stack.pulumi("stack", "export", "--stack", stack);
  if (exitCode !== 0) throw new Error(`the state can't be read: ${output}`);
  const { deployment } = JSON.parse(output) as { deployment: { resources?: readonly StoredResource[] } };
  const resources = deployment.resources ?? [];
  const pem = resources.map(({ outputs }) => outputs?.certPem).findLast((value) => typeof value === "string");
  return {
    proofs: resources.flatMap(({ outputs }) => outputs?.proof ?? []),
    certificate:
      pem === undefined ? undefined : fingerprintOf({ der: new X509Certificate(pem).raw.toString("base64") }),
    objects: resources.flatMap(objectOf),
  };
}

function objectOf({ type, outputs }: StoredResource): string[] {
  const { apiVersion, kind, metadata } = outputs ?? {};
  if (!type.startsWith("kubernetes:") || apiVersion === undefined || kind === undefined) return [];
  const namespace = metadata?.namespace === undefined ? "" : `${metadata.namespace}/`;
  return [`${apiVersion} ${kind} ${namespace}${metadata?.name ?? ""}`];
}

/** How often each machine has come up, by the record of the process that plays them. */
export async function bootsOf(scene: Scene): Promise<Map<string, number>> {
  const log = await readFile(join(scene.stack.sandbox.dir, "logs/stand-ins.log"), "utf8");
  const boots = new Map<string, number>();
  for (const [, node = ""] of log.matchAll(/^nodes: (\S+): booted, /gm)) boots.set(node, (boots.get(node) ?? 0) + 1);
  return boots;
}
