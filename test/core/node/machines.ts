/** A machine that runs OpenOnload as it should, and its parts. */
import type { LiveModule, MachineState, Port } from "../../../core/node/machineState.ts";

export const kernel = "5.14.0-570.49.1.el9_6.x86_64";
export const live = (change: Partial<LiveModule> = {}): LiveModule => ({
  version: "6.1.0.1009",

  outOfTree: true,
  unsigned: false,
  signers: ["Example Corp"],
  ...change,
});
export const pci = (change: Partial<Port> = {}): Port => ({
  pci: "0000:3b:00.0",
  id: "1924:0b03",
  driver: "sfc",
  virtual: false,
  override: null,
  part: "X2522",
  serial: "****1152",
  ...change,
});
export const idle = pci({ driver: null });
export const port = (change: object = {}) => ({
  ...{ name: "ens1", pci: "0000:3b:00.0", driver: "sfc", version: "6.1.0.1009", firmware: "8.4.0.1003" },
  ...change,
});
export const machine = (change: Partial<MachineState> = {}): MachineState => ({
  secureBoot: "enabled",
  key: "enrolled",
  deletionPending: false,
  firmwareSpace: null,
  kernel,
  bootId: "b",
  modules: { onload: live(), sfc: live(), sfc_char: live(), sfc_resource: live() },
  ports: [pci()],
  interfaces: [port()],
  ownNetwork: [{ name: "eno1", driver: "tg3", solarflare: false }],
  signaturesEnforced: true,
  blacklisted: [],
  kernelDriverBarred: null,
  ibt: false,
  boot: { tool: true, current: "0001", first: "0001", path: "HD(1,GPT,…)/File(\\EFI\\redhat\\shimx64.efi)" },
  ...change,
});
