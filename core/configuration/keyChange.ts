import { told, type Told } from "../errors.ts";
import { X509Certificate } from "node:crypto";
import type { NodeReality } from "../node/reality.ts";
import type { Settings } from "./settings.ts";

/** What decides which key pair a stack signs with, and how nodes come to trust it. */
interface Wanted {
  readonly signing: { readonly subject: string; readonly existing?: { readonly certificate: string } };
  readonly enrolment: Pick<Settings["enrolment"], "mode">;
  readonly nodes: readonly Pick<Settings["nodes"][number], "name" | "hold">[];
}

/**
 * Says of each node that another certificate takes it out of service, and how. A new one is not undone by setting the old
 * subject back, which makes a third one. A generated private key stays the same: the engine replaces only what has changed.
 *
 * @param found.certificate the certificate that modules are signed for now, in PEM; empty before the first `up`
 */
export function keyChange(wanted: Wanted, found: { certificate: string; nodes: readonly NodeReality[] }): Told[] {
  const change = whatChanges(wanted.signing, found.certificate);
  if (change === undefined) return [];
  return wanted.nodes
    .filter(({ hold }) => !hold)
    .flatMap(({ name }) => {
      const machine = found.nodes.find(({ node }) => node.metadata.name === name)?.machine;
      const how = machine === undefined || "unreachable" in machine ? undefined : machine.secureBoot;
      if (how !== "enabled") return [];
      return [told("OKMM-KEY-CHANGE", `${name}: ${reboot(wanted.enrolment.mode)}, because ${change}`)];
    });
}

/** Whether modules are signed with the same key as before. */
export function keyOf({ signing }: Pick<Wanted, "signing">, live: string): "kept" | "first" | "another" {
  if (live === "") return "first";
  return whatChanges(signing, live) === undefined ? "kept" : "another";
}

function reboot(mode: Settings["enrolment"]["mode"]): string {
  if (mode === "off")
    return "will refuse the new modules, because nobody enrols their key (onload-kmm:enrolment.mode is off)";
  if (mode === "redfish") return "reboots, so that its firmware adds the new key to db";
  return "reboots into MokManager again, to enrol the new key";
}

function readable(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem);
  } catch {
    return undefined;
  }
}

function whatChanges({ subject, existing }: Wanted["signing"], live: string): string | undefined {
  if (live === "") return undefined;
  const now = readable(live);
  // Somebody has changed the Secret by hand; `up` sets it back.
  if (now === undefined) return undefined;
  if (existing !== undefined) {
    const next = new X509Certificate(existing.certificate);
    if (next.fingerprint256 === now.fingerprint256) return undefined;
    return `the signing certificate changes from ${now.fingerprint256} to ${next.fingerprint256}`;
  }
  const name = /^CN=(.*)$/m.exec(now.subject)?.[1] ?? now.subject;
  if (name === subject) return undefined;
  return `onload-kmm:signing.subject changes from "${name}" to "${subject}", which makes another certificate for the same private key`;
}
