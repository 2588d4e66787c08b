import { join } from "node:path";
import { execa } from "execa";
import { UserError } from "../userError.ts";

const remedy = "install Go 1.26 or later (https://go.dev/dl), or put the sandbox's tools on PATH";

/**
 * Checks the compiler before a build. With `GOTOOLCHAIN=auto` an older Go downloads the one that go.mod asks for, so it
 * is asked in a module's folder.
 * @throws UserError when there is none, or only an old one.
 */
export async function checkGo(): Promise<void> {
  const cwd = join(import.meta.dirname, "pulumi");
  const ran = await execa("go", ["env", "GOVERSION"], { cwd, reject: false, stdin: "ignore" });
  if (ran.failed) throw new UserError(`go: ${ran.stderr || "not found on PATH"}; ${remedy}`);
  const version = /^go1\.(\d+)/.exec(ran.stdout);
  if (!version || Number(version[1]) < 26) throw new UserError(`go: ${ran.stdout} is too old; ${remedy}`);
}
