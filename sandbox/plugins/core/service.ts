/** The gRPC service `pulumirpc.ResourceProvider` over a {@link Provider}. */
import grpc from "@grpc/grpc-js";
import anyProto from "google-protobuf/google/protobuf/any_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import pluginProto from "@pulumi/pulumi/proto/plugin_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import statusProto from "@pulumi/pulumi/proto/status_pb.js";
import type * as T from "@pulumi/pulumi/proto/provider_pb.js";
import type { IResourceProviderServer } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import { type ChangeKind, type Diff, replaces, rootOf } from "./diff.ts";
import { connectEngineLog, type EngineLog, silentLog } from "./engineLog.ts";
import {
  type CheckFailure,
  InitializationError,
  type Operation,
  type Provider,
  type ResourceState,
  type ResourceType,
} from "./provider.ts";
import type { PropertyMap } from "./values.ts";
import { fromStruct, toStruct } from "./wire.ts";

const KINDS: Record<ChangeKind, T.PropertyDiff.Kind> = {
  add: providerProto.PropertyDiff.Kind.ADD,
  "add-replace": providerProto.PropertyDiff.Kind.ADD_REPLACE,
  delete: providerProto.PropertyDiff.Kind.DELETE,
  "delete-replace": providerProto.PropertyDiff.Kind.DELETE_REPLACE,
  update: providerProto.PropertyDiff.Kind.UPDATE,
  "update-replace": providerProto.PropertyDiff.Kind.UPDATE_REPLACE,
};

/** What the service keeps between calls. */
interface Session {
  provider: Provider;
  log: EngineLog;
  cancellation: AbortController;
}

/** Fields that every request about one resource has. */
interface ResourceRequest {
  getUrn(): string;
  getTimeout?(): number;
  getPreview?(): boolean;
  getRandomseed_asU8?(): Uint8Array;
}

/** The service's implementation; `engineAddress` is where the engine takes log lines, if there is an engine. */
export function resourceProviderService(provider: Provider, engineAddress?: string): Partial<IResourceProviderServer> {
  const session: Session = {
    provider,
    log: engineAddress === undefined ? silentLog : connectEngineLog(engineAddress),
    cancellation: new AbortController(),
  };
  return { ...pluginCalls(session), ...configurationCalls(session), ...planCalls(session), ...changeCalls(session) };
}

/**
 * Wraps an async function of a request as a gRPC handler; a thrown error becomes the call's error. The signal is aborted
 * when the caller is gone: an engine that is killed takes what it has begun with it.
 */
function unary<Request, Response>(handle: (request: Request, gone: AbortSignal) => Promise<Response> | Response) {
  return (call: grpc.ServerUnaryCall<Request, Response>, done: grpc.sendUnaryData<Response>): void => {
    const gone = new AbortController();
    call.once("cancelled", () => gone.abort());
    Promise.resolve(call.request)
      .then((request) => handle(request, gone.signal))
      .then((response) => done(null, response))
      .catch((error: unknown) => done(serviceError(error)));
  };
}

function pluginCalls(session: Session): Partial<IResourceProviderServer> {
  return {
    handshake: unary((request: T.ProviderHandshakeRequest) => {
      if (session.log === silentLog) session.log = connectEngineLog(request.getEngineAddress());
      const response = new providerProto.ProviderHandshakeResponse();
      response.setAcceptSecrets(true);
      return response;
    }),
    attach: unary((request) => {
      session.log = connectEngineLog(request.getAddress());
      return new emptyProto.Empty();
    }),
    getPluginInfo: unary(() => {
      const info = new pluginProto.PluginInfo();
      info.setVersion(session.provider.version);
      return info;
    }),
    getSchema: unary(() => {
      const response = new providerProto.GetSchemaResponse();
      response.setSchema(JSON.stringify({ name: session.provider.name, version: session.provider.version }));
      return response;
    }),
    cancel: unary(() => {
      session.cancellation.abort();
      return new emptyProto.Empty();
    }),
  };
}

function configurationCalls(session: Session): Partial<IResourceProviderServer> {
  const { provider } = session;
  return {
    checkConfig: unary((request: T.CheckRequest) => {
      const inputs = fromStruct(request.getNews());
      return checkResponse(provider.checkConfig?.(inputs) ?? { inputs });
    }),
    diffConfig: unary((request: T.DiffRequest) => {
      const olds = fromStruct(request.getOldInputs() ?? request.getOlds());
      return diffResponse(provider.diffConfig?.(olds, fromStruct(request.getNews())) ?? { changes: new Map() });
    }),
    configure: unary(async (request: T.ConfigureRequest) => {
      await provider.configure?.(fromStruct(request.getArgs()));
      await session.log.line(
        "info",
        `pulumi-resource-${provider.name}: a stand-in for version ${provider.version} of the real plugin`,
      );
      const response = new providerProto.ConfigureResponse();
      response.setAcceptsecrets(true);
      response.setSupportspreview(true);
      return response;
    }),
    invoke: unary(async (request: T.InvokeRequest, gone) => {
      const call = provider.functions[request.getTok()];
      if (call === undefined) throw refusal(provider, `function ${request.getTok()}`);
      const context = {
        signal: AbortSignal.any([session.cancellation.signal, gone]),
        log: session.log,
        preview: request.getPreview(),
      };
      const response = new providerProto.InvokeResponse();
      response.setReturn(toStruct(await call(fromStruct(request.getArgs()), context)));
      return response;
    }),
  };
}

function planCalls(session: Session): Partial<IResourceProviderServer> {
  return {
    check: unary(async (request: T.CheckRequest) => {
      const olds = request.getOlds();
      return checkResponse(
        await resourceOf(session, request).check(
          operationOf(session, request),
          fromStruct(request.getNews()),
          olds === undefined ? undefined : fromStruct(olds),
        ),
      );
    }),
    diff: unary(async (request: T.DiffRequest) =>
      diffResponse(
        await resourceOf(session, request).diff(operationOf(session, request), {
          id: request.getId(),
          oldInputs: fromStruct(request.getOldInputs()),
          oldOutputs: fromStruct(request.getOlds()),
          inputs: fromStruct(request.getNews()),
        }),
      ),
    ),
  };
}

function changeCalls(session: Session): Partial<IResourceProviderServer> {
  return {
    create: unary(async (request: T.CreateRequest, gone) => {
      const inputs = fromStruct(request.getProperties());
      const state = await resourceOf(session, request).create(operationOf(session, request, gone), inputs);
      const response = new providerProto.CreateResponse();
      response.setId(state.id);
      response.setProperties(toStruct(state.outputs));
      return response;
    }),
    read: unary((request: T.ReadRequest) => read(session, request)),
    update: unary(async (request: T.UpdateRequest, gone) => {
      const type = resourceOf(session, request);
      if (type.update === undefined) throw new Error(`${typeOf(request.getUrn())}: no change is possible in place`);
      const outputs = await type.update(operationOf(session, request, gone), {
        id: request.getId(),
        oldInputs: fromStruct(request.getOldInputs()),
        oldOutputs: fromStruct(request.getOlds()),
        inputs: fromStruct(request.getNews()),
      });
      const response = new providerProto.UpdateResponse();
      response.setProperties(toStruct(outputs));
      return response;
    }),
    delete: unary(async (request: T.DeleteRequest, gone) => {
      await resourceOf(session, request).delete?.(operationOf(session, request, gone), {
        id: request.getId(),
        inputs: fromStruct(request.getOldInputs()),
        outputs: fromStruct(request.getProperties()),
      });
      return new emptyProto.Empty();
    }),
  };
}

async function read(session: Session, request: T.ReadRequest): Promise<T.ReadResponse> {
  const type = resourceOf(session, request);
  const old = {
    id: request.getId(),
    inputs: fromStruct(request.getInputs()),
    outputs: fromStruct(request.getProperties()),
  };
  const state = type.read === undefined ? old : await type.read(operationOf(session, request), old);
  const response = new providerProto.ReadResponse();
  if (state === undefined) return response; // no id: the object is gone
  response.setId(state.id);
  response.setProperties(toStruct(state.outputs));
  response.setInputs(toStruct(state.inputs ?? old.inputs));
  return response;
}

/** The type token in a URN; of a child it is the last one (`parent$child`). */
export function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

/** The Pulumi name in a URN, which may itself have colons. */
export function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}

function resourceOf(session: Session, request: ResourceRequest): ResourceType {
  const type = session.provider.resource(typeOf(request.getUrn()));
  if (type === undefined) throw refusal(session.provider, `resource type ${typeOf(request.getUrn())}`);
  return type;
}

function operationOf(session: Session, request: ResourceRequest, gone?: AbortSignal): Operation {
  const { signal } = session.cancellation;
  return {
    urn: request.getUrn(),
    name: nameOf(request.getUrn()),
    type: typeOf(request.getUrn()),
    signal: gone === undefined ? signal : AbortSignal.any([signal, gone]),
    timeout: request.getTimeout?.() ?? 0,
    preview: request.getPreview?.() ?? false,
    seed: request.getRandomseed_asU8?.() ?? new Uint8Array(),
    log: session.log,
  };
}

function refusal(provider: Provider, what: string): Error {
  return new Error(
    `the stand-in for pulumi-resource-${provider.name} has no ${what}; install the real plugin to use it`,
  );
}

function checkResponse(result: { inputs: PropertyMap; failures?: CheckFailure[] }): T.CheckResponse {
  const response = new providerProto.CheckResponse();
  response.setInputs(toStruct(result.inputs));
  for (const { property, reason } of result.failures ?? []) {
    const failure = new providerProto.CheckFailure();
    failure.setProperty(property);
    failure.setReason(reason);
    response.addFailures(failure);
  }
  return response;
}

function diffResponse(diff: Diff): T.DiffResponse {
  const { DIFF_NONE, DIFF_SOME } = providerProto.DiffResponse.DiffChanges;
  const response = new providerProto.DiffResponse();
  response.setChanges(diff.changes.size === 0 ? DIFF_NONE : DIFF_SOME);
  response.setDiffsList([...new Set([...diff.changes.keys()].map(rootOf))]);
  response.setHasdetaileddiff(diff.keysOnly !== true);
  for (const [path, kind] of diff.changes) {
    const change = new providerProto.PropertyDiff();
    change.setKind(KINDS[kind]);
    // Else the engine compares with the old outputs, which for most providers have the inputs inside.
    change.setInputdiff(diff.deletesAreInputs === true && kind.startsWith("delete"));
    if (diff.keysOnly !== true) response.getDetaileddiffMap().set(path, change);
    if (kind.endsWith("-replace")) response.addReplaces(path);
  }
  response.setDeletebeforereplace(diff.deleteBeforeReplace === true && replaces(diff.changes));
  return response;
}

function serviceError(error: unknown): grpc.ServiceError | Partial<grpc.StatusObject> {
  const message = error instanceof Error ? error.message : String(error);
  const metadata = new grpc.Metadata();
  if (error instanceof InitializationError) {
    metadata.set("grpc-status-details-bin", initializationDetails(message, error.state, error.reasons));
  }
  return { code: grpc.status.UNKNOWN, details: message, metadata };
}

/** The error's second half, from which the engine learns that the object exists and keeps it in the state. */
function initializationDetails(message: string, state: ResourceState, reasons: string[]): Buffer {
  const failure = new providerProto.ErrorResourceInitFailed();
  failure.setId(state.id);
  failure.setProperties(toStruct(state.outputs));
  if (state.inputs !== undefined) failure.setInputs(toStruct(state.inputs));
  failure.setReasonsList(reasons);
  const details = new anyProto.Any();
  details.pack(failure.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = new statusProto.Status();
  status.setCode(grpc.status.UNKNOWN);
  status.setMessage(message);
  status.addDetails(details);
  return Buffer.from(status.serializeBinary());
}
