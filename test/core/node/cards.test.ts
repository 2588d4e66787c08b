import assert from "node:assert/strict";
import { test } from "node:test";
import { cardsOf, cardSummary } from "../../../core/node/cards.ts";
import { machine, pci, port } from "./machines.ts";

const [first, second] = ["0000:3b:00.0", "0000:3b:00.1"];

test("a port has its card's part and serial number, and the firmware that its interface tells", () => {
  const state = machine({
    ports: [pci({ pci: first }), pci({ pci: second, driver: null }), pci({ pci: "0000:3b:00.2", virtual: true })],
    interfaces: [port({ pci: first })],
  });
  const card = { part: "X2522", serial: "****1152" };
  assert.deepEqual(cardsOf(state), [
    { pci: first, ...card, firmware: "8.4.0.1003" },
    { pci: second, ...card, firmware: "unknown" },
  ]);
});

test("what a card doesn't tell is unknown", () => {
  const state = machine({ ports: [pci({ part: null, serial: null })], interfaces: [port({ firmware: null })] });
  assert.deepEqual(cardsOf(state), [{ pci: first, part: "unknown", serial: "unknown", firmware: "unknown" }]);
});

test("in few words, the same of two ports is said once", () => {
  const state = machine({ ports: [pci(), pci({ pci: second })], interfaces: [port(), port({ pci: second })] });
  assert.equal(cardSummary(cardsOf(state)), "X2522 ****1152 (8.4.0.1003)");
  assert.equal(cardSummary([]), "-");
});
