/** Runs all of index.ts under mocks, with a stack's configuration file and an answer for what the cluster looks like. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import * as pulumi from "@pulumi/pulumi";
import { parse } from "yaml";
import { ed25519Key } from "@onload-kmm/sandbox/test/sshKey";
import type { Intent } from "../../core/cluster/inspection.ts";
import type { NodeReality } from "../../core/node/reality.ts";
import { makeRelease, type MadeRelease } from "@onload-kmm/sandbox/release/makeRelease";
import { rsaPair } from "../core/configuration/pems.ts";
import { proofOf } from "../components/fixtures.ts";
import { record, type RecordOptions, type Registration } from "../components/harness.ts";

/** Keys without the project's prefix, values as a person writes them in YAML. */
export type StackConfig = Record<string, unknown>;

/** The configuration file of a stack, as it is in the repository. */
export async function configOf(stack: string): Promise<StackConfig> {
  const file = join(import.meta.dirname, `../../Pulumi.${stack}.yaml`);
  const { config } = parse(await readFile(file, "utf8")) as { config: StackConfig };
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace(/^onload-kmm:/, ""), value]));
}

export interface Files {
  readonly release: MadeRelease;
  /** Path of a private key for SSH. */
  readonly sshKey: string;
}

/** The files on the bastion that a configuration names, for one test. */
export async function filesFor(context: Pick<TestContext, "after">): Promise<Files> {
  const directory = await mkdtemp(join(tmpdir(), "onload-kmm-program-"));
  context.after(() => rm(directory, { recursive: true }));
  const sshKey = join(directory, "id_ed25519");
  await writeFile(sshKey, sshKeyText);
  return { release: await makeRelease(directory), sshKey };
}

/** What must not be seen in plain sight. */
export const sshKeyText = ed25519Key().private;
export const signingPair = await rsaPair();
export const mokPassword = "correcthorsebattery";

export interface Run {
  readonly stack?: string;
  readonly config: StackConfig;
  /** Keys that were set with `--secret`. */
  readonly secrets?: readonly string[];
  readonly preview?: boolean;
  /** Kernels of the cluster's nodes, by name; absent: each listed node exists, with one kernel. */
  readonly kernels?: Readonly<Record<string, string>>;
  /** What the cluster is found unfit for. */
  readonly problems?: readonly string[];
  /** What runs, and gives the outputs; absent: index.ts, afresh. */
  readonly program?: () => Promise<object>;
}

export interface Ran {
  readonly registrations: readonly Registration[];
  /** The message of the program's error; undefined when it ran through. */
  readonly error: string | undefined;
  /** What the program asked of the cluster before its first resource. */
  readonly asked: { cluster: unknown; intent: Intent } | undefined;
  /** The stack's outputs. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

const plainKernel = "5.14.0-570.49.1.el9_6.x86_64";
let runs = 0;

/** A module runs once for each specifier. */
const freshProgram = (): Promise<object> => import(`../../index.ts?run=${++runs}`) as Promise<object>;

/** One run of the program, as `pulumi preview` or `up` makes it. */
export async function run(given: Run): Promise<Ran> {
  let asked: Ran["asked"];
  let error: string | undefined;
  let outputs: Record<string, unknown> = {};
  const options: RecordOptions = {
    stack: given.stack ?? "dev",
    preview: given.preview ?? false,
    outputs: given.preview === true ? () => ({}) : answers,
    call: ({ token, inputs }) => {
      if (token !== "command:local:run") throw new Error(`unexpected call of ${token}`);
      asked = JSON.parse((inputs as { stdin: string }).stdin) as typeof asked;
      const { nodes = [] } = asked?.intent ?? {};
      const found = nodes.flatMap(({ name }) => realityOf(name, given.kernels) ?? []);
      const answer = {
        problems: given.problems ?? [],
        warnings: [],
        nodes: found,
        certificate: "",
        remade: {},
        spoilt: [],
        signed: [],
        kernels: [...new Set(found.map(({ node }) => node.status.nodeInfo.kernelVersion))],
        leaving: [],
        updatingPools: [],
      };
      return { stdout: JSON.stringify(answer) };
    },
  };
  const registrations = await record(async () => {
    setConfig(given);
    const { program = freshProgram } = given;
    try {
      outputs = (await program()) as Record<string, unknown>;
    } catch (thrown) {
      if (!(thrown instanceof pulumi.RunError)) throw thrown;
      error = thrown.message;
    }
  }, options);
  return { registrations, error, asked, outputs };
}

/** As the engine hands it over: strings, objects as JSON. */
function setConfig({ config, secrets = [] }: Run): void {
  const entries = Object.entries(config).map(([key, value]) => {
    const full = key.includes(":") ? key : `onload-kmm:${key}`;
    return [full, typeof value === "string" ? value : JSON.stringify(value)] as const;
  });
  pulumi.runtime.setAllConfig(
    Object.fromEntries(entries),
    secrets.map((key) => `onload-kmm:${key}`),
  );
}

function realityOf(name: string, kernels: Run["kernels"]): NodeReality | undefined {
  const kernel = kernels === undefined ? plainKernel : kernels[name];
  if (kernel === undefined) return undefined;
  const nodeInfo = { bootID: "boot", kernelVersion: kernel, machineID: "machine", systemUUID: "system" };
  return { node: { metadata: { name, uid: `uid-${name}` }, status: { nodeInfo } } };
}

const nextImage = { kernel: plainKernel, image: "registry/onload:next", digest: `sha256:${"1".repeat(64)}` };

/** What providers and steps answer in an `up`. */
const answers: NonNullable<RecordOptions["outputs"]> = ({ type, name, inputs }) => {
  if (type.endsWith(":PrivateKey")) return { privateKeyPem: signingPair.key };
  if (type.endsWith(":SelfSignedCert")) return { certPem: signingPair.certificate };
  if (name.endsWith("-salt")) return { result: "abcdefghijklmnopqrstu" };
  if (type.endsWith(":RandomPassword")) return { result: mokPassword, bcryptHash: `$2a$10$${"h".repeat(53)}` };
  if (name === "source-upload") return { stdout: JSON.stringify({ image: "registry/onload-srpm@sha256:1" }) };
  if (name.includes("-next-")) return { stdout: JSON.stringify({ ...nextImage }) };
  if (type === "command:local:Command") return { stdout: JSON.stringify(proofOf(name.replace(/-proof$/, ""))) };
  if (type.startsWith("kubernetes:") && "metadata" in inputs) {
    return { ...inputs, metadata: { ...(inputs["metadata"] as object), uid: `uid-${name}` } };
  }
  return name.endsWith("-source") ? { data: { "entitlement.pem": entitlement }, type: "Opaque" } : { ...inputs };
};

export const entitlement = "ZW50aXRsZW1lbnQta2V5";
