/** Text from outside, as a message may have it: nobody knows what is in it, nor how long it is. */
import { stripVTControlCharacters } from "node:util";

/** Control characters but line ends and tabs; and the marks that turn the direction of what follows. */
const unshowable = /[[\p{Cc}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]--[\t\n]]/gv;

/** Longest message, in characters, and how much of it is its end, which says what to do: the last screens of a console fit. */
const longestMessage = 32_768;
const longestEnd = 8192;

/** Longest value from outside that a message quotes, in characters. */
const longestValue = 200;

/** A private key in the wrong place is still one, without its first line, too. */
const privateKey = /PRIVATE KEY|[A-Za-z0-9+/]{60}\s*(?:\n|\\n)/;

/** Without escape sequences, control characters and halves of characters: what may be painted on a terminal. */
export const cleanText = (text: string): string =>
  stripVTControlCharacters(text.replaceAll("\r\n", "\n")).toWellFormed().replaceAll(unshowable, "\u{FFFD}");

/** A text's beginning, and how much was cut off, where it is too long. */
export function excerpt(text: string, longest: number): string {
  if (text.length <= longest) return text;
  return `${text.slice(0, longest).toWellFormed()}… (${text.length - longest} characters cut)`;
}

/** A message that may hold anything: cleaned, and cut in its middle where it is too long. */
export function messageText(text: string): string {
  if (text.length <= longestMessage) return cleanText(text);
  const begin = text.slice(0, longestMessage - longestEnd);
  return cleanText(`${begin}… (${text.length - longestMessage} characters cut) …${text.slice(-longestEnd)}`);
}

/** A value in a message: as JSON writes a string, short, and never what may be a private key. */
export function quoted(text: string): string {
  if (privateKey.test(text)) return "what may be a private key, and isn't shown";
  const escaped = (character: string) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`;
  const json = JSON.stringify(text.slice(0, longestValue).toWellFormed()).replaceAll(unshowable, escaped);
  return text.length <= longestValue ? json : `${json}… (${text.length - longestValue} characters cut)`;
}

/** Names or values in a list, the first few of them. */
export function listed(names: readonly string[], most = 8): string {
  const shown = names.slice(0, most).map((name) => excerpt(cleanText(name), longestValue));
  return [...shown, ...(names.length > most ? [`and ${names.length - most} more`] : [])].join(", ");
}

/** Any value in a message, as JSON; of a large one its beginning. */
export function shownValue(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  let text;
  try {
    text = JSON.stringify(value);
  } catch {
    return "a value that is nested too deeply";
  }
  return privateKey.test(text) ? quoted(text) : excerpt(text.replaceAll(unshowable, "\u{FFFD}"), longestValue);
}
