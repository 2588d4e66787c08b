/** The sandbox's node is held to what the real machine answers: see test/machine/contract.ts. */
import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before } from "node:test";
import { type Node, deletionContract, enrolmentContract } from "../machine/contract.ts";
import { ScreenRecorder } from "@onload-kmm/secure-boot/screens";
import { makeSigningPair } from "@onload-kmm/secure-boot/signing";
import { Machines, machine } from "@onload-kmm/sandbox/test/nodes/support";

const name = "worker-1";
const recorder = new ScreenRecorder();
let machines: Machines;
let der: Buffer;

before(async () => {
  const directory = await mkdtemp(path.join(os.tmpdir(), "onload-kmm-contract-"));
  der = (await makeSigningPair(directory, "OnloadModules")).certificate.raw;
  await rm(directory, { recursive: true });
  machines = await Machines.start(machine(name));
});
after(() => machines.stop());

const node = (): Node => ({
  run: (commandLine, stdin) => machines.ssh(name, commandLine, stdin),
  console: `tcp:127.0.0.1:${machines.access(name).consolePort}`,
  reboot: async () => {
    const up = machines.reports(`${name} ready`);
    await machines.tool(name, "reboot", { delay: "1" });
    return { up };
  },
  certificate: der,
  recorder,
});

enrolmentContract(node);
deletionContract(node);
