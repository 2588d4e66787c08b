/** `tls:index/privateKey:PrivateKey`, RSA only. */
import {
  type Attributes,
  bridgedOutputs,
  checkAttributes,
  markInputs,
  planDiff,
  plannedInputs,
} from "../core/bridged.ts";
import type { ResourceType } from "../core/provider.ts";
import { isUnknown, type PropertyMap, reveal, UNKNOWN } from "../core/values.ts";
import { generateRsaKey } from "./rsaKey.ts";

const ATTRIBUTES: Attributes = {
  algorithm: { kind: "string", input: true },
  rsaBits: { kind: "number", input: true, default: 2048 },
  ecdsaCurve: { kind: "string", input: true, default: "P224" },
  id: { kind: "string" },
  privateKeyPem: { kind: "string", secret: true },
  privateKeyPemPkcs8: { kind: "string", secret: true },
  privateKeyOpenssh: { kind: "string", secret: true },
  publicKeyPem: { kind: "string" },
  publicKeyOpenssh: { kind: "string" },
  publicKeyFingerprintMd5: { kind: "string" },
  publicKeyFingerprintSha256: { kind: "string" },
};

/** Version of the Terraform schema that the outputs follow. */
const SCHEMA_VERSION = 1;

/** A private key, made once; every change makes a new one. */
export const privateKey: ResourceType = {
  check: (_operation, inputs) => {
    const failures = checkAttributes(inputs, ATTRIBUTES);
    const algorithm = reveal(inputs.algorithm ?? null);
    if (algorithm !== "RSA" && !isUnknown(algorithm)) {
      failures.push({ property: "algorithm", reason: "the stand-in for pulumi-resource-tls has RSA keys only" });
    }
    return { inputs: markInputs(inputs, ATTRIBUTES), failures };
  },

  diff: (_operation, { oldOutputs, inputs }) => planDiff(oldOutputs, plannedInputs(inputs, ATTRIBUTES), ATTRIBUTES),

  create: async (operation, inputs) => {
    const planned = plannedInputs(inputs, ATTRIBUTES);
    if (operation.preview) return { id: "", outputs: preview(planned) };
    const forms = await generateRsaKey(Number(planned.rsaBits));
    return { id: forms.id, outputs: bridgedOutputs({ ...planned, ...forms }, ATTRIBUTES, SCHEMA_VERSION) };
  },
};

function preview(planned: PropertyMap): PropertyMap {
  const made = Object.keys(ATTRIBUTES).filter((name) => ATTRIBUTES[name]?.input !== true);
  return markInputs({ ...planned, ...Object.fromEntries(made.map((name) => [name, UNKNOWN])) }, ATTRIBUTES);
}
