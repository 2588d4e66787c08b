/** The account of deploy/rbac.yaml on a sandbox: made by the administrator, used by the stack, and seen in the audit log. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, stringify } from "yaml";
import type { Sandbox } from "@onload-kmm/sandbox/sandbox";
import { accountNamespace, rbacManifests } from "../../core/cluster/rbacManifests.ts";
import { kindOf, rightsOf, type RightsFor } from "../../core/cluster/rights.ts";
import { inWords, needsOf, type Need } from "../../core/cluster/rightsGranted.ts";
import { Kubectl } from "../../steps/cluster/kubectl.ts";
import { missingRights } from "../../steps/cluster/rights.ts";
import { plain } from "./settings.ts";

type AuditEntry = Awaited<ReturnType<Sandbox["auditLog"]>>[number];

/** One request of the account's, and the command that made it. */
export interface Request extends Pick<AuditEntry, "verb" | "namespace" | "name" | "code" | "dryRun"> {
  /** As kubectl writes it. */
  readonly kind: string;
  readonly command: string;
}

export const isSame = (one: Need, two: Need): boolean => inWords([one]).join() === inWords([two]).join();

/** Whether this only makes messages say more. */
export const isForWords = (need: Need): boolean =>
  rightsOf(plain).some((right) => right.isForWords === true && needsOf(right).some((each) => isSame(each, need)));

export class Account {
  readonly kubeconfig: string;
  readonly requests: Request[] = [];
  /** As the API server knows it. */
  readonly user: string;
  readonly #tokenFile: string;
  readonly #sandbox: Sandbox;
  readonly #name: string;
  /** What its roles are now, by namespace. */
  readonly #roles = new Map<string, string>();

  private constructor(sandbox: Sandbox, name: string) {
    this.#sandbox = sandbox;
    this.#name = name;
    this.user = `system:serviceaccount:${accountNamespace}:${name}`;
    this.kubeconfig = join(sandbox.dir, "bastion.kubeconfig");
    this.#tokenFile = join(sandbox.dir, "bastion.token");
  }

  /** Makes it as docs/access.md says. */
  static async make(sandbox: Sandbox, settings: RightsFor): Promise<Account> {
    const account = new Account(sandbox, settings.namespace);
    const config = parse(await readFile(sandbox.kubeconfig, "utf8")) as { users: { user: object }[] };
    for (const each of config.users) each.user = { tokenFile: account.#tokenFile };
    await writeFile(account.kubeconfig, stringify(config), { mode: 0o600 });
    await sandbox.kubectl(["apply", "-f", "-"], rbacManifests({ ...settings, stack: "dev" }));
    await account.renew();
    await account.missing(settings, (found) => found.length === 0);
    return account;
  }

  /** Another token, in the place of the one before. */
  async renew(): Promise<void> {
    const token = await this.#sandbox.kubectl(["create", "token", this.#name, "-n", accountNamespace]);
    await writeFile(this.#tokenFile, token, { mode: 0o600 });
  }

  /** Has the administrator apply the manifests; resolves when they hold. */
  async grant(settings: RightsFor): Promise<void> {
    this.#roles.clear();
    await this.#sandbox.kubectl(["apply", "-f", "-"], rbacManifests({ ...settings, stack: "dev" }));
    await this.missing(settings, (found) => found.length === 0);
  }

  /** Has the administrator take away what `isTaken` of these settings' rights. */
  async take(settings: RightsFor, isTaken: (need: Need) => boolean): Promise<void> {
    const needs = rightsOf(settings).flatMap(needsOf);
    for (const [place, here] of Map.groupBy(needs, ({ namespace = "" }) => namespace)) {
      const left = here.filter((need) => !isTaken(need));
      const role = roleOf(this.#name, place, left);
      if (this.#roles.get(place) === role) continue;
      await this.#sandbox.kubectl(["replace", "-f", "-"], role);
      this.#roles.set(place, role);
    }
  }

  /** What preview's look finds missing, as soon as it is what the test waits for: the authorizer hears of changes later. */
  async missing(settings: RightsFor, isAwaited: (found: readonly Need[]) => boolean): Promise<Need[]> {
    const access = { kubeconfig: this.kubeconfig, context: "sandbox", id: "" };
    const kubectl = new Kubectl(access, 0, async (args, input) => {
      try {
        return { code: 0, stdout: await this.#sandbox.kubectl(args, input?.toString()), stderr: "" };
      } catch (error) {
        return { code: 1, stdout: "", stderr: (error as { stderr: string }).stderr };
      }
    });
    for (let tries = 0; ; tries += 1) {
      const found = await missingRights(kubectl, settings);
      if (isAwaited(found)) return found;
      assert.ok(tries < 100, `missing: ${inWords(found).join("; ")}`);
      await sleep(50);
    }
  }

  /** As the account. */
  kubectl(args: readonly string[], input?: string): Promise<string> {
    return this.#sandbox.kubectl(["--kubeconfig", this.kubeconfig, ...args], input);
  }

  /** Notes what it asks while a command runs. */
  async during<T>(command: string, run: () => Promise<T>): Promise<T> {
    const before = (await this.#sandbox.auditLog()).length;
    const result = await run();
    const log = (await this.#sandbox.auditLog()).slice(before);
    for (const entry of log.filter((each) => each.user === this.user)) {
      this.requests.push({ ...requestOf(entry), command });
    }
    return result;
  }

  /** The requests that needed this, and got it. */
  using(need: Need): Request[] {
    return this.requests.filter((request) => request.code !== 403 && isFor(need, request));
  }
}

function roleOf(account: string, place: string, needs: readonly Need[]): string {
  const name = `${accountNamespace}-${account}`;
  return JSON.stringify({
    apiVersion: "rbac.authorization.k8s.io/v1",
    kind: place === "" ? "ClusterRole" : "Role",
    metadata: place === "" ? { name } : { name, namespace: place },
    rules: needs.map((need) => ({
      apiGroups: [need.group],
      resources: [need.resource],
      verbs: [need.verb],
      ...(need.name !== undefined && { resourceNames: [need.name] }),
    })),
  });
}

function requestOf(entry: AuditEntry): Omit<Request, "command"> {
  const { verb, namespace, name, code, dryRun, apiGroup: group, resource: plural, subresource } = entry;
  const resource = subresource === "" ? plural : `${plural}/${subresource}`;
  return { verb, namespace, name, code, dryRun, kind: kindOf({ group, resource }) };
}

function isFor(need: Need, request: Request): boolean {
  const { verb, kind, namespace, name } = request;
  if (kind !== kindOf(need)) return isBindingFor(need, request);
  if (need.name !== undefined && need.name !== name) return false;
  if (need.namespace !== undefined && need.namespace !== namespace) return false;
  return verb === need.verb || (need.verb === "create" && makes(request));
}

/** A server-side apply that makes an object needs `create`, too. */
const makes = ({ verb, code }: Request): boolean => verb === "patch" && code === 201;

/** Whoever makes a RoleBinding must be allowed to bind its role. */
const isBindingFor = (need: Need, request: Request): boolean =>
  need.verb === "bind" && request.kind.startsWith("rolebindings.") && makes(request);
