/** A mistake that the user can fix: its message is shown alone, without a stack trace. */
export class UserError extends Error {
  override name = "UserError";
}

/** Prints what went wrong the way the user needs it, and gives the exit code. */
export function report(program: string, error: unknown): number {
  const text = error instanceof UserError ? error.message : error instanceof Error ? error.stack : String(error);
  process.stderr.write(`${program}: ${text ?? "unknown error"}\n`);
  return 1;
}
