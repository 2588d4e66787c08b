import assert from "node:assert/strict";
import { test } from "node:test";
import { cardSighting, hasNfd, type CardSighting } from "../../../core/node/cardLabel.ts";

const nfd = "feature.node.kubernetes.io/";

/** Labels as NFD makes them of its `deviceLabelFields`, and what they say. */
const table: readonly [label: string, CardSighting][] = [
  ["pci-1924.present", "card"],
  ["pci-0200_1924.present", "card"],
  ["pci-1924_0b03.present", "card"],
  ["pci-0200_1924_0b03_1924_8022.present", "card"],
  ["pci-0200_1924_0803.present", "none"],
  ["pci-10ee.present", "perhaps"],
  ["pci-0200_10ee.present", "perhaps"],
  ["pci-1200_10ee_5004.present", "none"],
  ["pci-0200_10ee_0100.present", "card"],
  ["pci-10ee_1100.present", "card"],
  ["pci-0200_1022.present", "none"],
  ["pci-0200_1022_1190.present", "card"],
  ["pci-8086.present", "none"],
  ["pci-0200_8086_1924.present", "none"],
  ["pci-1924.sriov.capable", "none"],
  ["usb-1924.present", "none"],
];

for (const [label, expected] of table) {
  test(`${label} says: ${expected}`, () => assert.equal(cardSighting({ [nfd + label]: "true" }), expected));
}

test("a label counts only when it is true, and the best of several counts", () => {
  assert.equal(cardSighting({ [`${nfd}pci-1924.present`]: "false" }), "none");
  assert.equal(cardSighting({ [`${nfd}pci-10ee.present`]: "true", [`${nfd}pci-1924.present`]: "true" }), "card");
  assert.equal(cardSighting(undefined), "none");
});

test("NFD is there when it labels any node", () => {
  const node = (labels?: Record<string, string>) => ({ metadata: labels === undefined ? {} : { labels } });
  assert.equal(hasNfd([node(), node({ "kubernetes.io/arch": "amd64" })]), false);
  assert.equal(hasNfd([node(), node({ [`${nfd}cpu-model.family`]: "6" })]), true);
});
