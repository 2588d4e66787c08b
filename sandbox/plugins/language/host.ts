/**
 * Stands in for `pulumi-language-nodejs`: starts a Node program with the SDK's own runner, `@pulumi/pulumi/cmd/run`.
 * Left out: everything but running programs (code generation, plugins written in TypeScript, package managers).
 */
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import type grpc from "@grpc/grpc-js";
import languageGrpc from "@pulumi/pulumi/proto/language_grpc_pb.js";
import languageProto from "@pulumi/pulumi/proto/language_pb.js";
import pluginProto from "@pulumi/pulumi/proto/plugin_pb.js";
import type * as T from "@pulumi/pulumi/proto/language_pb.js";
import type { ILanguageRuntimeServer } from "@pulumi/pulumi/proto/language_grpc_pb.js";
import { announce, engineAddress, serve } from "../core/serve.ts";
import { connectEngineLog } from "../core/engineLog.ts";
import { installedPackages } from "./dependencies.ts";
import { type Programs, runProgram } from "./run.ts";

const VERSION = "3.259.0";

function unary<Request, Response>(handle: (request: Request) => Promise<Response> | Response) {
  return (call: grpc.ServerUnaryCall<Request, Response>, done: grpc.sendUnaryData<Response>): void => {
    Promise.resolve(call.request)
      .then(handle)
      .then((response) => done(null, response))
      .catch((error: unknown) => done({ details: error instanceof Error ? error.message : String(error) }));
  };
}

function languageRuntime(address: string): Partial<ILanguageRuntimeServer> {
  const programs: Programs = new Set();
  const log = connectEngineLog(address);
  const endPrograms = (): void => {
    for (const program of programs) program.kill("SIGKILL");
  };
  process.once("exit", endPrograms);
  return {
    handshake: unary(() => new languageProto.LanguageHandshakeResponse()),
    getPluginInfo: unary(() => {
      const info = new pluginProto.PluginInfo();
      info.setVersion(VERSION);
      return info;
    }),
    // Nothing to download: the providers are those on PATH.
    getRequiredPackages: unary(() => new languageProto.GetRequiredPackagesResponse()),
    getRequiredPlugins: unary(() => new languageProto.GetRequiredPluginsResponse()),
    about: unary(() => {
      const response = new languageProto.AboutResponse();
      response.setExecutable(process.execPath);
      response.setVersion(process.version);
      return response;
    }),
    getProgramDependencies: unary(async (request: T.GetProgramDependenciesRequest) => {
      const response = new languageProto.GetProgramDependenciesResponse();
      for (const { name, version } of await installedPackages(request.getInfo()?.getProgramDirectory() ?? ".")) {
        const dependency = new languageProto.DependencyInfo();
        dependency.setName(name);
        dependency.setVersion(version);
        response.addDependencies(dependency);
      }
      return response;
    }),
    installDependencies: (call) => {
      const response = new languageProto.InstallDependenciesResponse();
      response.setStderr(Buffer.from("this stand-in installs nothing: run `npm ci`\n"));
      call.write(response);
      call.end();
    },
    run: unary(async (request: T.RunRequest) => {
      await log.line("info", `pulumi-language-nodejs: a stand-in for the real language host`);
      return await runProgram(request, address, programs);
    }),
    cancel: unary(() => {
      endPrograms();
      return new emptyProto.Empty();
    }),
  };
}

const address = engineAddress();
if (address === undefined) throw new Error("pulumi-language-nodejs: the engine's address is missing");
announce(
  await serve(languageGrpc.LanguageRuntimeService, languageRuntime(address) as grpc.UntypedServiceImplementation),
);
