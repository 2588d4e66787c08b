import grpc, { type ServiceError } from "@grpc/grpc-js";
import anyProto from "google-protobuf/google/protobuf/any_pb.js";
import emptyProto from "google-protobuf/google/protobuf/empty_pb.js";
import providerGrpc from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import providerProto from "@pulumi/pulumi/proto/provider_pb.js";
import statusProto from "@pulumi/pulumi/proto/status_pb.js";
import type { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb.js";
import type { PluginInfo } from "@pulumi/pulumi/proto/plugin_pb.js";
import type * as T from "@pulumi/pulumi/proto/provider_pb.js";
import type { Empty } from "google-protobuf/google/protobuf/empty_pb.js";
import { type PropertyMap } from "../../plugins/core/values.ts";
import { fromStruct, toStruct } from "../../plugins/core/wire.ts";
import { type PluginProcess, startPlugin } from "./pluginProcess.ts";

/** One resource as a test speaks of it. */
export interface ResourceName {
  type: string;
  name: string;
}

/** What a state remembers of a resource. */
export interface StoredResource {
  id: string;
  inputs: PropertyMap;
  outputs: PropertyMap;
}

/** What Diff answers. */
export interface DiffAnswer {
  changed: boolean;
  replaces: string[];
  deleteBeforeReplace: boolean;
  /** Kinds by path, as the protocol numbers them; empty without a detailed diff. */
  detailed: Record<string, number>;
}

/** A provider's error, with the state that it left behind, if any. */
export class ProviderError extends Error {
  readonly state: StoredResource | undefined;

  constructor(message: string, state: StoredResource | undefined) {
    super(message);
    this.state = state;
  }
}

/** The URN that the engine would give the resource. */
export function urnOf({ type, name }: ResourceName): string {
  return `urn:pulumi:test::contract::${type}::${name}`;
}

/** Speaks the provider protocol, as the engine does, to a plugin process. */
export class ProviderClient {
  readonly plugin: PluginProcess;
  readonly #client: ResourceProviderClient;

  /** A further connection to a plugin that runs; {@link start} makes the first. */
  constructor(plugin: PluginProcess) {
    this.plugin = plugin;
    this.#client = new providerGrpc.ResourceProviderClient(plugin.address, grpc.credentials.createInsecure());
  }

  /** Starts the plugin and configures it. */
  static async start(name: string, configuration: PropertyMap = {}, cwd?: string): Promise<ProviderClient> {
    const client = new ProviderClient(await startPlugin(`resource-${name}`, cwd));
    await client.configure(name, configuration);
    return client;
  }

  async stop(): Promise<void> {
    this.#client.close();
    await this.plugin.stop();
  }

  async version(): Promise<string> {
    const info = await call<PluginInfo>((done) => this.#client.getPluginInfo(new emptyProto.Empty(), done));
    return info.getVersion();
  }

  /** As the engine does: values as they are, and once more as text under their full names, for older providers. */
  async configure(name: string, configuration: PropertyMap): Promise<void> {
    const request = new providerProto.ConfigureRequest();
    request.setArgs(toStruct(configuration));
    request.setAcceptsecrets(true);
    for (const [key, value] of Object.entries(configuration)) {
      request.getVariablesMap().set(`${name}:config:${key}`, typeof value === "string" ? value : JSON.stringify(value));
    }
    await call<T.ConfigureResponse>((done) => this.#client.configure(request, done));
  }

  /** The provider's own configuration, checked. */
  async checkConfig(inputs: PropertyMap): Promise<{ inputs: PropertyMap; failures: string[] }> {
    const request = new providerProto.CheckRequest();
    request.setNews(toStruct(inputs));
    const response = await call<T.CheckResponse>((done) => this.#client.checkConfig(request, done));
    return { inputs: fromStruct(response.getInputs()), failures: failuresOf(response) };
  }

  async check(
    resource: ResourceName,
    inputs: PropertyMap,
    olds?: PropertyMap,
  ): Promise<{ inputs: PropertyMap; failures: string[] }> {
    const request = new providerProto.CheckRequest();
    request.setUrn(urnOf(resource));
    request.setNews(toStruct(inputs));
    request.setRandomseed(Buffer.from("0123456789abcdef0123456789abcdef"));
    if (olds !== undefined) request.setOlds(toStruct(olds));
    const response = await call<T.CheckResponse>((done) => this.#client.check(request, done));
    return { inputs: fromStruct(response.getInputs()), failures: failuresOf(response) };
  }

  async diff(resource: ResourceName, stored: StoredResource, news: PropertyMap): Promise<DiffAnswer> {
    const request = new providerProto.DiffRequest();
    request.setUrn(urnOf(resource));
    request.setId(stored.id);
    request.setOldInputs(toStruct(stored.inputs));
    request.setOlds(toStruct(stored.outputs));
    request.setNews(toStruct(news));
    const response = await call<T.DiffResponse>((done) => this.#client.diff(request, done));
    const detailed: Record<string, number> = {};
    response.getDetaileddiffMap().forEach((change, path) => (detailed[path] = change.getKind()));
    return {
      changed: response.getChanges() === providerProto.DiffResponse.DiffChanges.DIFF_SOME,
      replaces: response.getReplacesList(),
      deleteBeforeReplace: response.getDeletebeforereplace(),
      detailed,
    };
  }

  /** `timeout` is in seconds, as `customTimeouts` gives it. */
  async create(
    resource: ResourceName,
    inputs: PropertyMap,
    { preview = false, timeout = 0 } = {},
  ): Promise<StoredResource> {
    const request = new providerProto.CreateRequest();
    request.setUrn(urnOf(resource));
    request.setProperties(toStruct(inputs));
    request.setPreview(preview);
    request.setTimeout(timeout);
    const response = await call<T.CreateResponse>((done) => this.#client.create(request, done));
    return { id: response.getId(), inputs, outputs: fromStruct(response.getProperties()) };
  }

  /** Undefined when the object is gone. */
  async read(resource: ResourceName, stored: StoredResource): Promise<StoredResource | undefined> {
    const request = new providerProto.ReadRequest();
    request.setUrn(urnOf(resource));
    request.setId(stored.id);
    request.setInputs(toStruct(stored.inputs));
    request.setProperties(toStruct(stored.outputs));
    const response = await call<T.ReadResponse>((done) => this.#client.read(request, done));
    if (response.getId() === "") return undefined;
    return {
      id: response.getId(),
      inputs: fromStruct(response.getInputs()),
      outputs: fromStruct(response.getProperties()),
    };
  }

  async update(
    resource: ResourceName,
    stored: StoredResource,
    news: PropertyMap,
    { preview = false, timeout = 0 } = {},
  ): Promise<StoredResource> {
    const request = new providerProto.UpdateRequest();
    request.setUrn(urnOf(resource));
    request.setId(stored.id);
    request.setOldInputs(toStruct(stored.inputs));
    request.setOlds(toStruct(stored.outputs));
    request.setNews(toStruct(news));
    request.setPreview(preview);
    request.setTimeout(timeout);
    const response = await call<T.UpdateResponse>((done) => this.#client.update(request, done));
    return { id: stored.id, inputs: news, outputs: fromStruct(response.getProperties()) };
  }

  async delete(resource: ResourceName, stored: StoredResource, { timeout = 0 } = {}): Promise<void> {
    const request = new providerProto.DeleteRequest();
    request.setUrn(urnOf(resource));
    request.setId(stored.id);
    request.setOldInputs(toStruct(stored.inputs));
    request.setProperties(toStruct(stored.outputs));
    request.setTimeout(timeout);
    await call<Empty>((done) => this.#client.delete(request, done));
  }

  async invoke(token: string, args: PropertyMap): Promise<PropertyMap> {
    const request = new providerProto.InvokeRequest();
    request.setTok(token);
    request.setArgs(toStruct(args));
    const response = await call<T.InvokeResponse>((done) => this.#client.invoke(request, done));
    return fromStruct(response.getReturn());
  }

  async cancel(): Promise<void> {
    await call<Empty>((done) => this.#client.cancel(new emptyProto.Empty(), done));
  }

  /** Check and create at once, as a first `up` does; fails on any refusal. */
  async make(resource: ResourceName, inputs: PropertyMap): Promise<StoredResource> {
    const checked = await this.check(resource, inputs);
    if (checked.failures.length > 0) throw new ProviderError(checked.failures.join("\n"), undefined);
    return await this.create(resource, checked.inputs);
  }
}

function failuresOf(response: { getFailuresList(): { getProperty(): string; getReason(): string }[] }): string[] {
  return response.getFailuresList().map((failure) => `${failure.getProperty()}: ${failure.getReason()}`);
}

function call<T>(start: (done: (error: ServiceError | null, response: T) => void) => unknown): Promise<T> {
  return new Promise((resolve, reject) => {
    start((error, response) => {
      if (error === null) resolve(response);
      else reject(new ProviderError(error.details, stateIn(error)));
    });
  });
}

/** The state in an error's details, which the engine keeps when a resource exists but isn't ready. */
function stateIn(error: ServiceError): StoredResource | undefined {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  if (!(bytes instanceof Buffer)) return undefined;
  const [detail = new anyProto.Any()] = statusProto.Status.deserializeBinary(bytes).getDetailsList();
  const failed: T.ErrorResourceInitFailed | null = detail.unpack(
    (packed) => providerProto.ErrorResourceInitFailed.deserializeBinary(packed),
    "pulumirpc.ErrorResourceInitFailed",
  );
  if (failed === null) return undefined;
  return { id: failed.getId(), inputs: {}, outputs: fromStruct(failed.getProperties()) };
}
