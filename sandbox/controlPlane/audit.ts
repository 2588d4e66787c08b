import { readFile } from "node:fs/promises";
import { z } from "zod";
import { filesOf } from "./state.ts";

const eventSchema = z.object({
  stage: z.string(),
  requestURI: z.string(),
  verb: z.string(),
  user: z.object({ username: z.string().optional() }),
  objectRef: z
    .object({
      apiGroup: z.string().default(""),
      resource: z.string().default(""),
      subresource: z.string().default(""),
      namespace: z.string().default(""),
      name: z.string().default(""),
    })
    .optional(),
  responseStatus: z.object({ code: z.int().optional() }).optional(),
  responseObject: z.unknown().optional(),
  requestReceivedTimestamp: z.string(),
  stageTimestamp: z.string(),
});

/** One answered request to the API server. */
export interface AuditEntry {
  /** When the request came and when it was answered; microseconds as the API server writes them. */
  readonly received: string;
  readonly answered: string;
  readonly user: string;
  /** `get`, `list`, `create`, `update`, `patch`, `delete`, `deletecollection`. */
  readonly verb: string;
  /** Empty for the core group and for what isn't a resource. */
  readonly apiGroup: string;
  readonly resource: string;
  readonly subresource: string;
  readonly namespace: string;
  /** Empty for a list, and for a create with `generateName`. */
  readonly name: string;
  /** HTTP status. */
  readonly code: number;
  readonly uri: string;
  /** Whether the request asked for no change (`dryRun=All`). */
  readonly dryRun: boolean;
  /** The object after a write; for Nodes only. */
  readonly object?: unknown;
}

/** Reads one line of the audit log; `undefined` for a stage before the answer. */
export function parseAuditLine(line: string): AuditEntry | undefined {
  const event = eventSchema.parse(JSON.parse(line));
  if (event.stage !== "ResponseComplete" && event.stage !== "Panic") return undefined;
  const none = { apiGroup: "", resource: "", subresource: "", namespace: "", name: "" };
  return {
    ...(event.objectRef ?? none),
    received: event.requestReceivedTimestamp,
    answered: event.stageTimestamp,
    user: event.user.username ?? "",
    verb: event.verb,
    code: event.responseStatus?.code ?? 0,
    uri: event.requestURI,
    dryRun: new URL(event.requestURI, "https://server").searchParams.has("dryRun"),
    ...(event.responseObject === undefined ? {} : { object: event.responseObject }),
  };
}

/**
 * Whether the request changed something stored, or tried to. Reviews (`SelfSubjectAccessReview`, `TokenReview`) are
 * questions in the form of a create.
 */
export function isWrite(entry: AuditEntry): boolean {
  const reads = ["get", "list", "watch"];
  const reviews = ["authorization.k8s.io", "authentication.k8s.io"];
  return !reads.includes(entry.verb) && !entry.dryRun && !reviews.includes(entry.apiGroup);
}

/** The whole audit log, oldest answer first. A last line that is still being written is left out. */
export async function readAuditLog(dir: string): Promise<AuditEntry[]> {
  const text = await readFile(filesOf(dir).auditLog, "utf8");
  const complete = text.slice(0, text.lastIndexOf("\n") + 1);
  return complete
    .split("\n")
    .filter((line) => line !== "")
    .map(parseAuditLine)
    .filter((entry) => entry !== undefined);
}
