/** The secrets that a stack's state holds, as Pulumi exports it. */
import { z } from "zod";
import type { Secret } from "./forms.ts";

/** One of them: a property of a resource. */
export interface StateSecret {
  /** The resource's type and, where a type has several meanings, its name; the property's path. */
  readonly type: string;
  readonly resource: string;
  readonly property: string;
  /** Deciphered, as JSON; absent in an export without `--show-secrets`. */
  readonly plaintext: string | undefined;
}

/** How the engine marks a secret (sdk/go/common/resource/sig, "Secret"). */
const sig = "4dabf18193072939515e22adb298388d";
const secretSig = "1b47061264138c4ac30d75fd1eb44270";

const exported = z.object({
  deployment: z.object({
    resources: z
      .array(
        z.object({
          urn: z.string(),
          type: z.string(),
          inputs: z.unknown().optional(),
          outputs: z.unknown().optional(),
        }),
      )
      .default([]),
  }),
});

/** What plugins keep for themselves: the inputs again, and how a value was written, without it. */
const again = /^__inputs\./;
const bookkeeping = /^__pulumi_raw_state_delta\./;

/** Every secret in an export of state, inputs and outputs with the same path as one. */
export function secretsInState(text: string): StateSecret[] {
  const { resources } = exported.parse(JSON.parse(text)).deployment;
  const all = resources.flatMap(({ urn, type, inputs, outputs }) =>
    [inputs, outputs].flatMap((value) =>
      within(value, "")
        .filter(({ property }) => !bookkeeping.test(property))
        .map(({ property, plaintext }) => ({
          type,
          resource: urn.slice(urn.lastIndexOf("::") + 2),
          property: property.replace(again, ""),
          plaintext,
        })),
    ),
  );
  return [...new Map(all.map((each) => [`${each.resource} ${each.type} ${each.property}`, each])).values()];
}

function within(value: unknown, property: string): Pick<StateSecret, "property" | "plaintext">[] {
  if (typeof value !== "object" || value === null) return [];
  if ((value as Record<string, unknown>)[sig] === secretSig) {
    const { plaintext } = value as { plaintext?: string };
    return [{ property, plaintext }];
  }
  return Object.entries(value).flatMap(([key, member]) => within(member, property === "" ? key : `${property}.${key}`));
}

/** The texts in a deciphered value. */
export function textsOf({ plaintext }: StateSecret): string[] {
  return plaintext === undefined ? [] : leaves(JSON.parse(plaintext));
}

function leaves(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(leaves) : [];
}

/** The hash by which MokManager knows the password: bcrypt's own form, in steps' inputs of a deciphered export of state. */
export function passwordHashes(exportedWithSecrets: string): Secret[] {
  const hashes = secretsInState(exportedWithSecrets)
    .filter(({ property }) => property === "stdin")
    .flatMap(textsOf)
    .flatMap((text) => text.match(/\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}/g) ?? []);
  return [...new Set(hashes)].map((value) => ({ name: "MOK password's hash", value }));
}
