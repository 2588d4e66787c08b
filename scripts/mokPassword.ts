/**
 * `npm run mok-password [-- --stack NAME --config-file FILE]`: prints the password that MokManager asks for, from the
 * stack's state, as soon as it exists: stack outputs exist only after a complete `up`.
 */
import { StepError } from "../steps/lib/step.ts";
import { cliOf, printedJson, fail, optionsOf } from "./stack.ts";

interface Deployment {
  readonly deployment: {
    readonly resources?: readonly { readonly urn: string; readonly outputs?: { readonly result?: unknown } }[];
  };
}

const values = optionsOf(
  `npm run mok-password [-- --stack NAME --config-file FILE]

Prints the password that MokManager asks for.
`,
  {},
);
const password = await readPassword().catch(fail);
if (password === undefined) {
  const text = "this stack has no MOK password yet: `pulumi up` makes one before the first reboot needs it";
  fail(new StepError("OKMM-PASSWORD-NONE", text));
}
process.stdout.write(`${password}\n`);

/** The one that was given, else the one that was generated. */
async function readPassword(): Promise<string | undefined> {
  const pulumi = cliOf(values);
  const given = await pulumi("config", "get", "onload-kmm:mokPassword").catch(() => "");
  if (given.trim() !== "") return given.trim();
  const { deployment } = printedJson(await pulumi("stack", "export", "--show-secrets"), "stack export") as Deployment;
  const isPassword = ({ urn }: { urn: string }) => urn.endsWith("RandomPassword::mok-password");
  return plaintext(deployment.resources?.find(isPassword)?.outputs?.result);
}

/** A secret as `--show-secrets` exports it: its JSON in `plaintext`. */
function plaintext(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || !("plaintext" in value)) return undefined;
  return printedJson(String(value.plaintext), "stack export") as string;
}
