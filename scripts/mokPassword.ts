/**
 * `npm run mok-password [-- --stack NAME]`: prints the password that MokManager asks for, from the stack's state, as soon
 * as it exists: stack outputs exist only after a complete `up`.
 */
import { parseArgs } from "node:util";
import { fail, pulumi } from "./stack.ts";

interface Deployment {
  readonly deployment: {
    readonly resources?: readonly { readonly urn: string; readonly outputs?: { readonly result?: unknown } }[];
  };
}

const { values } = parseArgs({ options: { stack: { type: "string" } } });
const given = await pulumi(["config", "get", "onload-kmm:mokPassword"], values.stack).catch(() => "");
const exported = given === "" ? await pulumi(["stack", "export", "--show-secrets"], values.stack) : "{}";
const { deployment } = JSON.parse(exported) as Partial<Deployment>;
const generated = deployment?.resources?.find(({ urn }) => urn.endsWith("RandomPassword::mok-password"))?.outputs
  ?.result;
const password = given.trim() || plaintext(generated);
if (password === undefined)
  fail("this stack has no MOK password yet: `pulumi up` makes one before the first reboot needs it");
process.stdout.write(`${password}\n`);

/** A secret as `--show-secrets` exports it: its JSON in `plaintext`. */
function plaintext(value: unknown): string | undefined {
  if (typeof value === "string") return value;
  if (typeof value !== "object" || value === null || !("plaintext" in value)) return undefined;
  return JSON.parse(String(value.plaintext)) as string;
}
