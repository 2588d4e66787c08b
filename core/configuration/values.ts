import { RE2JS } from "re2js";
import { z } from "zod";

/*
 * Kinds of values in the configuration. `expected` is what a person reads after "expected": the shape, the unit and an
 * example, not the type's name.
 */

export const text = (expected: string) =>
  z.string({ error: expected }).min(1, { error: expected }).refine(isPlain, { error: expected });

/** As {@link text}, for what may have several lines. */
export const script = (expected: string) =>
  z
    .string({ error: expected })
    .min(1, { error: expected })
    .refine((value) => isPlain(value.replaceAll(/[\t\n]/g, " ")), { error: expected });

/** Longest value in characters: more than a path or a command has, and short for the expressions below. */
const longestValue = 4096;

/** A key or a web page in a path's place, or what a terminal would obey, is no value of ours. */
export function isPlain(value: string): boolean {
  return value.length <= longestValue && value.isWellFormed() && !/\p{Cc}/u.test(value);
}

export const matching = (pattern: RegExp, expected: string) =>
  z
    .string({ error: expected })
    .refine(isPlain, { error: expected, abort: true })
    .regex(pattern, { error: expected, abort: true });

export const flag = (expected: string) => z.boolean({ error: expected });

export const count = (expected: string, least = 1, most = 10_000) =>
  z.int({ error: expected }).min(least, { error: expected }).max(most, { error: expected });

export const minutes = (what: string) => {
  const error = `minutes, 0.1 to 10000: ${what}`;
  return z.number({ error }).min(0.1, { error }).max(10_000, { error });
};

/** Whether what a value ends with, if it is a port, is one that exists. */
export function hasValidPort(value: string): boolean {
  const [, port] = /:(\d{1,5})(?:\/|$)/.exec(value.replace(/^.*\]/, "")) ?? [];
  return port === undefined || (Number(port) > 0 && Number(port) <= 65_535);
}

/** A type, a space, and what may be a key. */
export const hostKeyForm = /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]+={0,2}$/;

/** Whether the key is of the type before it: it begins with its type's length and name (RFC 4253, section 6.6). */
export function isOfItsType(hostKey: string): boolean {
  const [type = "", key = ""] = hostKey.split(" ");
  const bytes = Buffer.from(key, "base64");
  return bytes.length > 4 && bytes.toString("latin1", 4, 4 + bytes.readUInt32BE()) === type;
}

/** Whether KMM would take it: its webhook compiles the expression as RE2. */
export function isRe2(pattern: string): boolean {
  try {
    RE2JS.compile(pattern);
    return true;
  } catch {
    return false;
  }
}
