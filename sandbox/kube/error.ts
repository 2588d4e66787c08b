/** The API server's `Status` object, as far as it is read here. */
export interface Status {
  kind?: string;
  status?: string;
  message?: string;
  reason?: string;
  code?: number;
  details?: { causes?: { message?: string; field?: string }[] };
}

/** An answer other than 2xx. `status` is the HTTP code, `reason` the server's word (`NotFound`, `Conflict`, …). */
export class KubeError extends Error {
  readonly status: number;
  readonly reason: string;
  readonly body: Status | undefined;

  constructor(status: number, body: Status | undefined, text: string) {
    super(body?.message ?? `HTTP ${status}: ${text.slice(0, 500)}`);
    this.name = "KubeError";
    this.status = status;
    this.reason = body?.reason ?? "";
    this.body = body;
  }
}

/** True for every 404: an object that isn't there, or a path that isn't served. */
export const isNotFound = (error: unknown): boolean => error instanceof KubeError && error.status === 404;

/** True for a 404 about an object only. A path that isn't served (yet) has no reason in its answer. */
export const isObjectMissing = (error: unknown): boolean => error instanceof KubeError && error.reason === "NotFound";

/** True for a 409 because the object already exists. */
export const isAlreadyExists = (error: unknown): boolean =>
  error instanceof KubeError && error.reason === "AlreadyExists";

/** True for a 409 because somebody else changed the object in between. */
export const isConflict = (error: unknown): boolean => error instanceof KubeError && error.reason === "Conflict";

/** True when a watch's resourceVersion is too old (410 Gone), as an HTTP answer or an ERROR event. */
export const isGone = (error: unknown): boolean => error instanceof KubeError && error.status === 410;

/** The error that the server's answer stands for; an answer without a Status keeps its text. */
export function errorFromAnswer(status: number, text: string): KubeError {
  try {
    const body = JSON.parse(text) as Status;
    return new KubeError(status, body.kind === "Status" ? body : undefined, text);
  } catch {
    return new KubeError(status, undefined, text);
  }
}
