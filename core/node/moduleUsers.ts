import { leavesInDrain, type DrainedPod } from "./undrained.ts";

/** What holds a module, so that it can't be unloaded, as assets/node/users.sh reports. */
export interface ModuleUser {
  /** `nginx (4242)`, `module foo`, `the kernel`. */
  readonly name: string;
  /** The file that a process has open, or the module. */
  readonly holds: string | null;
  /** UID of the pod that a process runs in. */
  readonly pod: string | null;
}

/** A pod of the node. */
export interface NodePod extends DrainedPod {
  readonly metadata: DrainedPod["metadata"] & { readonly uid: string };
}

/** OpenOnload's own server: it ends by itself, half a minute after the last application (`cplane_server_grace_timeout`). */
const ownServer = "onload_cp_server (";

/** How a person recognises it: `nginx (4242) of pod default/web by /dev/onload`. */
export function userText({ name, holds, pod }: ModuleUser, pods: readonly NodePod[]): string {
  const found = pods.find(isPod(pod));
  const where = pod === null ? "" : ` of pod ${found === undefined ? pod : nameOf(found)}`;
  return `${name}${where}${holds === null ? "" : ` by ${holds}`}`;
}

/** Those that a drain doesn't end: processes outside pods, and in pods that stay; without a drain, all. */
export function lastingUsers(users: readonly ModuleUser[], pods: readonly NodePod[], drains: boolean): ModuleUser[] {
  return users.filter(({ name, pod }) => {
    if (name.startsWith(ownServer)) return false;
    if (pod === null || !drains) return true;
    // A pod that the cluster doesn't know is already ending.
    const found = pods.find(isPod(pod));
    return found !== undefined && !leavesInDrain(found);
  });
}

/** A static pod's processes have the UID of its file, which its mirror pod has as a hash. */
const isPod =
  (uid: string | null) =>
  ({ metadata }: NodePod): boolean =>
    metadata.uid === uid || metadata.annotations?.["kubernetes.io/config.hash"] === uid;

const nameOf = ({ metadata: { namespace, name } }: NodePod): string => `${namespace}/${name}`;
