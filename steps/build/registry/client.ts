/**
 * One registry's API (OCI distribution specification, v1.1), as far as tags are looked up and taken away. TLS is verified,
 * always. Its own few requests: the packages on npm for it are unkept, or bring a whole container engine.
 */
import type { IncomingMessage } from "node:http";
import { Agent, request } from "node:https";
import { getCACertificates } from "node:tls";
import type { Credentials } from "../../../core/build/dockerConfig.ts";
import { registryAnswerSeconds, registryRetrySeconds } from "../../../core/patience.ts";
import { now, sleep } from "../../lib/clock.ts";
import { limitedText } from "../../lib/limited.ts";
import { excerpt } from "../../../core/text.ts";
import { progress, StepError } from "../../lib/step.ts";
import { bearerToken, challengeIn } from "./token.ts";

export interface RegistryAccess {
  /** Host and port, as images name it. */
  readonly host: string;
  readonly credentials: Credentials | undefined;
  /** PEM of authorities that the registry is trusted by, beside those that this machine trusts. */
  readonly ca?: string | undefined;
  /** Seconds for which one that doesn't answer is waited for. */
  readonly patience: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
}

export interface Question {
  readonly method: "GET" | "HEAD" | "DELETE";
  readonly url: URL;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Every kind of manifest; a registry says that there is none where it has one of a kind that isn't asked for. */
const manifests = [
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.docker.distribution.manifest.v2+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");

/** Most bytes of an answer: a token, or a registry's words. */
const mostBytes = 1024 * 1024;

/** Characters of its words that a message repeats. */
const longestWords = 500;

const digestPattern = /^sha(256|512):[0-9a-f]{64,128}$/;

export class RegistryClient {
  readonly #access: RegistryAccess;
  readonly #agent: Agent;
  #authorization: string | undefined;

  constructor(access: RegistryAccess) {
    this.#access = access;
    const trusted = [...getCACertificates("default"), ...getCACertificates("system")];
    const ca = access.ca === undefined ? trusted : [...trusted, access.ca];
    this.#agent = new Agent({ ca, proxyEnv: process.env });
  }

  /**
   * The digest of the manifest behind a tag; undefined when there is none.
   *
   * @param repository path in the registry, without host
   * @throws StepError when the registry can't be asked, with why and what to do
   */
  async digest(repository: string, tag: string): Promise<string | undefined> {
    const { status, headers } = await this.#ask("HEAD", repository, tag);
    if (status === 404) return undefined;
    const digest = String(headers["docker-content-digest"] ?? "");
    if (status === 200 && digestPattern.test(digest)) return digest;
    throw this.#refusal(repository, status === 200 ? "it gave no digest of its manifest" : `it answered ${status}`);
  }

  /** Takes a manifest's tag away, or says that this registry, or this user, doesn't. */
  async remove(repository: string, tag: string): Promise<boolean> {
    const digest = await this.digest(repository, tag);
    if (digest === undefined) return true;
    await this.#ask("DELETE", repository, tag);
    // Not every registry deletes tags, and what it answers then differs; so it is looked at what it did.
    if ((await this.digest(repository, tag)) === undefined) return true;
    await this.#ask("DELETE", repository, digest);
    return (await this.digest(repository, tag)) === undefined;
  }

  async #ask(method: "HEAD" | "DELETE", repository: string, reference: string): Promise<Answer> {
    const url = new URL(`https://${this.#access.host}/v2/${repository}/manifests/${reference}`);
    const first = await this.#send({ method, url });
    if (first.status !== 401) return this.#letIn(method, repository, first);
    this.#authorization = await this.#authorize(repository, first);
    return this.#letIn(method, repository, await this.#send({ method, url }));
  }

  /** What isn't to be seen ends the step; what may not be deleted is the caller's to look at. */
  #letIn(method: string, repository: string, answer: Answer): Answer {
    if (method === "DELETE" || ![401, 403].includes(answer.status)) return answer;
    throw this.#refusal(
      repository,
      `it answered ${answer.status}: user and password of registry.pushSecret are wrong, or that user may not read ${repository}, ` +
        "or it doesn't exist yet; correct them, give the right to pull and push, or create it",
    );
  }

  async #authorize(repository: string, refused: Answer): Promise<string> {
    const challenge = challengeIn(refused.headers["www-authenticate"]);
    const { credentials } = this.#access;
    if (challenge === undefined)
      throw this.#refusal(repository, "it asks for a kind of login that this program doesn't know");
    if (credentials === undefined) throw this.#refusal(repository, "the Secret has no user and password for it");
    const basic = `Basic ${Buffer.from(`${credentials.user}:${credentials.password}`).toString("base64")}`;
    if (challenge.kind === "basic") return basic;
    const send = (url: URL) => this.#once({ method: "GET", url, headers: { authorization: basic } });
    const answer = await bearerToken(challenge, repository, send);
    if ("token" in answer) return `Bearer ${answer.token}`;
    throw this.#refusal(repository, answer.why);
  }

  /** Tries again while the registry is away: it may run on a node that boots. */
  async #send(question: Question): Promise<Answer> {
    const authorization = this.#authorization;
    const headers = { accept: manifests, ...(authorization !== undefined && { authorization }) };
    const deadline = now() + this.#access.patience * 1000;
    for (let said = false; ; said = true) {
      const why = await this.#try({ ...question, headers });
      if (typeof why !== "string") return why;
      if (now() + registryRetrySeconds * 1000 > deadline) throw this.#refusal("", `no answer: ${why}`);
      if (!said) progress(`the registry ${this.#access.host} is away (${why}); trying again`);
      await sleep(registryRetrySeconds * 1000);
    }
  }

  /** An answer, or why a later one may come. */
  async #try(question: Question): Promise<Answer | string> {
    try {
      const answer = await this.#once(question);
      return answer.status === 429 || answer.status >= 500 ? `it answered ${answer.status}` : answer;
    } catch (error) {
      const { code = "", message } = error as NodeJS.ErrnoException;
      const distrust = distrustOf(code, message);
      if (distrust !== undefined) throw this.#refusal("", distrust);
      return message || code;
    }
  }

  #once({ method, url, headers }: Question): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const call = request(
        url,
        { method, headers, agent: this.#agent, timeout: registryAnswerSeconds * 1000 },
        (answer) => {
          limitedText(answer, mostBytes).then(
            (body) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body }),
            reject,
          );
        },
      );
      call.on("timeout", () => call.destroy(new Error(`no answer within ${registryAnswerSeconds} s`)));
      call.on("error", reject);
      call.end();
    });
  }

  #refusal(repository: string, why: string): StepError {
    const where = repository === "" ? this.#access.host : `${this.#access.host}/${repository}`;
    return new StepError(
      "OKMM-REGISTRY-ACCESS",
      `the registry of ${where} can't be used: ${excerpt(why, longestWords)}`,
    );
  }
}

/** Why there is no TLS connection that can be trusted; undefined for what may pass by itself. */
function distrustOf(code: string, message: string): string | undefined {
  if (/^(UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_)/.test(code)) {
    return (
      `this machine doesn't trust the authority that signed its certificate (${message}); put its authority's certificate into the ` +
      "ConfigMap of additionalTrustedCA, and name that as registry.caConfigMap"
    );
  }
  if (/^(CERT_|ERR_TLS_)/.test(code)) return `its certificate isn't valid for it (${message}); renew it`;
  // OpenSSL's words where the other side speaks plain HTTP.
  if (/wrong version number|packet length too long/i.test(message)) {
    return "it doesn't speak TLS, and an unencrypted registry isn't used here; give it a certificate";
  }
  return undefined;
}
