/** One BMC's Redfish service: pinned certificate, basic authentication, and its refusals in words that say what to do. */
import { z } from "zod";
import type { BmcAccess } from "../../../core/firmware/bmcAccess.ts";
import type { ErrorId } from "../../../core/errors.ts";
import type { Finding } from "../../../core/node/obstacles.ts";
import { excerpt, quoted } from "../../../core/text.ts";
import { StepError } from "../../lib/step.ts";
import { OtherCertificate, PinnedServer, type Answer, type Question } from "./pinnedHttps.ts";

/** The BMC doesn't answer, or says that it can't now: it may later. */
export class Busy extends StepError {
  constructor(message: string) {
    super("OKMM-BMC-AWAY", message);
  }
}

/** Another place for the same request; iLO answers so where a path's last slash is missing. */
const redirects = [301, 302, 307, 308];
const mostRedirects = 3;

/** Characters of a BMC's words that a message repeats. */
const longestWords = 300;

const refusal = z.object({
  error: z.object({
    message: z.string().optional(),
    "@Message.ExtendedInfo": z
      .array(z.object({ Message: z.string().optional(), MessageId: z.string().optional() }))
      .optional(),
  }),
});

export class RedfishService {
  readonly #node: string;
  readonly #access: BmcAccess;
  readonly #server: PinnedServer;
  readonly #origin: string;

  /** @param node whose BMC it is, for messages */
  constructor(node: string, access: BmcAccess) {
    this.#node = node;
    this.#access = access;
    this.#server = new PinnedServer(access.fingerprint);
    this.#origin = new URL(access.url).origin;
  }

  /** Path of the node's ComputerSystem. */
  get system(): string {
    return new URL(this.#access.url).pathname;
  }

  /**
   * A resource's content, as far as `schema` knows it.
   *
   * @param unless what was expected, and what to do, when it isn't there or isn't that
   */
  async get<T>(path: string, schema: z.ZodType<T>, unless: Finding): Promise<T> {
    const found = await this.find(path, schema);
    if (found !== undefined) return found;
    throw this.problem(unless.error, `${path} isn't there, or isn't what Redfish's schema says; ${unless.text}`);
  }

  /** As {@link get}; undefined for what isn't there, or isn't that. */
  async find<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
    const answer = await this.#ask("GET", path);
    if (answer.status === 404) return undefined;
    return schema.safeParse(parsed(this.#accepted(answer, path).body)).data;
  }

  async post(path: string, content: object): Promise<void> {
    this.#accepted(await this.#ask("POST", path, JSON.stringify(content)), path);
  }

  /** What is gone already is fine. */
  async delete(path: string): Promise<void> {
    const answer = await this.#ask("DELETE", path);
    if (answer.status !== 404) this.#accepted(answer, path);
  }

  close(): void {
    this.#server.close();
  }

  problem(error: ErrorId, what: string): StepError {
    return new StepError(error, `${this.#node}: BMC at ${this.#origin}: ${what}`);
  }

  /** @throws Busy, or StepError when the BMC refuses */
  #accepted(answer: Answer, path: string): Answer {
    const { status, body } = answer;
    const { user } = this.#access;
    if (status >= 200 && status < 300) return answer;
    const why = `HTTP ${status} for ${excerpt(path, longestWords)}${this.#said(body)}`;
    if (status >= 500 || status === 429) throw new Busy(why);
    if (status === 401) {
      const check = "check onload-kmm:bmcCredentials, and that the BMC allows HTTP basic authentication";
      throw this.problem("OKMM-BMC-LOGIN", `user ${user} may not log in (${why}); ${check}`);
    }
    if (status === 403) {
      throw this.problem(
        "OKMM-BMC-PRIVILEGE",
        `user ${user} lacks a privilege (${why}); give it those for the BIOS and Secure Boot`,
      );
    }
    throw this.problem("OKMM-BMC-REFUSED", `refused: ${why}`);
  }

  async #ask(method: Question["method"], path: string, body?: string): Promise<Answer> {
    let url = this.#place(path, this.#origin);
    for (let hops = 0; ; hops += 1) {
      if (url.origin !== this.#origin) {
        throw this.problem(
          "OKMM-BMC-URL",
          `redirects to ${url.origin}, where nothing was sent; correct the node's bmc.url`,
        );
      }
      const answer = await this.#once({ method, url, headers: this.#headers(body), body });
      const { location } = answer.headers;
      if (!redirects.includes(answer.status) || location === undefined || hops === mostRedirects) return answer;
      url = this.#place(location, url.href);
    }
  }

  /** Where a link or a redirection of the BMC's leads. */
  #place(link: string, from: string): URL {
    if (URL.canParse(link, from)) return new URL(link, from);
    throw this.problem("OKMM-BMC-UNFIT", `it leads to ${quoted(link)}, which is no address; update the BMC`);
  }

  #headers(body: string | undefined): Record<string, string> {
    const { user, password } = this.#access;
    return {
      // Not a session: one that a killed run leaves behind takes one of the few places that a BMC has.
      Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
      Accept: "application/json",
      "OData-Version": "4.0",
      ...(body !== undefined && {
        "Content-Type": "application/json",
        "Content-Length": String(Buffer.byteLength(body)),
      }),
    };
  }

  /** Some say what they were sent. */
  #said(body: string): string {
    const { user, password } = this.#access;
    const login = Buffer.from(`${user}:${password}`).toString("base64");
    const words = wordsIn(body).replaceAll(login, "***").replaceAll(password, "***");
    return words === "" ? "" : `: ${excerpt(words, longestWords)}`;
  }

  async #once(question: Question): Promise<Answer> {
    try {
      return await this.#server.ask(question);
    } catch (error) {
      if (!(error instanceof OtherCertificate)) throw new Busy((error as Error).message || "no connection");
      throw this.problem(
        "OKMM-BMC-CERTIFICATE",
        `${error.message} (SHA-256), which isn't the configured one; nothing was sent to it. ` +
          "Find out why it changed before you change the node's bmc.fingerprint",
      );
    }
  }
}

/** What a BMC says of a refusal (DMTF DSP0266, "Error responses"), on one line. */
function wordsIn(body: string): string {
  const error = refusal.safeParse(parsed(body)).data?.error;
  const messages = (error?.["@Message.ExtendedInfo"] ?? []).map(({ Message, MessageId }) => Message ?? MessageId ?? "");
  const text = [...messages, error?.message ?? ""].find((message) => message !== "") ?? "";
  return text.replace(/\s+/g, " ");
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
