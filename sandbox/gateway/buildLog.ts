import { existsSync } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { type Kube, KubeError } from "../kube.ts";
import { type BuildFiles, buildFiles } from "../openshift/buildFiles.ts";
import { type Build, builds } from "../openshift/resources.ts";
import { answerStatus, authorize, type Exchange } from "./answer.ts";

/** How long a log request waits for a build to start. */
const START_MS = 10_000;
/** How often a growing log is looked at. */
const POLL_MS = 40;
const OPTIONS = ["follow", "nowait"];

/**
 * `GET …/builds/NAME/log[?follow=true]`: the build's log as text, with `follow` until the build has ended. A stream
 * under way continues to the log's end even if the Build is deleted meanwhile.
 */
export async function buildLog(kube: Kube, stateDir: string, exchange: Exchange): Promise<void> {
  const { request, response, url, namespace, name } = exchange;
  const group = "build.openshift.io";
  await authorize(kube, request, { verb: "get", group, resource: "builds", subresource: "log", namespace, name });
  for (const option of url.searchParams.keys()) {
    if (OPTIONS.includes(option)) continue;
    answerStatus(response, 400, "BadRequest", `build log: option ${option} is not supported here`);
    return;
  }
  const build = await untilStarted(kube, namespace, name);
  const files = buildFiles(stateDir, build);
  if (!existsSync(files.log)) {
    const phase = build.status?.phase ?? "New";
    answerStatus(response, 400, "BadRequest", `build ${name} is in phase ${phase}. No logs are available.`);
    return;
  }
  const log = await open(files.log);
  try {
    response.writeHead(200, { "Content-Type": "text/plain" });
    await copyLog(log, files, { follow: url.searchParams.get("follow") === "true", exchange });
  } finally {
    await log.close();
  }
}

async function untilStarted(kube: Kube, namespace: string, name: string): Promise<Build> {
  const deadline = Date.now() + START_MS;
  for (;;) {
    const build = await kube.get(builds, { namespace, name });
    const phase = build.status?.phase ?? "New";
    if (phase !== "New" && phase !== "Pending") return build;
    if (Date.now() > deadline) {
      const message = `Timeout: timed out waiting for build ${name} to start after 10s`;
      throw new KubeError(504, { message, reason: "Timeout", code: 504 }, message);
    }
    await sleep(POLL_MS);
  }
}

async function copyLog(log: FileHandle, files: BuildFiles, to: { follow: boolean; exchange: Exchange }): Promise<void> {
  const { response } = to.exchange;
  const buffer = Buffer.alloc(65_536);
  while (!response.destroyed) {
    // Look for the end before reading: everything written before the mark is then read.
    const complete = !to.follow || existsSync(files.logEnd) || !existsSync(files.directory);
    const { bytesRead } = await log.read(buffer, 0, buffer.length);
    if (bytesRead > 0) await write(response, Buffer.from(buffer.subarray(0, bytesRead)));
    else if (complete) break;
    else await sleep(POLL_MS);
  }
  response.end();
}

async function write(response: Exchange["response"], chunk: Buffer): Promise<void> {
  await new Promise<void>((resolve) => response.write(chunk, () => resolve()));
}
