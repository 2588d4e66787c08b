import { createWriteStream } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { BuildObject } from "../../core/moduleBuild.ts";
import type { Kubectl } from "./kubectl.ts";
import { progress } from "./step.ts";

/** Keeps the logs of OpenShift Builds in files: KMM deletes a successful Build within 50 ms. */
export class BuildLogs {
  readonly #kubectl: Kubectl;
  readonly #namespace: string;
  readonly #directory: string;
  readonly #followed = new Map<string, Promise<void>>();

  /** @param directory on the bastion, made when it isn't there */
  constructor(kubectl: Kubectl, namespace: string, directory: string) {
    this.#kubectl = kubectl;
    this.#namespace = namespace;
    this.#directory = directory;
  }

  path(build: string): string {
    return join(this.#directory, `${build}.log`);
  }

  /** Begins to follow a build's log; a second call for the same build does nothing. */
  follow(build: BuildObject): void {
    const { name } = build.metadata;
    const phase = build.status?.phase ?? "New";
    if (this.#followed.has(name) || ["New", "Pending"].includes(phase)) return;
    progress(`${name}: ${phase}; log in ${this.path(name)}`);
    this.#followed.set(name, this.#copy(name));
  }

  /** The end of a finished build's log, for an error message. */
  async tail(build: string, lines = 20): Promise<string> {
    await this.#followed.get(build);
    const log = await readFile(this.path(build), "utf8").catch(() => "");
    return log.trimEnd().split("\n").slice(-lines).join("\n");
  }

  /** Waits until the logs of all builds that ended have been written. */
  async settle(): Promise<void> {
    await Promise.all(this.#followed.values());
  }

  async #copy(name: string): Promise<void> {
    await mkdir(this.#directory, { recursive: true });
    const path = `/apis/build.openshift.io/v1/namespaces/${this.#namespace}/builds/${name}/log?follow=true`;
    const child = this.#kubectl.stream(["get", "--raw", path]);
    const file = createWriteStream(this.path(name));
    child.stdout?.pipe(file);
    await new Promise<void>((resolve) => file.on("close", resolve).on("error", () => resolve()));
  }
}

/** Reason and message as OpenShift gives them, for an error. */
export function whyItFailed(build: BuildObject): string {
  const { phase, reason, message } = build.status ?? {};
  return [phase, reason, message].filter((part) => part !== undefined && part !== "").join(": ");
}
