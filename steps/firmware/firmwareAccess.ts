/** Whom a phase reaches besides the cluster and the node's own system: its serial console, and its BMC. */
import { tryConsole } from "./console/tryConsole.ts";
import { FirmwareConsole, type ConsoleErrand } from "./firmwareConsole.ts";
import { SignatureDatabase, type Errand } from "./redfish/signatureDatabase.ts";

/** What answers MokManager, as {@link FirmwareConsole} does. */
export type Attendance = Pick<FirmwareConsole, "requireOpen" | "begin" | "saw" | "end" | "complain">;

export interface FirmwareAccess {
  /** See {@link tryConsole}. */
  readonly tryConsole: (name: string, command: string) => Promise<void>;
  /** See {@link FirmwareConsole.open}. */
  readonly openConsole: (errand: ConsoleErrand) => Promise<Attendance>;
  readonly openDatabase: (errand: Errand) => Pick<SignatureDatabase, "lists" | "add" | "remove" | "close">;
}

/** The machines' own. */
export const firmwareAccess: FirmwareAccess = {
  tryConsole,
  openConsole: (errand) => FirmwareConsole.open(errand),
  openDatabase: (errand) => new SignatureDatabase(errand),
};
