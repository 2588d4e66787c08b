import type { ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { hasEnded, type BuildObject } from "../../core/build/moduleBuild.ts";
import { buildLogSeconds } from "../../core/patience.ts";
import { within } from "../lib/clock.ts";
import type { Kubectl, KubeObject } from "../cluster/kubectl.ts";
import { inHome } from "../lib/inHome.ts";
import { cutLine } from "../lib/output.ts";
import { progress } from "../lib/step.ts";

/** Keeps the logs of OpenShift Builds in files: KMM deletes a successful Build within 50 ms. */
export class BuildLogs {
  readonly #kubectl: Kubectl;
  readonly #namespace: string;
  readonly #directory: string;
  readonly #followed = new Map<string, Promise<void>>();
  readonly #children = new Set<ChildProcess>();

  /** @param directory on the bastion, made when it isn't there */
  constructor(kubectl: Kubectl, namespace: string, directory: string) {
    this.#kubectl = kubectl;
    this.#namespace = namespace;
    this.#directory = inHome(directory);
  }

  /** By name and UID: KMM gives the name of a Build that failed to the next one. */
  path({ metadata: { name, uid } }: BuildObject): string {
    return join(this.#directory, `${name}-${uid.slice(0, 8)}.log`);
  }

  /** Begins to follow a build's log; a second call for the same build does nothing. */
  follow(build: BuildObject): void {
    const { name, uid } = build.metadata;
    const phase = build.status?.phase ?? "New";
    if (this.#followed.has(uid) || ["New", "Pending"].includes(phase)) return;
    progress(`${name}: ${phase}; log in ${this.path(build)}`);
    const lost = (error: unknown) => progress(`${name}: its log can't be saved: ${String(error)}`);
    this.#followed.set(uid, this.#copy(build).catch(lost));
  }

  /** The end of a finished build's log, for an error message. */
  async tail(build: BuildObject, lines = 20): Promise<string> {
    await this.#followed.get(build.metadata.uid);
    const log = await readFile(this.path(build), "utf8").catch(() => "");
    // Line by line: of a message that is too long as a whole nobody could tell how much of which line is missing.
    return log.trimEnd().split("\n").slice(-lines).map(cutLine).join("\n");
  }

  /** Waits for the rest of the logs. A build that still runs, an older tag's, isn't waited for to its end. */
  async settle(): Promise<void> {
    await within(buildLogSeconds * 1000, Promise.all(this.#followed.values()));
    this.stop();
  }

  /** Follows no log any longer: one that goes on would keep a step that failed from ending. */
  stop(): void {
    this.#children.forEach((child) => child.kill());
  }

  async #copy(build: BuildObject): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const builds = `/apis/build.openshift.io/v1/namespaces/${this.#namespace}/builds`;
    const path = `${builds}/${build.metadata.name}/log?follow=true`;
    const child = this.#kubectl.stream(["get", "--raw", path]);
    this.#children.add(child);
    child.on("close", () => this.#children.delete(child));
    const file = createWriteStream(this.path(build));
    child.stdout?.pipe(file);
    await new Promise<void>((resolve, reject) => file.on("close", resolve).on("error", reject));
  }
}

/** Reason and message as OpenShift gives them, for an error. */
export function whatItSays(build: BuildObject): string {
  const { phase, reason, message } = build.status ?? {};
  return [phase, reason, message].filter((part) => part !== undefined && part !== "").join(": ");
}

/** Cancels the Builds that still run; answers their UIDs. */
export async function cancelBuilds(kubectl: Kubectl, namespace: string, selector: string): Promise<string[]> {
  const builds = await kubectl.list<KubeObject & BuildObject>(
    "builds.build.openshift.io",
    "-n",
    namespace,
    "-l",
    selector,
  );
  const running = builds.filter((build) => !hasEnded(build)).map(({ metadata }) => metadata.name);
  const cancelled = JSON.stringify({ status: { cancelled: true } });
  const uids: string[] = [];
  for (const name of running) {
    progress(`cancelling Build ${name}`);
    // KMM deletes one that ends well at once, also in the moment since it was listed, and makes the next under the same
    // name: which one this was is known only now.
    const uid = await kubectl.runIfThere([
      ...["patch", "builds.build.openshift.io", name, "-n", namespace],
      ...["--type=merge", "-p", cancelled, "-o", "jsonpath={.metadata.uid}"],
    ]);
    if (uid !== undefined) uids.push(uid);
  }
  return uids;
}
