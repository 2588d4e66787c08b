import assert from "node:assert/strict";
import { test } from "node:test";
import type { MachineState } from "../../../core/node/machineState.ts";
import { doubts, obstacles, type Consent } from "../../../core/node/obstacles.ts";
import { machine, pci } from "./machines.ts";

const strict: Consent = { ownNetworkOnSolarflare: false, withoutPorts: false };
const inTree = { modules: {}, interfaces: [] };
const unsigned = { secureBoot: "disabled", key: "not-enrolled", signaturesEnforced: true } as const;
const other = { name: "eno1", driver: "tg3", solarflare: false };
const own = { ownNetwork: [{ name: "ens1", driver: "sfc", solarflare: true }] };

const rows: [when: string, change: Partial<MachineState>, says: RegExp][] = [
  ["there is no card", { ports: [] }, /^it has no port that OpenOnload's driver sfc serves; .*`withoutPorts: true`/],
  [
    "each port has another use",
    { ports: [pci({ driver: "vfio-pci" }), pci({ driver: null, virtual: true })] },
    /^all of its Solarflare ports \(2\) have another use \(no driver, vfio-pci\)/,
  ],
  [
    "the node's own network runs on a port",
    own,
    /^its own network runs on Solarflare \(ens1\).*`ownNetworkOnSolarflare: true`/,
  ],
  [
    "no default route is found",
    { ownNetwork: [] },
    /^no network card was found under a default route: .*OnSolarflare: true`/,
  ],
  [
    "nothing physical is found under one of its default routes",
    { ownNetwork: [other, { name: "wg0", driver: null, solarflare: null }] },
    /^no network card was found under its default route's interface wg0: /,
  ],
  [
    "the kernel refuses a module",
    { blacklisted: ["sfc", "onload"] },
    /^the kernel argument module_blacklist= makes its kernel refuse sfc, onload;/,
  ],
  [
    "signatures are enforced without Secure Boot",
    unsigned,
    /^its kernel takes signed modules only .* Secure Boot is off/,
  ],
  [
    "the firmware has no space for the key",
    { key: "not-enrolled", firmwareSpace: 4095 },
    /^its firmware has 4095 bytes left for variables, and enrolling the key takes up to 4096/,
  ],
  ["the same, before there is a key to ask for", { key: null, firmwareSpace: 0 }, /^its firmware has 0 bytes left/],
];
for (const [when, change, says] of rows) {
  test(`in the way of loading: ${when}`, () => {
    const [found, ...others] = obstacles(machine(change), strict);
    assert.match(found?.text ?? "", says);
    assert.deepEqual(others, []);
  });
}

const free: [when: string, change: Partial<MachineState>, consent?: Partial<Consent>][] = [
  ["a node that runs OpenOnload", {}],
  ["a node with in-tree sfc", inTree],
  ["a node whose ports have no driver yet", { ...inTree, ports: [pci({ driver: null })] }],
  ["no card, where none is needed", { ports: [] }, { withoutPorts: true }],
  ["its own network on a port, where that is accepted", own, { ownNetworkOnSolarflare: true }],
  ["its own network on another card", { ownNetwork: [other] }],
  ["its own network unknown, where it has no port to lose", { ownNetwork: [], ports: [] }, { withoutPorts: true }],
  ["signatures enforced without Secure Boot, by a kernel that trusts the key", { ...unsigned, key: "enrolled" }],
  ["signatures enforced by Secure Boot, the key to be enrolled", { key: "not-enrolled" }],
  ["just enough space in the firmware", { key: "not-enrolled", firmwareSpace: 4096 }],
  ["no space in the firmware, the key enrolled", { key: "enrolled", firmwareSpace: 0 }],
  ["no space in the firmware, the request made already", { key: "pending", firmwareSpace: 0 }],
  [
    "no space in the firmware, no Secure Boot",
    { secureBoot: "disabled", signaturesEnforced: false, key: null, firmwareSpace: 0 },
  ],
];
for (const [when, change, consent] of free) {
  test(`not in the way of loading: ${when}`, () => {
    assert.deepEqual(obstacles(machine(change), { ...strict, ...consent }), []);
  });
}

const tracking: [release: string, change: Partial<MachineState>, warned: boolean][] = [
  ["8.1.2.26", { ibt: true, modules: {} }, false],
  ["9.0.2.140", { ibt: true, modules: {} }, false],
  ["9.1.0.12", { ibt: true, modules: {} }, true],
  ["10.0.0.1", { ibt: true, modules: {} }, true],
  ["9.1.0.12", { ibt: false, modules: {} }, false],
  ["9.1.0.12", { ibt: true }, false],
];
for (const [release, change, warned] of tracking) {
  const state = machine(change);
  const runs = state.modules["onload"] != null ? ", OpenOnload running" : "";
  test(`IBT ${state.ibt ? "on" : "off"} and OpenOnload ${release}${runs}: ${warned ? "a doubt" : "none"}`, () => {
    assert.equal(doubts(state, release).length, warned ? 1 : 0);
  });
}
