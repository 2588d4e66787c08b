import assert from "node:assert/strict";
import { test } from "node:test";
import type { ModuleUser } from "../../../core/node/moduleUsers.ts";
import type { WorkerPod } from "../../../core/node/workerPod.ts";
import type { NodeMachine } from "../../../steps/node/nodeMachine.ts";
import type { NodeOutage } from "../../../steps/node/nodeOutage.ts";
import { Unreachable } from "../../../steps/node/ssh.ts";
import { isInUse, WorkerAccount } from "../../../steps/node/workerAccount.ts";

const failed = (restartCount: number): WorkerPod => ({
  metadata: { name: "pod", labels: { "kmm.node.kubernetes.io/worker-action": "Unload" } },
  status: { containerStatuses: [{ name: "worker", restartCount, lastState: { terminated: { exitCode: 1 } } }] },
});

/** An account of a worker that printed `log`; `asked` counts how often it was asked for that. */
function account(log: string, users: ModuleUser[] | Error = []) {
  let asked = 0;
  const workerLog = () => {
    asked += 1;
    return Promise.resolve(log);
  };
  const holders = () => (Array.isArray(users) ? Promise.resolve(users) : Promise.reject(users));
  const made = new WorkerAccount(
    { workerLog, readPods: () => Promise.resolve([]) } as unknown as NodeOutage,
    { users: holders } as unknown as NodeMachine,
    "ns",
  );
  const text = async (worker: WorkerPod | undefined) => (await made.of(worker))?.text;
  return { text, asked: () => asked };
}

const inUse = "I1126 unloading\nmodprobe: FATAL: Module onload is in use.\n";
const said = "it said last: I1126 unloading | modprobe: FATAL: Module onload is in use.";

test("a failing worker's last words are told, and who holds the modules", async () => {
  const { text } = account(inUse, [
    { name: "nginx (4242)", holds: "/dev/onload", pod: "uid" },
    { name: "module foo", holds: null, pod: null },
  ]);
  assert.equal(
    await text(failed(6)),
    `pod failed 6 times to unload: exit code 1; ${said}; held by nginx (4242) of pod uid by /dev/onload, module foo`,
  );
});

test("a node that can't be asked who holds them keeps nothing back of the rest", async () => {
  const { text } = account(inUse, new Unreachable("gone"));
  assert.equal(await text(failed(1)), `pod failed once to unload: exit code 1; ${said}`);
});

test("another failure's words ask nobody who holds the modules; a log that can't be had is left out", async () => {
  const rejected = account(
    "modprobe: ERROR: could not insert 'onload': Key was rejected by service",
    new Error("asked"),
  );
  assert.match((await rejected.text(failed(1))) ?? "", /Key was rejected by service$/);
  assert.equal(await account("").text(failed(1)), "pod failed once to unload: exit code 1");
});

for (const [held, log] of [
  [true, "modprobe: FATAL: Module onload is in use."],
  [true, "rmmod: ERROR: Module sfc_resource is in use by: onload"],
  [
    true,
    "modprobe: ERROR: ../libkmod/libkmod-module.c:856 kmod_module_remove_module() could not remove 'sfc': Resource temporarily unavailable",
  ],
  [false, "modprobe: FATAL: Module sfc is builtin."],
  [false, "modprobe: FATAL: Module onload not found in directory /opt/lib/modules/5.14.0-570.49.1.el9_6.x86_64"],
  [false, "modprobe: ERROR: could not insert 'sfc': Device or resource busy"],
  [false, 'E1126 "could not serve metrics" err="listen tcp :8080: bind: address already in use"'],
  [false, "Kernel driver in use: sfc"],
] as const) {
  test(`${held ? "somebody holds a module" : "no module is held"}: ${log}`, () => assert.equal(isInUse(log), held));
}

test("the log is asked for after each failure, and not at each look", async () => {
  const { text, asked } = account(inUse);
  for (const times of [1, 1, 1, 2]) await text(failed(times));
  assert.equal(asked(), 2);
  assert.equal(await text(undefined), undefined);
});
