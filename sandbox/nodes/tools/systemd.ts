import { failed, type Call, type Result } from "./tool.ts";

/** What the commands here ask of the machine's power. */
interface PowerRequest {
  /** Seconds until then. */
  after: number;
  /** Name of the transient unit; a second one of the same name is refused while the first waits. */
  unit: string | null;
}

/** Either an answer at once, or a reboot to be planned. */
export type SystemdResult = Result | PowerRequest;

const DENIED = "Failed to start transient timer unit: Interactive authentication required.";

/** `systemctl reboot`. */
export function systemctl({ args, root }: Call): SystemdResult {
  if (args.length !== 1 || args[0] !== "reboot") {
    return failed(1, `systemctl: the sandbox knows only systemctl reboot, not ${args.join(" ")}`);
  }
  if (!root) return failed(1, "Call to Reboot failed: Interactive authentication required.");
  return { after: 0, unit: null };
}

/** `systemd-run --on-active=N … systemctl reboot`. */
export function systemdRun({ args, root }: Call): SystemdResult {
  const end = args.findIndex((word) => !word.startsWith("-"));
  const options = args.slice(0, end < 0 ? args.length : end);
  const command = args.slice(options.length).join(" ");
  const value = (name: string): string | undefined =>
    options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1);
  const strange = options.find((option) => !KNOWN.some((known) => option.startsWith(known)));
  if (strange !== undefined) return failed(1, `systemd-run: the sandbox doesn't know ${strange}`);
  const after = /^(\d+)s?$/.exec(value("--on-active") ?? "")?.[1];
  if (after === undefined || command !== "systemctl reboot") {
    return failed(1, "systemd-run: the sandbox knows only systemd-run --on-active=SECONDS systemctl reboot");
  }
  return root ? { after: Number(after), unit: value("--unit") ?? "run-r0" } : failed(1, DENIED);
}

const KNOWN = ["--on-active=", "--unit=", "--quiet", "--collect", "--timer-property=AccuracySec="];

/** What systemd says when a unit of this name is there already. */
export const unitExists = (unit: string): Result =>
  failed(1, `Failed to start transient timer unit: Unit ${unit}.timer was already loaded or has a fragment file.`);
