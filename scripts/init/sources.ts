/** Where the cluster, the release and the login come from: the command line, else the file that is there, else the terminal. */
import { homedir } from "node:os";
import { join } from "node:path";
import type { ReleaseSettings } from "../../core/build/release.ts";
import type { FirstFacts } from "../../core/configuration/firstFile.ts";
import type { StackFile } from "../../core/configuration/stackFile.ts";
import { identifyPackage } from "../../steps/build/releasePackage.ts";
import { StepError } from "../../steps/lib/step.ts";
import { contextsIn } from "./cluster.ts";
import type { Options } from "./options.ts";
import { configured, forConfiguration, forConfigurationOfUser, typed } from "./paths.ts";
import { noting, Problems } from "./problems.ts";
import { ask, isAttended } from "./terminal.ts";

/** As the configuration has them. */
export interface Sources {
  readonly cluster: { readonly kubeconfig: string; readonly context: string };
  readonly release: ReleaseSettings;
  readonly ssh: FirstFacts["ssh"];
}

/** @throws Problems with everything that is missing or wrong */
export async function readSources(options: Options, file: StackFile): Promise<Sources> {
  const problems: string[] = [];
  const cluster = await noting(problems, () => clusterOf(options, file));
  const release = await noting(problems, () => releaseOf(options, file));
  const ssh = await noting(problems, () => sshOf(options, file));
  if (cluster === undefined || release === undefined || ssh === undefined) throw new Problems(problems);
  return { cluster, release, ssh };
}

async function clusterOf(options: Options, file: StackFile): Promise<Sources["cluster"]> {
  const old = file.text("cluster", "kubeconfig");
  const wanted = options.kubeconfig === undefined ? undefined : typed(options.kubeconfig);
  const kubeconfig = unchanged(old, wanted) ?? forConfigurationOfUser(wanted ?? usualKubeconfig());
  const known = await contextsIn(configured(kubeconfig));
  const among = `expected one of those in ${kubeconfig}: ${known.join(", ") || "none"}`;
  const given = options.context ?? file.text("cluster", "context");
  const context =
    given ?? (await askFor(`Context of ${kubeconfig} (${known.join(", ")})`, `--context: missing; ${among}`));
  if (!known.includes(context)) throw new StepError("OKMM-INIT-OPTION", `--context: found "${context}", ${among}`);
  return { kubeconfig, context };
}

/** As kubectl chooses it, except several files at once, which the configuration has no room for. */
function usualKubeconfig(): string {
  const named = process.env["KUBECONFIG"] ?? "";
  if (named.includes(":"))
    throw new StepError("OKMM-INIT-OPTION", `--kubeconfig: missing; KUBECONFIG names several files: ${named}`);
  return named === "" ? join(homedir(), ".kube", "config") : typed(named);
}

async function releaseOf(options: Options, file: StackFile): Promise<ReleaseSettings> {
  const old = file.text("release", "package");
  const wanted = options.release === undefined ? undefined : typed(options.release);
  const kept = unchanged(old, wanted);
  if (kept !== undefined) return identifyPackage(kept);
  const missing = "--release: missing; expected the path of AMD's release package (SF-122450-LS, a zip)";
  return identifyPackage(
    forConfiguration(wanted ?? typed(await askFor("AMD's release package (SF-122450-LS, a zip)", missing))),
  );
}

/** The file's own spelling of a path, unless another file is wanted. */
const unchanged = (old: string | undefined, wanted: string | undefined): string | undefined =>
  old !== undefined && (wanted === undefined || configured(old) === wanted) ? old : undefined;

/** A file that is there has its own login, which isn't this program's to change. */
async function sshOf(options: Options, file: StackFile): Promise<FirstFacts["ssh"]> {
  const user = options["ssh-user"];
  if (options["ssh-agent"] || file.isBegun) return { user, agent: true };
  const missing = "--ssh-key: missing; expected the path of a private key without passphrase, or --ssh-agent";
  const path = options["ssh-key"] ?? (await askFor("Private key for SSH, or `agent` for the SSH agent", missing));
  if (options["ssh-key"] === undefined && path === "agent") return { user, agent: true };
  return { user, privateKeyFile: forConfigurationOfUser(typed(path)) };
}

async function askFor(question: string, missing: string): Promise<string> {
  const answer = isAttended() ? await ask(question) : "";
  if (answer === "") throw new StepError("OKMM-INIT-OPTION", missing);
  return answer;
}
