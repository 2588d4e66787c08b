/** What each accident does, and how it is undone. */
import { setTimeout as sleep } from "node:timers/promises";
import { annotations } from "../../core/names.ts";
import { controlNode } from "@onload-kmm/sandbox/nodes/control";
import { goOn } from "../faults/running.ts";
import { startSecond } from "./bastion.ts";
import { deleteByHand } from "./deletions.ts";
import { failures, type Accident } from "./plan.ts";
import type { Place } from "./place.ts";
import { stack } from "./timeline.ts";
import { nameOf } from "./wanted.ts";

/** Key of the taint that somebody else sets. */
export const taint = "example.com/chaos";

type Of<Kind extends Accident["kind"]> = Extract<Accident, { kind: Kind }>;

/** How what was done is undone. `missed`: there was nothing that it could happen to. */
type Done = (() => unknown) | "missed" | undefined;

const acts: { readonly [Kind in Accident["kind"]]: (place: Place, accident: Of<Kind>) => Promise<Done> } = {
  kill: ({ running, hands }, { victim }) => {
    hands.orphans.push(...running.kill(victim));
    return Promise.resolve(undefined);
  },
  stop: ({ running }, { victim }) => {
    const { hit } = running.signal(victim, "SIGSTOP");
    return Promise.resolve(() => {
      goOn(hit);
    });
  },
  "second bastion": async (place, { skewSeconds }) => {
    if (!place.isUp) return "missed";
    place.hands.bastions += 1;
    place.seconds.push(await startSecond(place.scene.stack, place.hands.bastions, skewSeconds));
    return undefined;
  },
  service: async ({ scene }, { service, how }) => {
    const { sandbox } = scene.stack;
    if (how === "kill") {
      await sandbox.kill(service);
      return () => sandbox.start(service);
    }
    await sandbox.pause(service);
    return () => sandbox.resume(service);
  },
  failure: async ({ scene }, { failure, node }) => {
    const [name, value] = failures[failure];
    await scene.set({ [name]: value.replace("NODE", nameOf(node)) });
    return () => scene.set({ [name]: null });
  },
  taint: async ({ scene, tainted }, { node, effect }) => {
    await scene.kubectl("taint", "node", nameOf(node), `${taint}=yes:${effect}`, "--overwrite");
    tainted.add(nameOf(node));
    return undefined;
  },
  reboot: async ({ scene, hands, disturbed }, { node }) => {
    disturbed.add(nameOf(node));
    hands.boots.push({ node: nameOf(node), at: Date.now() });
    await controlNode(scene.stack.sandbox.dir, nameOf(node), "reset");
    return undefined;
  },
  delete: async (place, { what, node }) => {
    place.hasLost = true;
    return (await deleteByHand(place.scene, what, nameOf(node))) ? undefined : "missed";
  },
  busy: async ({ scene }, { node }) => {
    await keepBusy(scene, nameOf(node));
    return () => free(scene, nameOf(node));
  },
  cordon: async ({ scene, cordoned }, { node }) => {
    const name = nameOf(node);
    const found = await scene.get("node", name);
    if (found === undefined || found.spec?.["unschedulable"] === true) return "missed";
    await scene.kubectl("cordon", name);
    const now = await scene.get("node", name);
    // The program was quicker: the cordon is its own.
    if (now?.metadata.annotations?.[annotations.cordonedBy] === stack) return "missed";
    cordoned.add(name);
    return undefined;
  },
};

/** How it went with an accident. */
export interface Met {
  readonly kind: Accident["kind"];
  /** Why it didn't happen; undefined when it did. */
  readonly missed?: string;
}

/** Waits for the accident's moment and lets it happen. It is undone when this resolves. */
export async function happen(place: Place, accident: Accident): Promise<Met> {
  const { kind, when } = accident;
  if (!(await place.reached(when))) return { kind, missed: `no moment: ${when.says}` };
  const act = acts[kind] as (place: Place, accident: Accident) => Promise<Done>;
  try {
    const done = await act(place, accident);
    if (done === "missed") return { kind, missed: "nothing that it could happen to" };
    if (done === undefined) return { kind };
    if ("seconds" in accident) await place.pause(accident.seconds);
    await insist(done);
    return { kind };
  } catch (error) {
    // The cluster may be away by another accident.
    return { kind, missed: String(error).split("\n", 1)[0] ?? "" };
  }
}

/** Milliseconds: another accident that is in the way is over by then. */
const longest = 120_000;

/** Repeats what another accident may keep from succeeding. */
async function insist(act: () => unknown): Promise<void> {
  const deadline = Date.now() + longest;
  for (;;) {
    try {
      await act();
      return;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(500);
    }
  }
}

const busyPod = (node: string): string => `busy-on-${node}`;

async function keepBusy({ stack: { sandbox } }: Place["scene"], node: string): Promise<void> {
  const metadata = { name: busyPod(node), namespace: "default", finalizers: ["example.com/hold"] };
  const spec = { nodeName: node, containers: [{ name: "busy", image: "busy" }] };
  await sandbox.kubectl(["create", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata, spec }));
}

async function free(scene: Place["scene"], node: string): Promise<void> {
  const pod = ["-n", "default", "pod", busyPod(node)];
  if ((await scene.get(...pod)) === undefined) return;
  await scene.kubectl("patch", ...pod, "--type=merge", "-p", JSON.stringify({ metadata: { finalizers: null } }));
  await scene.kubectl("delete", ...pod, "--ignore-not-found", "--force", "--wait=false");
}

/** Ends what lasts longer than an operation: somebody takes their own cordons and taints off again. */
export async function tidy({ scene, cordoned, tainted }: Place): Promise<void> {
  for (const node of cordoned) await scene.kubectl("uncordon", node);
  for (const node of tainted) await scene.kubectl("taint", "node", node, `${taint}-`);
}
