import assert from "node:assert/strict";
import { test } from "node:test";
import {
  driverProblems,
  isTrusted,
  kernelDriverProblems,
  ownSolarflareInterfaces,
  type KeyState,
  type LiveModule,
  type MachineState,
} from "../../core/machineState.ts";

const kernel = "5.14.0-570.49.1.el9_6.x86_64";
const live = (change: Partial<LiveModule> = {}): LiveModule => ({
  version: "6.1.0.1009",
  srcversion: "ABC",
  outOfTree: true,
  unsigned: false,
  signers: ["Example Corp"],
  ...change,
});
const port = (change: object = {}) => ({ name: "ens1", driver: "sfc", version: "6.1.0.1009", ...change });
const machine = (change: Partial<MachineState> = {}): MachineState => ({
  secureBoot: "enabled",
  key: "enrolled",
  deletionPending: false,
  kernel,
  bootId: "b",
  machineId: "m",
  systemUuid: "s",
  modules: { onload: live(), sfc: live(), sfc_char: live(), sfc_resource: live() },
  ports: 1,
  interfaces: [port()],
  ownNetwork: [],
  onloadDevice: true,
  ...change,
});
const withModule = (name: string, module: LiveModule | null): Partial<MachineState> => ({
  modules: { ...machine().modules, [name]: module },
});

test("a machine with all four modules out of tree and its ports on them has no problem", () => {
  assert.deepEqual(driverProblems(machine()), []);
});

test("a machine without ports runs OpenOnload just as well", () => {
  assert.deepEqual(driverProblems(machine({ ports: 0, interfaces: [] })), []);
});

test("without Secure Boot a module that the kernel can't verify is no problem", () => {
  const unsigned = withModule("sfc", live({ unsigned: true, signers: [] }));
  assert.deepEqual(driverProblems(machine({ ...unsigned, secureBoot: "disabled", key: "not-enrolled" })), []);
});

const problems: [what: string, change: Partial<MachineState>, problems: string[]][] = [
  ["a module isn't there", withModule("sfc_char", null), ["sfc_char is not live"]],
  [
    "nothing is loaded",
    { modules: {} },
    ["onload", "sfc", "sfc_char", "sfc_resource"].map((name) => `${name} is not live`),
  ],
  [
    "sfc is the kernel's own",
    withModule("sfc", live({ outOfTree: false })),
    ["sfc is the kernel's own, not OpenOnload's"],
  ],
  [
    "a signature isn't trusted",
    withModule("onload", live({ unsigned: true })),
    ["onload is not signed by a trusted key"],
  ],
  [
    "a port has another driver",
    { interfaces: [port({ driver: "vfio-pci" })] },
    ["ens1 has the driver vfio-pci, not sfc"],
  ],
  ["a port has no driver", { interfaces: [port({ driver: null })] }, ["ens1 has the driver none, not sfc"]],
  [
    "a port still runs the in-tree driver, which has the kernel's version",
    { interfaces: [port({ version: kernel })] },
    [`ens1 runs the in-tree sfc driver (version ${kernel})`],
  ],
  ["a port has lost its interface", { ports: 3, interfaces: [port()] }, ["2 of 3 Solarflare ports have no interface"]],
];
for (const [what, change, expected] of problems) {
  test(`however green KMM looks, it is told when ${what}`, () => {
    assert.deepEqual(driverProblems(machine(change)), expected);
  });
}

const trust: [secureBoot: MachineState["secureBoot"], key: KeyState | null, trusted: boolean][] = [
  ["enabled", "enrolled", true],
  ["enabled", "in-db", true],
  ["enabled", "in-kernel", true],
  ["enabled", "pending", false],
  ["enabled", "not-enrolled", false],
  ["enabled", "blocked", false],
  ["enabled", "unsupported", false],
  ["enabled", null, false],
  ["disabled", "not-enrolled", true],
  ["unsupported", null, true],
];
for (const [secureBoot, key, trusted] of trust) {
  test(`with Secure Boot ${secureBoot} a key that is ${key ?? "unknown"} ${trusted ? "is" : "isn't"} trusted`, () => {
    assert.equal(isTrusted(machine({ secureBoot, key })), trusted);
  });
}

test("of the interfaces under the node's own network those of Solarflare go away while modules are reloaded", () => {
  const ownNetwork = [
    { name: "ens1", driver: "sfc", solarflare: true },
    { name: "eno1", driver: "tg3", solarflare: false },
    { name: "ens2", driver: null, solarflare: true },
  ];
  assert.deepEqual(ownSolarflareInterfaces(machine({ ownNetwork })), ["ens1", "ens2"]);
});

const inTree = (change: Partial<MachineState> = {}) =>
  machine({
    modules: { onload: null, sfc: live({ outOfTree: false, version: null }), sfc_char: null, sfc_resource: null },
    interfaces: [port({ version: kernel })],
    ...change,
  });

test("the kernel's own driver is back when each port has an interface and nothing of OpenOnload is live", () => {
  assert.deepEqual(kernelDriverProblems(inTree()), []);
  // Another driver of the kernel's serves older cards.
  assert.deepEqual(kernelDriverProblems(inTree({ interfaces: [port({ driver: "sfc_siena", version: kernel })] })), []);
  assert.deepEqual(kernelDriverProblems(inTree({ modules: {}, ports: 0, interfaces: [] })), []);
});

test("after an unload alone the ports have no interface, and OpenOnload's driver doesn't count as the kernel's", () => {
  const unloaded = inTree({ modules: {}, ports: 2, interfaces: [] });
  assert.deepEqual(kernelDriverProblems(unloaded), ["2 of 2 Solarflare ports have no interface"]);
  const half = inTree({ ports: 2 });
  assert.deepEqual(kernelDriverProblems(half), ["1 of 2 Solarflare ports have no interface"]);
  assert.deepEqual(
    kernelDriverProblems(machine()),
    ["onload", "sfc", "sfc_char", "sfc_resource"].map((name) => `OpenOnload's ${name} is still live`),
  );
  const driverless = inTree({ interfaces: [port({ driver: null, version: null })] });
  assert.deepEqual(kernelDriverProblems(driverless), ["1 of 1 Solarflare ports have no interface"]);
});
