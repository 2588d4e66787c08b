/** Faults that leave worker-1 out of service in the middle of a roll-out: how each is made, what it says, how it ends. */
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { start } from "../running.ts";
import { nextRelease } from "../scene.ts";
import type { WaysOn } from "../waysOn.ts";
import type { Enrolling } from "./enrolling.ts";

/** Where a fault is made: the stack's nodes, and the runs of its program. */
export interface Place {
  readonly nodes: Enrolling;
  readonly ways: WaysOn;
}

export interface FaultOut {
  /** Brings it about; the roll-out hasn't begun yet. */
  readonly make?: (place: Place) => Promise<void>;
  /** Runs the roll-out into it, with these arguments. */
  readonly meet: (place: Place, ...args: string[]) => Promise<unknown>;
  /** What an `up` says of worker-1 as long as the cause is there; absent where nothing is left of it. */
  readonly lasting?: RegExp;
  /** Ends its cause, as an operator would; what it did to the node stays. */
  readonly fix?: (place: Place) => Promise<void>;
}

const node = "worker-1";

/** Minutes: a fault that is waited for is over soon, whatever else runs for much longer. */
const [short, long] = [0.4, 15];

/** A roll-out that fails, and says this. */
const failing = (said: RegExp): Pick<FaultOut, "meet" | "lasting"> => ({
  meet: ({ ways }, ...args) => ways.fails(said, ...args),
  lasting: said,
});

/** A roll-out that is killed, with all that runs for it, when it says this. */
const killed = (when: RegExp): Pick<FaultOut, "meet"> => ({
  meet: ({ nodes }, ...args) => nodes.scene.cut("up", when, "power", ...args),
});

/** A reboot for the key's enrolment that comes to no good end. */
const rebooting = (name: "node.never-returns" | "node.boot-id-unchanged"): FaultOut => ({
  make: async ({ nodes }) => {
    await nodes.renew(node);
    await nodes.limit({ timeoutMinutes: short });
    await nodes.scene.set({ [name]: node });
  },
  ...failing(/timed out after \d+ s waiting for worker-1 to come back: a new boot; the node stays cordoned/),
  fix: async ({ nodes }) => {
    await nodes.scene.set({ [name]: null });
    await nodes.limit({ timeoutMinutes: long });
  },
});

function omitLasting({ make, meet, fix }: FaultOut): FaultOut {
  return { meet, ...(make !== undefined && { make }), ...(fix !== undefined && { fix }) };
}

export const faultsOut: Readonly<Record<string, FaultOut>> = {
  "its worker can't pull the image": {
    make: ({ nodes }) => nodes.scene.set({ "pull.fail": "onload-kmod" }),
    ...failing(/worker-1: .*can't pull its image.*The node stays cordoned/),
    fix: ({ nodes }) => nodes.scene.set({ "pull.fail": null }),
  },
  "the old modules are in use": {
    make: async ({ nodes }) => {
      await nodes.limit({}, { loadTimeoutMinutes: short });
      await nodes.scene.set({ "node.in-use": node });
    },
    ...failing(
      /timed out after \d+ s waiting for worker-1 to load the modules: .*Module \w+ is in use.*the node stays cordoned/,
    ),
    fix: async ({ nodes }) => {
      await nodes.scene.set({ "node.in-use": null });
      await nodes.limit({}, { loadTimeoutMinutes: long });
    },
  },
  "a pod doesn't go": {
    make: async ({ nodes, ways }) => {
      await nodes.limit({}, { drainTimeoutMinutes: 0.1 });
      await ways.keepBusy(node);
    },
    ...failing(/worker-1: draining failed and the node stays cordoned/),
    fix: async ({ nodes, ways }) => {
      await ways.free();
      await nodes.limit({}, { drainTimeoutMinutes: long });
    },
  },
  // KMM loads to its end meanwhile: all is done but the look on the node, and its cordon.
  "its SSH server goes while KMM loads": {
    make: ({ nodes }) => nodes.limit({}, { loadTimeoutMinutes: short }),
    meet: loseSsh,
    lasting: /worker-1: 127\.0\.0\.1:\d+: no SSH connection .*\. The node stays cordoned/,
    fix: async ({ nodes }) => {
      await nodes.scene.set({ "ssh.refuse": null });
      await nodes.limit({}, { loadTimeoutMinutes: long });
    },
  },
  "it doesn't come back from the reboot": rebooting("node.never-returns"),
  // The key is enrolled by then, so that the next `up` has no reboot to wait for.
  "its reboot shows no new boot": omitLasting(rebooting("node.boot-id-unchanged")),
  // One that can't be opened before the drain is said then, and leaves no node out.
  "its console can't be opened a second time": {
    make: async ({ nodes }) => {
      await nodes.renew(node);
      const tried = join(nodes.scene.stack.sandbox.dir, `console-tried-${randomUUID()}`);
      const console = `if test -e ${tried}; then echo SOL payload already active; exit 1; fi; touch ${tried}; echo up; exec cat`;
      await nodes.configureNode(node, { console });
    },
    ...failing(/worker-1: the console failed: .*the node was not rebooted, and stays cordoned/),
    fix: ({ nodes }) => nodes.configureNode(node, { console: `tcp:127.0.0.1:${nodes.consolePort(node)}` }),
  },
  "it comes back with a kernel that nothing is built for": {
    make: async ({ nodes }) => {
      await nodes.renew(node);
      await nodes.upgrade(node, await otherRelease(nodes));
    },
    meet: ({ ways }, ...args) =>
      ways.fails(/worker-1 changed since this run began: kernel \S+ instead of \S+/, ...args),
  },
  "the roll-out is killed in its drain": {
    make: ({ ways }) => ways.keepBusy(node),
    ...killed(/worker-1: draining/),
    fix: ({ ways }) => ways.free(),
  },
  "the roll-out is killed once KMM may load": killed(/worker-1: KMM may load/),
  "the roll-out is killed in the reboot": {
    make: ({ nodes }) => nodes.renew(node),
    ...killed(/worker-1: rebooting into MokManager/),
  },
};

async function loseSsh({ nodes: { scene } }: Place, ...args: string[]): Promise<void> {
  const running = start(scene.stack, "up", ...args);
  assert.ok(await running.says(/worker-1: KMM may load/), running.output);
  await scene.set({ "ssh.refuse": node });
  const { exitCode, output } = await running.end();
  assert.notEqual(exitCode, 0, output);
  assert.match(
    output,
    /timed out after \d+ s waiting for worker-1 to load the modules: KMM is done, but worker-1: \S+: no SSH connection .*stays cordoned/,
  );
}

/** The release that the node doesn't run now, of the two that there are. */
async function otherRelease({ scene }: Enrolling): Promise<typeof nextRelease> {
  if ((await scene.nodeInfo(node)).kernelVersion !== nextRelease.kernel) return nextRelease;
  const { kernelVersion, osImage } = await scene.nodeInfo("worker-2");
  return { kernel: kernelVersion, osImage };
}
