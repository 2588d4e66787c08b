import { createHash, X509Certificate } from "node:crypto";
import type { Certificate } from "../machine.ts";
import { isUsableHash, sha512Crypt } from "./shaCrypt.ts";
import { failed, type Call, type Result } from "./tool.ts";

/** What mokutil 0.6.0 returns when anything went wrong: -1. */
const ERROR = 255;
const PASSWORD_LENGTH = { min: 1, max: 256 };

/** The command line, taken apart. */
interface Options {
  command: string;
  files: string[];
  hashFile: string | null;
  /** The value of an option that has one: `--timeout N`. */
  value: string;
}

const WITHOUT_VALUE = [
  "--sb-state",
  "--list-enrolled",
  "--list-new",
  "--list-delete",
  "--revoke-import",
  "--revoke-delete",
  "--db",
  "--dbx",
];
const SHORT: Record<string, string> = {
  "-l": "--list-enrolled",
  "-N": "--list-new",
  "-D": "--list-delete",
  "-i": "--import",
  "-d": "--delete",
  "-t": "--test-key",
};

/** What can't be said in this machine's mokutil. */
class Unknown extends Error {}

/**
 * mokutil 0.6.0 over the machine's firmware: the same words and exit codes. Known are the commands that concern MOK, db
 * and dbx; everything else (MokListX, hashes, validation, SBAT) is refused by name.
 */
export function mokutil(call: Call): Result {
  const { firmware } = call.machine;
  if (!firmware.efi) return failed(1, "EFI variables are not supported on this system");
  try {
    const options = parse(call.args);
    return run(call, options);
  } catch (error) {
    if (error instanceof Unknown) return failed(ERROR, error.message);
    throw error;
  }
}

function parse(args: string[]): Options {
  const options: Options = { command: "", files: [], hashFile: null, value: "" };
  const rest = [...args];
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    const name = SHORT[word] ?? word;
    if (name === "--hash-file" || name === "-f") options.hashFile = rest.shift() ?? "";
    else take(options, name, rest);
  }
  if (options.command === "") throw new Unknown("mokutil: the sandbox knows no call without a command");
  return options;
}

function take(options: Options, name: string, rest: string[]): void {
  if (options.command !== "") throw new Unknown(`mokutil: the sandbox knows only one command a call, not also ${name}`);
  options.command = name;
  if (name === "--import" || name === "--delete") {
    while (rest[0] !== undefined && !rest[0].startsWith("-")) options.files.push(rest.shift() ?? "");
    if (options.files.length === 0) throw new Unknown(`mokutil: ${name} needs a file`);
  } else if (name === "--test-key" || name === "--timeout") {
    options.value = rest.shift() ?? "";
  } else if (!WITHOUT_VALUE.includes(name)) {
    throw new Unknown(`mokutil: the sandbox doesn't know ${name}`);
  }
}

function run(call: Call, options: Options): Result {
  const { firmware } = call.machine;
  const ok = (stdout = ""): Result => ({ code: 0, stdout, stderr: "" });
  switch (options.command) {
    case "--sb-state":
      return ok(firmware.secureBoot ? "SecureBoot enabled\n" : "SecureBoot disabled\n");
    case "--test-key":
      return testKey(call, options.value);
    case "--timeout":
      return setTimeoutVariable(call, options.value);
    case "--revoke-import":
      return revoke(call, "mokNew", "mokAuth");
    case "--revoke-delete":
      return revoke(call, "mokDel", "mokDelAuth");
    case "--import":
    case "--delete":
      return request(call, options);
    default:
      return ok(listing(lists(call)[options.command] ?? []));
  }
}

/** What the listing commands show. The pending lists' variables are root's alone. */
const lists = ({ machine: { firmware }, root }: Call): Record<string, Certificate[]> => ({
  "--list-enrolled": firmware.mokList,
  "--list-new": root ? (firmware.mokNew ?? []) : [],
  "--list-delete": root ? (firmware.mokDel ?? []) : [],
  "--db": firmware.db,
  "--dbx": firmware.dbx,
});

function revoke({ machine, root }: Call, list: "mokNew" | "mokDel", auth: "mokAuth" | "mokDelAuth"): Result {
  const { firmware } = machine;
  if (firmware[list] === null && firmware[auth] === null) return { code: 0, stdout: "", stderr: "" };
  if (!root) return failed(ERROR, `Failed to unset "${list === "mokNew" ? "MokNew" : "MokDel"}": Permission denied`);
  firmware[list] = null;
  firmware[auth] = null;
  return { code: 0, stdout: "", stderr: "" };
}

function setTimeoutVariable({ machine, root }: Call, text: string): Result {
  if (!root) return failed(ERROR, "Failed to set MokTimeout");
  const number = Number.parseInt(text, 10) || 0;
  machine.firmware.mokTimeout = number === 10 ? null : Math.max(-1, Math.min(number, 0x7fff));
  return { code: 0, stdout: "", stderr: "" };
}

/** Reads a DER certificate; null for anything else. */
function certificateOf(bytes: Buffer): Certificate | null {
  try {
    const der = new X509Certificate(bytes).raw;
    return der.equals(bytes) ? { der: der.toString("base64") } : null;
  } catch {
    return null;
  }
}

const has = (list: Certificate[] | null, { der }: Certificate): boolean =>
  list?.some((entry) => entry.der === der) ?? false;

/** Why the key needs no enrolment, in mokutil's words and order; null when it does. */
function whyNotEnrol(call: Call, key: Certificate): string | null {
  const { db, dbx, mokList, mokNew } = call.machine.firmware;
  if (has(db, key)) return "is already in db";
  if (has(mokList, key)) return "is already enrolled";
  if (call.root && has(mokNew, key)) return "is already in the enrollment request";
  return has(dbx, key) ? "is blocked in dbx" : null;
}

function testKey(call: Call, file: string): Result {
  const bytes = call.readFile(file);
  if (bytes === null) return failed(ERROR, `Failed to open ${file}`);
  const key = certificateOf(bytes);
  if (key === null) return failed(ERROR, "Not a valid x509 certificate");
  const why = whyNotEnrol(call, key);
  // 0 for a key that isn't enrolled: right for 0.6.0, inverted in versions after 0.7.2.
  return { code: why === null ? 0 : 1, stdout: `${file} ${why ?? "is not enrolled"}\n`, stderr: "" };
}

/** The two kinds of request, each with its variables and those of its opposite. */
const REQUESTS = {
  "--import": { list: "mokNew", auth: "mokAuth", reverse: "mokDel", reverseAuth: "mokDelAuth", reverseName: "MokDel" },
  "--delete": { list: "mokDel", auth: "mokDelAuth", reverse: "mokNew", reverseAuth: "mokAuth", reverseName: "MokNew" },
} as const;

/** Why a key can't be deleted; null when it can. */
function whyNotDelete({ machine: { firmware } }: Call, key: Certificate): string | null {
  if (!has(firmware.mokList, key)) return "is not in MokList";
  return has(firmware.mokDel, key) ? "is already in the deletion request" : null;
}

function request(call: Call, options: Options): Result {
  const importing = options.command === "--import";
  const kind = REQUESTS[importing ? "--import" : "--delete"];
  const { firmware } = call.machine;
  const fresh: Certificate[] = [];
  let stdout = "";
  for (const file of options.files) {
    const key = keyIn(call, file);
    if ("code" in key) return { ...key, stdout };
    const why = importing ? whyNotEnrol(call, key) : whyNotDelete(call, key);
    if (why === null) fresh.push(key);
    else if (withdrawn(call, kind, key)) stdout += `Removed ${file} from ${kind.reverseName}\n`;
    else stdout += `SKIP: ${file} ${why}\n`;
  }
  if (fresh.length === 0) return { code: 0, stdout, stderr: "" };
  const hash = passwordHash(call, options);
  if ("code" in hash) return { ...hash, stdout: stdout + hash.stdout };
  if (!call.root) return { ...failed(ERROR, `Failed to ${importing ? "enroll new" : "delete"} keys`), stdout };
  firmware[kind.list] = [...fresh, ...(firmware[kind.list] ?? [])];
  // The password of a request that was pending before goes with it: there is one for all keys.
  firmware[kind.auth] = hash.text;
  return { code: 0, stdout: stdout + hash.prompts, stderr: "" };
}

function keyIn(call: Call, file: string): Certificate | Result {
  const bytes = call.readFile(file);
  if (bytes === null) return failed(ERROR, `Failed to get file status, ${file}`);
  const abort = `Abort!!! ${file} is not a valid x509 certificate in DER format`;
  return certificateOf(bytes) ?? failed(ERROR, abort);
}

/** Takes a key out of the opposite request, if it is in it; with its last key the request's password goes too. */
function withdrawn({ machine, root }: Call, kind: (typeof REQUESTS)[keyof typeof REQUESTS], key: Certificate): boolean {
  const { firmware } = machine;
  if (!root || !has(firmware[kind.reverse], key)) return false;
  const rest = (firmware[kind.reverse] ?? []).filter((entry) => entry.der !== key.der);
  firmware[kind.reverse] = rest.length === 0 ? null : rest;
  if (rest.length === 0) firmware[kind.reverseAuth] = null;
  return true;
}

/** The hash from `--hash-file`, or made from the password that stands twice on stdin. */
function passwordHash(call: Call, { hashFile }: Options): { text: string; prompts: string } | Result {
  if (hashFile !== null) {
    const text = call.readFile(hashFile)?.toString("latin1");
    if (text === undefined) return failed(ERROR, `Failed to open ${hashFile}\nFailed to read hash`);
    return isUsableHash(text)
      ? { text: text.trim(), prompts: "" }
      : failed(ERROR, "Failed to parse the string\nFailed to read hash");
  }
  const [first = "", second = ""] = call.stdin.split("\n");
  const { min, max } = PASSWORD_LENGTH;
  const prompts = "input password: \ninput password again: \n";
  if (first.length < min || first.length > max) {
    return failed(ERROR, `password should be ${min}~${max} characters\nAbort`);
  }
  if (first !== second) return { ...failed(ERROR, "password doesn't match\nAbort"), stdout: prompts };
  const salt = createHash("sha256").update(`${Date.now()}`).digest("hex").slice(0, 16);
  return { text: sha512Crypt(first, salt), prompts };
}

/** The certificates in the form in which mokutil lists them; of each the fields that a person looks at. */
function listing(certificates: Certificate[]): string {
  const entries = certificates.map(({ der }, index) => {
    const parsed = new X509Certificate(Buffer.from(der, "base64"));
    return [
      `[key ${index + 1}]`,
      `SHA1 Fingerprint: ${parsed.fingerprint.toLowerCase()}`,
      "Certificate:",
      "    Data:",
      `        Serial Number: ${parsed.serialNumber.toLowerCase()}`,
      `        Issuer: ${parsed.issuer.replaceAll("\n", ", ")}`,
      "        Validity",
      `            Not Before: ${parsed.validFrom}`,
      `            Not After : ${parsed.validTo}`,
      `        Subject: ${parsed.subject.replaceAll("\n", ", ")}`,
      "",
    ].join("\n");
  });
  return entries.join("\n");
}
