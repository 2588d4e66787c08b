import assert from "node:assert/strict";
import { test } from "node:test";
import {
  driverProblems,
  hostPorts,
  isTrusted,
  kernelDriverProblems,
  ownSolarflareInterfaces,
  type KeyState,
  type MachineState,
  type Port,
} from "../../../core/node/machineState.ts";
import { idle, kernel, live, machine, pci, port } from "./machines.ts";

const withModule = (name: string, module: MachineState["modules"][string]): Partial<MachineState> => ({
  modules: { ...machine().modules, [name]: module },
});

test("a machine with all four modules out of tree and its ports on them has no problem", () => {
  assert.deepEqual(driverProblems(machine()), []);
});

const healthy: [what: string, ports: Port[]][] = [
  ["virtual functions are given to a virtual machine", [pci(), pci({ driver: "vfio-pci", virtual: true })]],
  ["virtual functions wait for one", [pci(), pci({ driver: null, virtual: true })]],
  ["a port is given to a userspace stack", [pci(), pci({ driver: "uio_pci_generic" })]],
  ["a port is set aside for one", [pci(), pci({ driver: null, override: "vfio-pci" })]],
  ["a port of Alveo SN1000 is served", [pci({ id: "10ee:0100", driver: "sfc_ef100" })]],
];
for (const [what, ports] of healthy) {
  test(`all is well where ${what}`, () => {
    assert.deepEqual(driverProblems(machine({ ports })), []);
    assert.deepEqual(kernelDriverProblems(inTree({ ports })), []);
  });
}

test("a port that sfc_ef100 serves, or is set aside for it, is the host's", () => {
  const served = pci({ id: "10ee:0100", driver: "sfc_ef100" });
  const waiting = pci({ id: "10ee:0100", driver: null, override: "sfc_ef100" });
  const given = pci({ driver: "vfio-pci" });
  assert.deepEqual(hostPorts(machine({ ports: [served, waiting, given] })), [served, waiting]);
});

test("a port whose interface was moved into a pod is in good use", () => {
  assert.deepEqual(driverProblems(machine({ interfaces: [] })), []);
});

test("a representor of SR-IOV's switch is no port", () => {
  const representor = port({ name: "rep0", driver: "efx_ef100_rep", version: kernel });
  assert.deepEqual(driverProblems(machine({ interfaces: [port(), representor] })), []);
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
  [
    "a port set aside for sfc has none",
    { ports: [pci({ driver: null, override: "sfc" })] },
    ["1 of 1 Solarflare ports have no driver"],
  ],
  ["a port has lost its driver", { ports: [pci(), idle, idle] }, ["2 of 3 Solarflare ports have no driver"]],
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
  assert.deepEqual(kernelDriverProblems(inTree({ modules: {}, ports: [], interfaces: [] })), []);
});

test("a node that is set up without the kernel's own driver has got it back without it", () => {
  const bare = { modules: {}, ports: [idle], interfaces: [], kernelDriverBarred: "install sfc /bin/false" };
  assert.deepEqual(kernelDriverProblems(inTree(bare)), []);
  assert.deepEqual(kernelDriverProblems(machine({ kernelDriverBarred: "blacklist sfc" })).length, 4);
});

test("after an unload alone the ports have no driver, and OpenOnload's doesn't count as the kernel's", () => {
  const unloaded = inTree({ modules: {}, ports: [idle, idle], interfaces: [] });
  assert.deepEqual(kernelDriverProblems(unloaded), ["2 of 2 Solarflare ports have no driver"]);
  const half = inTree({ ports: [pci(), idle] });
  assert.deepEqual(kernelDriverProblems(half), ["1 of 2 Solarflare ports have no driver"]);
  assert.deepEqual(
    kernelDriverProblems(machine()),
    ["onload", "sfc", "sfc_char", "sfc_resource"].map((name) => `OpenOnload's ${name} is still live`),
  );
});
