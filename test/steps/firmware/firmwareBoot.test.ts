import assert from "node:assert/strict";
import { test } from "node:test";
import { isPlanned } from "../../../steps/firmware/firmwareBoot.ts";

const failed = (said: string): string =>
  `w1: reboot.sh failed on the node (exit code 1): reboot.sh: systemd-run: ${said}`;

for (const [planned, said] of [
  [
    true,
    failed(
      "Failed to start transient timer unit: Unit onload-kmm-reboot.timer was already loaded or has a fragment file.",
    ),
  ],
  [true, failed("Failed to start transient service unit: Unit onload-kmm-reboot.service already exists.")],
  [
    false,
    failed("Failed to start transient timer unit: Unit dnf-automatic.timer was already loaded or has a fragment file."),
  ],
  [false, failed("Failed to start transient timer unit: Access denied")],
  [false, failed("Failed to connect to bus: No such file or directory")],
  [false, failed("sudo: systemd-run: command not found")],
  [false, "w1: reboot.sh failed on the node (exit code 1): mokutil --timeout failed"],
] as const) {
  test(`${planned ? "a reboot is planned already" : "no reboot is planned"}: ${said}`, () =>
    assert.equal(isPlanned(said), planned));
}
