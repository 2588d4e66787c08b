/** How a registry asks for a login, and the token that its token server gives (distribution, "Token Authentication"). */
import { z } from "zod";
import { quoted } from "../../../core/text.ts";
import type { Answer } from "./client.ts";

export type Challenge =
  | { readonly kind: "basic" }
  | { readonly kind: "bearer"; readonly realm: string; readonly service?: string; readonly scope?: string };

/** Reads `WWW-Authenticate`; undefined for a scheme that isn't known here. */
export function challengeIn(header = ""): Challenge | undefined {
  if (/^basic\b/i.test(header)) return { kind: "basic" };
  if (!/^bearer\b/i.test(header)) return undefined;
  const parameters = Object.fromEntries(
    [...header.matchAll(/\b([a-z_]+)="([^"]*)"/gi)].map(([, name = "", value = ""]) => [name.toLowerCase(), value]),
  );
  const { realm = "", service, scope } = parameters;
  return { kind: "bearer", realm, ...(service !== undefined && { service }), ...(scope !== undefined && { scope }) };
}

/** What may stand in an HTTP header. */
const headerValue = /^[\x21-\x7e]+$/;

const tokenAnswer = z.object({ token: z.string().optional(), access_token: z.string().optional() });

/**
 * Asks the token server that a challenge names.
 *
 * @param send sends the credentials along: only ever by TLS
 */
export async function bearerToken(
  { realm, service, scope }: Challenge & { kind: "bearer" },
  repository: string,
  send: (url: URL) => Promise<Answer>,
): Promise<{ readonly token: string } | { readonly why: string }> {
  if (!URL.canParse(realm) || new URL(realm).protocol !== "https:") {
    return { why: `its token server is ${quoted(realm)}, but credentials are sent over https only` };
  }
  const url = new URL(realm);
  if (service !== undefined) url.searchParams.set("service", service);
  url.searchParams.set("scope", scope ?? `repository:${repository}:pull`);
  let answer;
  try {
    answer = await send(url);
  } catch (error) {
    return { why: `its token server ${url.host} gives no answer: ${(error as Error).message}` };
  }
  const { status, body } = answer;
  if (status !== 200) {
    return {
      why: `its token server ${url.host} answered ${status}; check user and password in registry.pushSecret`,
    };
  }
  const { token, access_token: other } = parsed(body);
  const found = token ?? other;
  return found === undefined || !headerValue.test(found)
    ? { why: `its token server ${url.host} gave no token` }
    : { token: found };
}

/** The text is a secret: no error quotes it. */
function parsed(body: string): z.infer<typeof tokenAnswer> {
  try {
    return tokenAnswer.parse(JSON.parse(body));
  } catch {
    return {};
  }
}
