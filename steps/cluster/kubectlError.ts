import type { ErrorId } from "../../core/errors.ts";
import { StepError } from "../lib/step.ts";

/** A command that kubectl ended with an error. */
export class KubectlError extends StepError {
  /**
   * The `reason` of the Status that the API server answered with (Kubernetes API conventions, "Response Status Kind"), as
   * kubectl prints it; undefined for an error of kubectl's own or of the network.
   */
  readonly reason: string | undefined;
  /** Whether the cluster doesn't know the kind that was asked for. */
  readonly isUnknownKind: boolean;

  constructor(message: string, stderr: string, id: ErrorId = "OKMM-KUBECTL-FAILED") {
    super(id, message);
    this.isUnknownKind = isUnknownKind(stderr);
    this.reason = statusReason(stderr);
  }
}

/** The API server, or a webhook that it must ask, stayed away for as long as it was waited for. */
export class ServerAway extends KubectlError {
  constructor(message: string, stderr: string) {
    super(message, stderr, "OKMM-API-AWAY");
  }
}

/** kubectl prints a Status as `Error from server (REASON): MESSAGE`, and nothing else in this form at a line's beginning. */
const statusReason = (stderr: string): string | undefined =>
  /^Error from server \((?<reason>[A-Za-z]+)\): /m.exec(stderr)?.groups?.["reason"];

/** What kubectl says of a kind that its discovery doesn't list, and the server of one that it has lost since. */
export const isUnknownKind = (stderr: string): boolean =>
  /^error: the server doesn't have a resource type "/m.test(stderr) ||
  /^Error from server \(NotFound\): (?:Unable to list "[^"]*": )?the server could not find the requested resource/m.test(
    stderr,
  );

/** What kubectl (1.34) and oc say of a context that the kubeconfig doesn't have. */
export const isUnknownContext = (message: string): boolean =>
  /context was not found for specified context: .*$|context "[^"]*" does not exist$/.test(message);

/** What both say of a kubeconfig that isn't there. */
export const isNoKubeconfig = (message: string): boolean => /error: stat .*: no such file or directory$/.test(message);

/** Whether a command failed for this reason. */
export const failedFor = (error: unknown, ...reasons: readonly string[]): error is KubectlError =>
  error instanceof KubectlError && error.reason !== undefined && reasons.includes(error.reason);
