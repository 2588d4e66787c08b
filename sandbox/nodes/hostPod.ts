import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, matchesGlob, posix } from "node:path";
import { containerStatus, podStatus, terminated, waiting } from "./podStatus.ts";
import type { StoredImage } from "./machine.ts";
import type { Container, Pod } from "./shapes.ts";

/*
 * Stands in for the kubelet and CRI-O where a pod reads files of its node through hostPath volumes, as `oc debug node` does
 * it: the files are the modelled node's own, found through the pod's volumes and mounts. SELinux is played as far as it
 * matters: without the type `spc_t`, or `privileged`, a container may not read the host's files. One command is known,
 * `/bin/sh -c "cat FILE… > /dev/termination-log"`; a pod with any other is refused in its status. Users and modes of files
 * are left out: what lies below the node's root is readable by all.
 */

/** What ends up in a termination message (Kubernetes, "Determine the Reason for Pod Failure"). */
const MESSAGE_BYTES = 4096;

/** Does the pod see files of its node? Those of KMM do, too, and are played elsewhere. */
export const readsHostFiles = (pod: Pod): boolean =>
  pod.spec?.volumes?.some(({ hostPath }) => hostPath !== undefined) ?? false;

/** Runs the pod's one container over the files below `root`, the node's own; answers the status that the kubelet posts. */
export function runHostPod(pod: Pod, image: StoredImage, root: string): Record<string, unknown> {
  const containers = pod.spec?.containers ?? [];
  const [container] = containers;
  const patterns = containers.length === 1 && container !== undefined ? filesIn(container) : undefined;
  if (container === undefined || patterns === undefined) {
    return podStatus("Pending", { main: containers.map((each) => refused(each, unknownCommand)) });
  }
  const missing = missingVolume(pod, root);
  if (missing !== undefined) return podStatus("Pending", { main: [refused(container, missing, "ContainerCreating")] });
  return ended(container, image, cat(pod, container, { patterns, root }));
}

const unknownCommand =
  "the sandbox plays pods with a hostPath only with one container that runs `cat FILE… > /dev/termination-log`";

/** Whatever it printed on stderr is its message only where its policy asks for that. */
function ended(container: Container, image: StoredImage, { code, text }: { code: number; text: string }) {
  const isTold = code === 0 || container.terminationMessagePolicy === "FallbackToLogsOnError";
  const message = isTold ? Buffer.from(text).subarray(-MESSAGE_BYTES).toString() : undefined;
  const status = containerStatus(container, terminated(code, message), { image });
  return podStatus(code === 0 ? "Succeeded" : "Failed", { main: [status] });
}

const refused = (container: Container, why: string, reason = "CreateContainerError") =>
  containerStatus(container, waiting(reason, why));

/** The files that the container's command names; undefined for another command. */
function filesIn({ command = [], args = [] }: Container): string[] | undefined {
  const [shell, option, script = "", ...more] = [...command, ...args];
  if (shell !== "/bin/sh" || option !== "-c" || more.length > 0) return undefined;
  return /^cat((?: \/[\w./*-]+)+) > \/dev\/termination-log$/.exec(script)?.[1]?.trim().split(" ");
}

function missingVolume(pod: Pod, root: string): string | undefined {
  const paths = (pod.spec?.volumes ?? []).flatMap(({ hostPath }) =>
    hostPath?.type === "Directory" ? [hostPath.path] : [],
  );
  const missing = paths.find((path) => statSync(join(root, path), { throwIfNoEntry: false })?.isDirectory() !== true);
  return missing === undefined ? undefined : `hostPath type check failed: ${missing} is not a directory`;
}

function cat(pod: Pod, container: Container, { patterns, root }: { patterns: string[]; root: string }) {
  const { privileged, seLinuxOptions } = container.securityContext ?? {};
  const mayRead = privileged === true || seLinuxOptions?.type === "spc_t";
  const found = patterns.flatMap((pattern) => expand(pattern, pod, container, root));
  const failed = found.filter(({ file }) => file === undefined || !mayRead);
  const lines = failed.map(
    ({ path, file }) => `cat: ${path}: ${file === undefined ? "No such file or directory" : "Permission denied"}\n`,
  );
  if (failed.length > 0) return { code: 1, text: lines.join("") };
  return { code: 0, text: found.map(({ file = "" }) => readFileSync(file, "utf8")).join("") };
}

/** A pattern's paths in the container, each with the file behind it; as in a shell, one that fits nothing stays as it is. */
function expand(pattern: string, pod: Pod, container: Container, root: string): { path: string; file?: string }[] {
  const directory = posix.dirname(pattern);
  const host = hostDirectory(directory, pod, container);
  const names = host === undefined ? [] : namesIn(join(root, host));
  const fitting = names.filter((name) => matchesGlob(name, posix.basename(pattern))).sort();
  if (host === undefined || fitting.length === 0) return [{ path: pattern }];
  return fitting.map((name) => ({ path: posix.join(directory, name), file: join(root, host, name) }));
}

/** Where a directory of the container is on the node; undefined when none of its mounts leads there. */
function hostDirectory(directory: string, pod: Pod, container: Container): string | undefined {
  const mount = container.volumeMounts?.find(({ mountPath }) => `${directory}/`.startsWith(`${mountPath}/`));
  const volume = pod.spec?.volumes?.find(({ name }) => name === mount?.name);
  if (mount === undefined || volume?.hostPath === undefined) return undefined;
  return posix.join(volume.hostPath.path, directory.slice(mount.mountPath.length));
}

function namesIn(directory: string): string[] {
  return statSync(directory, { throwIfNoEntry: false })?.isDirectory() === true ? readdirSync(directory) : [];
}
