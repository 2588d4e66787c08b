/** A plugin's lines in `pulumi`'s diagnostics, through the engine's Log service. */
import grpc from "@grpc/grpc-js";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";

/** How loud a line is. */
type Severity = "debug" | "info" | "warning" | "error";

const SEVERITIES = {
  debug: engineProto.LogSeverity.DEBUG,
  info: engineProto.LogSeverity.INFO,
  warning: engineProto.LogSeverity.WARNING,
  error: engineProto.LogSeverity.ERROR,
} as const;

/** Writes lines into the engine's diagnostics. */
export interface EngineLog {
  /** A line that stays in the diagnostics, attached to a resource when `urn` names one. */
  line(severity: Severity, message: string, urn?: string): Promise<void>;
  /** A line that the live display shows beside the resource while it is at work. */
  status(severity: Severity, message: string, urn?: string): Promise<void>;
}

/** The log of the engine that listens at `address` (host:port). A line that can't be delivered is dropped. */
export function connectEngineLog(address: string): EngineLog {
  const client = new engineGrpc.EngineClient(address, grpc.credentials.createInsecure());
  const send = (severity: Severity, message: string, urn: string, ephemeral: boolean): Promise<void> => {
    const request = new engineProto.LogRequest();
    request.setSeverity(SEVERITIES[severity]);
    request.setMessage(message);
    request.setUrn(urn);
    request.setEphemeral(ephemeral);
    return new Promise((resolve) => {
      client.log(request, () => resolve());
    });
  };
  return {
    line: (severity, message, urn = "") => send(severity, message, urn, false),
    status: (severity, message, urn = "") => send(severity, message, urn, true),
  };
}

/** A log that nobody reads: for a provider that is driven without an engine. */
export const silentLog: EngineLog = {
  line: () => Promise.resolve(),
  status: () => Promise.resolve(),
};
