import { cpus, loadavg, release, totalmem, type as systemName } from "node:os";
import type { Machine, Moment } from "./results.ts";

/** The computer, without anything by which it could be found. */
export const machine = (pulumi: string): Machine => ({
  cpu: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  memory: totalmem(),
  node: process.version,
  pulumi,
  system: `${systemName()} ${release().split(".").slice(0, 2).join(".")}`,
});

/** Now. */
export const moment = (): Moment => ({
  at: new Date().toISOString().slice(0, 16).replace("T", " "),
  load: loadavg()[0] ?? NaN,
});
