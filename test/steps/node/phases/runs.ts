/** Both lists of phases, run in a scene as their steps run them. */
import assert from "node:assert/strict";
import { StepError } from "../../../../steps/lib/step.ts";
import { leave } from "../../../../steps/node/phases/leave.ts";
import { roll } from "../../../../steps/node/phases/roll.ts";
import { kernel } from "../../../core/node/machines.ts";
import { rsaPair } from "../../../core/configuration/pems.ts";
import { passwordHash } from "./fakeMachine.ts";
import { namespace, stack, target } from "./objects.ts";
import type { Scene } from "./scene.ts";

/** Seconds between a kill and the next run: at once, while a reboot goes on, and long after. */
export const pauses = [0, 8, 600];

const { certificate } = await rsaPair();

const shared = {
  cluster: { kubeconfig: "memory", context: "fake", id: "uid-kube-system" },
  stack,
  ssh: { address: "10.0.0.1", hostKey: "ssh-ed25519 AAAA", user: "core", agent: true },
  certificate,
};

/** As the components give it, mode by mode. */
const enrolment = ({ setup: { mode } }: Scene) => ({
  enrolment: {
    passwordHash: mode === "redfish" ? "" : passwordHash,
    ...(mode === "console" && { password: "password1" }),
    ...(mode === "redfish" && { bmc: { url: "https://bmc", fingerprint: "", user: "u", password: "p" } }),
  },
  ...(mode === "console" && { console: "unix:/dev/null" }),
});

/** Rolls the scene's node; cut right after so many acts. */
export const rollIn = (scene: Scene, cutAfter?: number) =>
  scene.run((peers) => {
    const node = { name: "w1", uid: "uid-w1", machineId: "m", systemUuid: "s", kernel };
    const consent = { ownNetworkOnSolarflare: false, withoutPorts: false };
    return roll({ ...shared, ...enrolment(scene), node, module: target, generation: 7, consent }, peers);
  }, cutAfter);

/** Takes the scene's node out of the stack; cut right after so many acts. */
export const leaveIn = (scene: Scene, cutAfter?: number) =>
  scene.run(
    (peers) => leave({ ...shared, ...enrolment(scene), node: "w1", namespace, module: target.name }, peers),
    cutAfter,
  );

/** That the run ends with this reason, and has touched nothing. */
export async function assertRefused(run: (scene: Scene) => Promise<unknown>, scene: Scene, why: RegExp): Promise<void> {
  const before = scene.end();
  await assert.rejects(run(scene), (error: unknown) => error instanceof StepError && why.test(error.message));
  assert.deepEqual(scene.acts, []);
  assert.deepEqual(scene.end(), before);
  assert.deepEqual(scene.leases, []);
}
