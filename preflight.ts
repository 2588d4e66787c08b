import { readFile } from "node:fs/promises";
import * as pulumi from "@pulumi/pulumi";
import type { ListedNode } from "./components/onloadNodes.ts";
import { look } from "./components/step.ts";
import { problemReport, type Config } from "./config.ts";
import { told, type Told } from "./core/errors.ts";
import { identityOf, type Intent } from "./core/cluster/inspection.ts";
import type { PlanView } from "./core/node/planSummary.ts";
import type { AnswerOf } from "./core/contracts/contract.ts";
import type { RunReport } from "./report.ts";
import { inspectCluster, nothingSeen } from "./core/contracts/inspectCluster.ts";
import { expiryWarnings } from "./core/configuration/signingPair.ts";
import { keyChange, keyOf } from "./core/configuration/keyChange.ts";
import type { Remade } from "./core/cluster/ownObjects.ts";
import { longestTag, tagLengthProblem } from "./core/build/imageTag.ts";
import type { Release } from "./core/build/release.ts";
import { releaseSupport, type BuiltFor } from "./core/build/releaseSupport.ts";
import { measuredTurns } from "./core/report/turns.ts";
import { openRelease, ReleaseError } from "./steps/build/releasePackage.ts";
import { expandHome } from "./steps/lib/expandHome.ts";
import { pastRuns } from "./steps/lib/pastRuns.ts";
import { agentProblem, privateKeyProblem } from "./steps/node/sshKey.ts";

/** What the program knows before its first resource. */
export interface Preflight {
  readonly release: Release;
  /** The listed nodes, each with what the cluster says of it, in the list's order. */
  readonly nodes: readonly ListedNode[];
  /** Which of the stack's own objects were deleted by hand, and are made again. */
  readonly remade: Remade;
  /** Stems of image tags that must not be used again (core/build/imageMemory.ts). */
  readonly spoilt: readonly string[];
  /** Kernels that the Module may be built for. */
  readonly kernels: readonly string[];
  /** What the plan's sentences are made from (core/node/planSummary.ts), as far as it is known now. */
  readonly outlook: Omit<PlanView, "stack" | "nodes" | "target">;
  /** Texts of the files in `assets/` that travel to the cluster, by path. */
  readonly assets: Readonly<Record<AssetPath, string>>;
}

const assetPaths = [
  "assets/srpm.Dockerfile",
  "assets/build-kmod.sh",
  "assets/entitled-packages.sh",
  "assets/driver-toolkit.Dockerfile",
  "assets/entitled-ubi.Dockerfile",
] as const;
type AssetPath = (typeof assetPaths)[number];

/**
 * Looks at the release package and at the cluster, in `preview` too, without changing anything.
 *
 * @param report of this run; absent in a preview
 * @throws pulumi.RunError that lists everything which would make `up` fail
 */
export async function preflight(config: Config, report?: RunReport): Promise<Preflight> {
  const [release, cluster, keyProblems, assets] = await Promise.all([
    readRelease(config),
    lookAtCluster(config, report),
    sshKeyProblems(config),
    readAssets(),
  ]);
  const tagProblems = cluster.nodes.flatMap(
    ({ node }) => tagLengthProblem(longestTag(config.release.version), config.namespace, identityOf(node).kernel) ?? [],
  );
  const support = releaseSupport(config.release.version, kernelsToBuildFor(config, cluster));
  const problems = [
    ...release.problems,
    // What is wrong with the key keeps the program out of each node.
    ...cluster.problems.filter((problem) => keyProblems.length === 0 || !problem.endsWith("[OKMM-SSH-KEY]")),
    ...keyProblems,
    ...new Set(tagProblems),
    ...support.problems,
  ];
  const warnings = [
    ...cluster.warnings,
    ...keyChange(config, cluster),
    ...expiryWarnings(config.signing.existing?.certificate, Date.now()),
    ...support.warnings,
  ];
  await Promise.all(warnings.map((warning) => pulumi.log.warn(warning)));
  if (release.release === undefined || problems.length > 0) {
    report?.stopped(problems);
    throw new pulumi.RunError(problemReport(problems));
  }
  const nodes = config.nodes.flatMap((node) => {
    const reality = cluster.nodes.find(({ node: { metadata } }) => metadata.name === node.name);
    return reality === undefined ? [] : [{ ...node, reality, identity: identityOf(reality.node) }];
  });
  const { remade, spoilt, kernels, leaving, updatingPools, signed } = cluster;
  const outlook = {
    ...{ namespace: config.namespace, release: release.release.version, mode: config.enrolment.mode },
    maxParallel: config.rollout.maxParallel,
    nextKernels: config.build.nextKernels.map(({ kernel }) => kernel),
    ...{ key: keyOf(config, cluster.certificate), leaving, updatingPools, signed },
    // Only a preview tells an estimate.
    measured: report === undefined ? measuredTurns(pastRuns(pulumi.getStack())) : {},
  };
  return { release: release.release, nodes, remade, spoilt, kernels, outlook, assets };
}

/** Held nodes are built for, too. */
function kernelsToBuildFor({ build }: Config, { nodes }: Inspection): BuiltFor[] {
  return [
    ...nodes.map(({ node: { metadata, status } }) => ({ what: metadata.name, kernel: status.nodeInfo.kernelVersion })),
    ...build.nextKernels.map(({ kernel }, at) => ({ what: `onload-kmm:build.nextKernels[${at}]`, kernel })),
  ];
}

/** Why no step could log in with the configured key. Its content stays in its file: it is in no input, and so not in state. */
async function sshKeyProblems({ ssh: { privateKeyFile, agent } }: Config): Promise<Told[]> {
  const absent = agent ? agentProblem(process.env["SSH_AUTH_SOCK"]) : undefined;
  if (absent !== undefined) return [told("OKMM-SSH-KEY", `onload-kmm:ssh.agent: found true, but ${absent}`)];
  if (privateKeyFile === undefined) return [];
  const problem = (why: string) =>
    told(
      "OKMM-SSH-KEY",
      `onload-kmm:ssh.privateKeyFile: found "${privateKeyFile}": ${why}, expected the file of a private key without passphrase; for one with a passphrase, or on a security key, set \`agent: true\``,
    );
  try {
    const pem = await readFile(expandHome(privateKeyFile), "utf8");
    const found = privateKeyProblem(pem);
    return found === undefined ? [] : [problem(found)];
  } catch (error) {
    const { code = "unreadable" } = error as NodeJS.ErrnoException;
    return [problem({ ENOENT: "no such file", EACCES: "no permission to read it" }[code] ?? code)];
  }
}

async function readRelease({ release }: Config): Promise<{ release?: Release; problems: readonly Told[] }> {
  try {
    return { release: await openRelease(release), problems: [] };
  } catch (error) {
    if (error instanceof ReleaseError) return { problems: error.problems };
    throw error;
  }
}

type Inspection = AnswerOf<typeof inspectCluster>;

async function lookAtCluster(config: Config, report?: RunReport): Promise<Inspection> {
  const intent: Intent = {
    stack: pulumi.getStack(),
    namespace: config.namespace,
    nodes: config.nodes.map(({ name, hold }) => ({ name, hold })),
    kernels: config.build.kernels,
    strategy: config.build.strategy,
    ...(config.build.nextKernels.length > 0 && { nextKernels: true }),
    registry: config.registry,
    certificate: config.signing.existing?.certificate,
  };
  const machines = config.nodes
    .filter(({ hold }) => !hold)
    .map(({ name, address, hostKey, ownNetworkOnSolarflare, withoutPorts }) => ({
      ...{ name, address, hostKey, ...config.ssh },
      consent: { ownNetworkOnSolarflare, withoutPorts },
    }));
  try {
    return await look(inspectCluster, {
      ...{ cluster: config.cluster, intent, machines },
      ...{ release: config.release.version, mode: config.enrolment.mode },
      ...(report !== undefined && { run: { name: report.name, maxParallel: config.rollout.maxParallel } }),
    });
  } catch (error) {
    // It answers with its findings even when the cluster is away: this is a fault of ours, or of the bastion.
    const why = `cluster: could not be inspected: ${(error as Error).message}`;
    return { ...nothingSeen, problems: [told("OKMM-PREFLIGHT-FAILED", why)] };
  }
}

async function readAssets(): Promise<Preflight["assets"]> {
  const texts = await Promise.all(assetPaths.map(async (path) => [path, await readFile(path, "utf8")] as const));
  return Object.fromEntries(texts) as Preflight["assets"];
}
