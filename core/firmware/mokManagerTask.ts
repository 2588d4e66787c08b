/** What a person does at a node's console while MokManager waits for it. */
export interface MokManagerTask {
  readonly node: string;
  readonly request: "enrol" | "delete";
  /** Command that opens the console, where one is configured. */
  readonly console?: string | undefined;
  /** Until the run that waits gives up; absent where nobody waits. */
  readonly minutesLeft?: number | undefined;
}

const entries = { enrol: "Enroll MOK", delete: "Delete MOK" } as const;

/**
 * In one line. Pulumi shows a step's last line cut: on a terminal of 120 columns 16 characters are left, so it begins with what
 * waits.
 */
export function mokManagerTask({ node, request, console, minutesLeft }: MokManagerTask): string {
  const where = console === undefined ? `${node}'s console` : `${node}'s console (${console})`;
  const keys = `any key, "${entries[request]}", "Continue", "Yes", the password (\`npm run mok-password\`), "Reboot"`;
  const left = minutesLeft === undefined ? "" : `; ${Math.max(0, Math.ceil(minutesLeft))} min left`;
  return `MokManager waits on ${where}: ${keys}${left}`;
}
