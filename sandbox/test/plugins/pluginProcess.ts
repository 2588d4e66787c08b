import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import grpc from "@grpc/grpc-js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb.js";
import engineProto from "@pulumi/pulumi/proto/engine_pb.js";
import type { LogRequest } from "@pulumi/pulumi/proto/engine_pb.js";
import type { sendUnaryData, ServerUnaryCall } from "@grpc/grpc-js";
import { nodeModulesBin, standInPlugins } from "../../paths.ts";

/** One line that a plugin sent to the engine. */
export interface LoggedLine {
  severity: "debug" | "info" | "warning" | "error";
  message: string;
  urn: string;
  /** A status that the display shows for a moment, not a line of the diagnostics. */
  ephemeral: boolean;
}

/** A plugin that runs as the engine would run it, with a log service in the engine's place. */
export interface PluginProcess {
  child: ChildProcess;
  address: string;
  lines: LoggedLine[];
  /** Resolves once the plugin has sent a line that starts so; fails when it doesn't within 20 seconds. */
  said(start: string): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Folder of the plugins under test: the stand-ins', or that of the real ones where the variable names it. What the two differ in
 * is in sandbox/plugins/README.md.
 */
const plugins = process.env["ONLOAD_KMM_REAL_PLUGINS"] ?? standInPlugins;

/** Starts `pulumi-resource-NAME` or `pulumi-language-NAME` in `cwd`. */
export async function startPlugin(name: string, cwd = process.cwd()): Promise<PluginProcess> {
  const lines: LoggedLine[] = [];
  const engine = await startEngineLog(lines);
  const child = spawn(`${plugins}/pulumi-${name}`, [`127.0.0.1:${engine.port}`], {
    cwd,
    env: { ...process.env, PATH: `${nodeModulesBin}:${process.env["PATH"] ?? ""}` },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [port] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return {
    child,
    address: `127.0.0.1:${port}`,
    lines,
    said: async (start) => {
      const deadline = Date.now() + 120_000;
      while (!lines.some((line) => line.message.startsWith(start))) {
        if (Date.now() > deadline) throw new Error(`never said "${start}" but: ${JSON.stringify(lines.slice(-20))}`);
        await delay(10);
      }
    },
    stop: async () => {
      const ended = once(child, "close");
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await ended;
      }
      engine.server.forceShutdown();
    },
  };
}

async function startEngineLog(lines: LoggedLine[]): Promise<{ server: grpc.Server; port: number }> {
  const severities = ["debug", "info", "warning", "error"] as const;
  const server = new grpc.Server();
  server.addService(engineGrpc.EngineService, {
    log: (call: ServerUnaryCall<LogRequest, unknown>, done: sendUnaryData<unknown>) => {
      const { request } = call;
      lines.push({
        severity: severities[request.getSeverity()],
        message: request.getMessage(),
        urn: request.getUrn(),
        ephemeral: request.getEphemeral(),
      });
      done(null, new emptyProto.Empty());
    },
    getRootResource: (_call: unknown, done: sendUnaryData<unknown>) => {
      done(null, new engineProto.GetRootResourceResponse());
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { server, port };
}
