/** The driver at one end of a serial line, and what is behind the other. */
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import type { Certificate, Firmware } from "@onload-kmm/sandbox/nodes/machine";
import { type EnrolOptions, type Outcome, enrolOverConsole } from "../../../../steps/firmware/console/mokManager.ts";
import { PASSWORD, PASSWORD_HASH, certificate, machine } from "@onload-kmm/sandbox/test/nodes/support";
import { type Line, SerialLine } from "./serialLine.ts";

export const ours = certificate("OnloadModules");
export const x509 = ({ der }: Certificate): X509Certificate => new X509Certificate(Buffer.from(der, "base64"));

export const requesting = (keys: Certificate[], changes: Partial<Firmware> = {}): Firmware => ({
  ...machine().firmware,
  mokNew: keys,
  mokAuth: PASSWORD_HASH,
  ...changes,
});

export interface Run {
  outcome: Outcome;
  line: SerialLine;
  log: string[];
  screens: string[];
}

export const passwordsTyped = ({ line }: Run): number => line.typed.join("").split(PASSWORD).length - 1;

export async function drive(
  behind: Firmware | ((line: SerialLine) => Promise<void>),
  options: Partial<EnrolOptions> = {},
  how: Line = {},
): Promise<Run> {
  const line = new SerialLine(how);
  const log: string[] = [];
  const screens: string[] = [];
  const driving = enrolOverConsole({
    console: line.console,
    password: PASSWORD,
    certificate: x509(ours),
    log: (text) => log.push(text),
    recordScreen: (_, screen) => screens.push(screen),
    deadlineSeconds: 60,
    ...options,
  });
  void (typeof behind === "function" ? behind(line) : line.boot(behind));
  return { outcome: await driving, line, log, screens };
}

export function refused(run: Run): Outcome & { kind: "refused" } {
  assert.equal(run.outcome.kind, "refused");
  return run.outcome;
}
