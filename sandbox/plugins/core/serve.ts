/** Starts a plugin process: a gRPC server on a free loopback port, whose number goes to stdout for the engine. */
import { flushCompileCache } from "node:module";
import grpc from "@grpc/grpc-js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import type { Provider } from "./provider.ts";
import { resourceProviderService } from "./service.ts";

/** As large as the engine's own limit, bytes: a Secret or a log can be longer than gRPC's default of 4 MiB. */
const MAX_MESSAGE = 400 * 1024 * 1024;

/** Milliseconds between looks for the engine. */
const ENGINE_WATCH = 1000;

/** Serves one gRPC service until the process ends; resolves with the port. */
export async function serve(
  service: grpc.ServiceDefinition,
  implementation: grpc.UntypedServiceImplementation,
): Promise<number> {
  const server = new grpc.Server({ "grpc.max_receive_message_length": MAX_MESSAGE });
  server.addService(service, implementation);
  return await new Promise((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

/** Prints the port, by which the engine knows that the plugin is up, and ends the process when the engine has died. */
export function announce(port: number): void {
  process.stdout.write(`${port}\n`);
  // The engine ends plugins by SIGKILL, so nothing can be kept at the end.
  flushCompileCache();
  const engine = process.ppid;
  setInterval(() => {
    if (process.ppid !== engine) process.exit(1);
  }, ENGINE_WATCH).unref();
}

/** The engine's address: the last argument that is not a flag. */
export function engineAddress(): string | undefined {
  return process.argv.slice(2).findLast((argument) => !argument.startsWith("-"));
}

/** Runs a provider as a plugin process. */
export async function servePlugin(provider: Provider): Promise<void> {
  const implementation = resourceProviderService(provider, engineAddress());
  announce(
    await serve(providerGrpc.ResourceProviderService, {
      ...implementation,
    } as grpc.UntypedServiceImplementation),
  );
}
