import { createHash } from "node:crypto";
import { Agent, request } from "node:https";
import { buffer } from "node:stream/consumers";
import type { Kube, KubeObject, Resource } from "../kube.ts";
import { parseImageName } from "./imageReference.ts";
import type { ImageContent, ImageRecord } from "./registry.ts";

interface Data extends KubeObject {
  /** In a Secret: base64. */
  data?: Record<string, string>;
}
interface ImageConfig extends KubeObject {
  spec?: { additionalTrustedCA?: { name?: string } };
}

const core = { group: "", version: "v1", namespaced: true } as const;
const secrets: Resource<Data> = { ...core, plural: "secrets", kind: "Secret" };
const configMaps: Resource<Data> = { ...core, plural: "configmaps", kind: "ConfigMap" };
const imageConfigs: Resource<ImageConfig> = {
  group: "config.openshift.io",
  version: "v1",
  plural: "images",
  kind: "Image",
  namespaced: false,
};

/** The one layer of an image of this sandbox: the list of its files as JSON. */
const LAYER = "application/vnd.onload-kmm.sandbox.files.v1+json";
const CONFIG = "application/vnd.oci.image.config.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** Nobody answers there; a client waits no longer. */
const TIMEOUT_MS = 10_000;

/** Whose Secret lets in. */
export interface PullSecret {
  namespace: string;
  /** Absent: nobody's. */
  name: string | undefined;
}

/** A registry says no, or there is no connection to it, in the words of the container tools. */
export class RegistryRefusal extends Error {}

interface Manifest {
  config: { digest: string; size: number };
  layers: { mediaType: string; digest: string; size: number }[];
}

/** Whether a pull spec is of a registry that is no stand-in: one on a port of this machine. */
export const isOutside = (reference: string): boolean => /^(localhost|127\.0\.0\.1):\d+\//.test(reference);

/**
 * Pulls and pushes as builds and nodes do, at a real registry on this machine: TLS is verified against what
 * image.config.openshift.io/cluster trusts, and a Secret's entry for the host lets in. What is pushed are real manifests and
 * blobs; the layer lists an image's files and doesn't hold them.
 */
export class OutsideRegistry {
  readonly #kube: Kube;

  constructor(kube: Kube) {
    this.#kube = kube;
  }

  /** The image behind a pull spec; throws a RegistryRefusal. */
  async pull(reference: string, secret: PullSecret): Promise<ImageRecord> {
    const { repository, tag, digest } = parseImageName(reference) ?? { repository: reference };
    const session = await this.#session(repository, secret);
    const found = await session.send("GET", `manifests/${digest ?? tag ?? ""}`, { headers: { accept: MANIFEST } });
    if (found.status === 404) throw new RegistryRefusal("manifest unknown");
    const body = expectStatus(found, 200);
    const manifest = JSON.parse(body.toString("utf8")) as Manifest;
    const [layer] = manifest.layers;
    if (layer?.mediaType !== LAYER) throw new RegistryRefusal(`${reference} is no image of this sandbox`);
    const files = expectStatus(await session.send("GET", `blobs/${layer.digest}`), 200);
    return { ...(JSON.parse(files.toString("utf8")) as ImageContent), digest: digestOf(body), repository };
  }

  /** Pushes blobs, then the manifest under the tag; answers its digest. Throws a RegistryRefusal. */
  async push(reference: string, content: ImageContent, secret: PullSecret): Promise<string> {
    const { repository, tag = "" } = parseImageName(reference) ?? { repository: reference };
    const session = await this.#session(repository, secret);
    const layer = Buffer.from(JSON.stringify(content));
    const config = Buffer.from(
      JSON.stringify({
        architecture: "amd64",
        os: "linux",
        created: new Date().toISOString(),
        config: { Labels: content.config.labels ?? {} },
        rootfs: { type: "layers", diff_ids: [digestOf(layer)] },
      }),
    );
    for (const blob of [layer, config]) await pushBlob(session, blob);
    const manifest = Buffer.from(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: MANIFEST,
        config: { mediaType: CONFIG, digest: digestOf(config), size: config.length },
        layers: [{ mediaType: LAYER, digest: digestOf(layer), size: layer.length }],
      }),
    );
    const headers = { "content-type": MANIFEST };
    expectStatus(await session.send("PUT", `manifests/${tag}`, { headers, body: manifest }), 201);
    return digestOf(manifest);
  }

  async #session(repository: string, { namespace, name }: PullSecret): Promise<Session> {
    const host = repository.split("/")[0] ?? "";
    const secret = name === undefined ? undefined : await this.#kube.find(secrets, { namespace, name });
    return new Session(repository, authOf(secret, host), await this.#authority(host));
  }

  /** What MCO and the build controller lay down for a registry on nodes and in builds. */
  async #authority(host: string): Promise<string | undefined> {
    const config = await this.#kube.find(imageConfigs, { name: "cluster" });
    const name = config?.spec?.additionalTrustedCA?.name;
    if (name === undefined || name === "") return undefined;
    const trusted = await this.#kube.find(configMaps, { namespace: "openshift-config", name });
    return trusted?.data?.[host.replace(":", "..")];
  }
}

/** An entry for just this host; others, as of a repository, aren't known here. */
function authOf(secret: Data | undefined, host: string): string | undefined {
  const text = Buffer.from(secret?.data?.[".dockerconfigjson"] ?? "", "base64").toString("utf8");
  if (text === "") return undefined;
  const { auths } = JSON.parse(text) as { auths?: Record<string, { auth?: string }> };
  return auths?.[host]?.auth;
}

interface Reply {
  status: number;
  location: string | undefined;
  body: Buffer;
}

interface Message {
  headers?: Record<string, string>;
  body?: Buffer;
}

/** Requests about one repository. */
class Session {
  readonly #base: string;
  readonly #auth: string | undefined;
  readonly #agent: Agent;

  constructor(repository: string, auth: string | undefined, ca: string | undefined) {
    const slash = repository.indexOf("/");
    this.#base = `https://${repository.slice(0, slash)}/v2/${repository.slice(slash + 1)}/`;
    this.#auth = auth;
    this.#agent = new Agent(ca === undefined ? {} : { ca });
  }

  /** `path`: below the repository, or an address that the registry gave. */
  send(method: string, path: string, { headers = {}, body }: Message = {}): Promise<Reply> {
    const authorization = this.#auth === undefined ? {} : { authorization: `Basic ${this.#auth}` };
    const options = { method, agent: this.#agent, timeout: TIMEOUT_MS, headers: { ...authorization, ...headers } };
    return new Promise((resolve, reject) => {
      const refuse = (error: NodeJS.ErrnoException): void =>
        reject(new RegistryRefusal(`pinging container registry: ${wordsOf(error)}`));
      const call = request(new URL(path, this.#base), options, (answer) => {
        buffer(answer).then(
          (content) => resolve({ status: answer.statusCode ?? 0, location: answer.headers.location, body: content }),
          refuse,
        );
      });
      call.on("timeout", () => call.destroy(new Error("i/o timeout")));
      call.on("error", refuse);
      call.end(body);
    });
  }
}

/** Go's words for what keeps a client from a TLS connection. */
const wordsOf = ({ code = "", message }: NodeJS.ErrnoException): string =>
  /^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/.test(code)
    ? "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    : message;

async function pushBlob(session: Session, blob: Buffer): Promise<void> {
  const opened = await session.send("POST", "blobs/uploads/");
  expectStatus(opened, 202);
  const target = new URL(opened.location ?? "");
  target.searchParams.set("digest", digestOf(blob));
  const headers = { "content-type": "application/octet-stream", "content-length": String(blob.length) };
  expectStatus(await session.send("PUT", target.href, { headers, body: blob }), 201);
}

function expectStatus({ status, body }: Reply, expected: number): Buffer {
  if (status === expected) return body;
  if (status === 401) throw new RegistryRefusal("unauthorized: authentication required");
  if (status === 403) throw new RegistryRefusal("denied: requested access to the resource is denied");
  throw new RegistryRefusal(`received unexpected HTTP status: ${status}`);
}

const digestOf = (content: Buffer): string => `sha256:${createHash("sha256").update(content).digest("hex")}`;
