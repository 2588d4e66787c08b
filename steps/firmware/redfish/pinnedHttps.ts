/** HTTPS to a server with a certificate that nobody has signed but itself: it is pinned, as an SSH host key is. */
import type { X509Certificate } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { Agent, request } from "node:https";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import { bmcAnswerSeconds } from "../../../core/patience.ts";
import { after } from "../../lib/clock.ts";
import { limitedText } from "../../lib/limited.ts";

/** The server has another certificate than the pinned one; nothing was sent to it. */
export class OtherCertificate extends Error {
  /** SHA-256 over the DER, as `openssl x509 -fingerprint -sha256` prints it. */
  readonly fingerprint: string;

  constructor(fingerprint: string) {
    super(`its certificate's fingerprint is ${fingerprint}`);
    this.fingerprint = fingerprint;
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Question {
  readonly method: "GET" | "POST" | "DELETE";
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/** Most bytes of an answer: a system's BIOS attributes, the longest of what is asked for, are a hundred kilobytes. */
const mostBytes = 4 * 1024 * 1024;

/** One server with a pinned certificate. End it with `close()`. */
export class PinnedServer {
  readonly #agent: PinningAgent;

  /** @param fingerprint SHA-256 over the certificate's DER in hexadecimal, with or without colons */
  constructor(fingerprint: string) {
    this.#agent = new PinningAgent(fingerprint);
  }

  /** @throws OtherCertificate, or the system's error when there is no connection or no answer */
  ask({ method, url, headers, body }: Question): Promise<Answer> {
    const limit = new AbortController();
    const cancel = after(bmcAnswerSeconds * 1000, () => limit.abort());
    const { signal } = limit;
    return new Promise<Answer>((resolve, reject) => {
      const call = request(url, { method, headers, agent: this.#agent, signal }, (answer) => {
        limitedText(answer, mostBytes).then(
          (content) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: content }),
          reject,
        );
      });
      call.on("error", (error) => reject(signal.aborted ? new Error(`no answer within ${bmcAnswerSeconds} s`) : error));
      call.end(body);
    }).finally(cancel);
  }

  close(): void {
    this.#agent.destroy();
  }
}

/** Hands a connection over only once the certificate is known to be the pinned one: before that nothing is sent. */
class PinningAgent extends Agent {
  readonly #fingerprint: string;

  constructor(fingerprint: string) {
    super({ keepAlive: true });
    this.#fingerprint = plain(fingerprint);
  }

  override createConnection(
    { host, port }: { host?: string | null; port?: string | number | null },
    connected: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const target = { host: host ?? "", port: Number(port ?? 443) };
    // No authority and no host name is looked at: which key must be there is known, and the handshake proves it.
    const socket = connect({ ...target, rejectUnauthorized: false });
    socket.setTimeout(bmcAnswerSeconds * 1000, () =>
      socket.destroy(new Error(`no TLS connection within ${bmcAnswerSeconds} s`)),
    );
    socket.once("error", (error: Error) => connected(error, socket));
    socket.once("secureConnect", () => {
      const found = fingerprintOf(socket.getPeerX509Certificate());
      if (plain(found) !== this.#fingerprint) {
        socket.destroy(new OtherCertificate(found));
        return;
      }
      socket.setTimeout(0);
      connected(null, socket);
    });
  }
}

const fingerprintOf = (certificate: X509Certificate | undefined): string => certificate?.fingerprint256 ?? "none";

const plain = (fingerprint: string): string => fingerprint.replaceAll(":", "").toLowerCase();
