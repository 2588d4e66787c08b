/** `tls:index/selfSignedCert:SelfSignedCert`, for RSA keys, without alternative names and without being a CA. */
import {
  type Attributes,
  bridgedOutputs,
  checkAttributes,
  markInputs,
  planDiff,
  plannedInputs,
} from "../core/bridged.ts";
import type { CheckFailure, ResourceType } from "../core/provider.ts";
import {
  isObject,
  mapValues,
  type PropertyMap,
  reveal,
  revealAll,
  textOf,
  UNKNOWN,
  type Value,
} from "../core/values.ts";
import { issueCertificate } from "./certificate.ts";
import { isAllowedUse } from "./keyUsages.ts";
import { parseRsaKey } from "./rsaKey.ts";
import { distinguishedName, SUBJECT_ATTRIBUTES } from "./subject.ts";

const ATTRIBUTES: Attributes = {
  allowedUses: { kind: "strings", input: true },
  privateKeyPem: { kind: "string", input: true, secret: true },
  validityPeriodHours: { kind: "number", input: true },
  earlyRenewalHours: { kind: "number", input: true, default: 0, updatable: true },
  setAuthorityKeyId: { kind: "boolean", input: true, default: false },
  setSubjectKeyId: { kind: "boolean", input: true, default: false },
  subject: { kind: "block", input: true, attributes: SUBJECT_ATTRIBUTES },
  // Known to the real resource, refused here as inputs.
  dnsNames: { kind: "strings" },
  ipAddresses: { kind: "strings" },
  isCaCertificate: { kind: "boolean" },
  maxPathLength: { kind: "number" },
  uris: { kind: "strings" },
  // Made by the provider.
  certPem: { kind: "string" },
  id: { kind: "string" },
  keyAlgorithm: { kind: "string" },
  readyForRenewal: { kind: "boolean" },
  validityEndTime: { kind: "string" },
  validityStartTime: { kind: "string" },
};

const SCHEMA_VERSION = 0;

/** Milliseconds of an hour. */
const HOUR = 3_600_000;

/** A certificate, issued once; only `earlyRenewalHours` changes in place, and a renewal that is due replaces it. */
export const selfSignedCert: ResourceType = {
  check: (_operation, inputs) => ({
    inputs: markInputs(inputs, ATTRIBUTES),
    failures: [...checkAttributes(inputs, ATTRIBUTES), ...checkUses(inputs.allowedUses)],
  }),

  diff: (_operation, { oldOutputs, inputs }) => {
    const planned = plannedInputs(inputs, ATTRIBUTES);
    const diff = planDiff(oldOutputs, planned, ATTRIBUTES);
    if (isDue(oldOutputs, planned)) diff.changes.set("readyForRenewal", "update-replace");
    return diff;
  },

  create: async (operation, inputs) => {
    const planned = plannedInputs(inputs, ATTRIBUTES);
    if (operation.preview) return { id: "", outputs: preview(planned) };
    const made = await issue(planned);
    return { id: made.id, outputs: bridgedOutputs({ ...planned, ...made }, ATTRIBUTES, SCHEMA_VERSION) };
  },

  update: (_operation, { oldOutputs, inputs }) => {
    const olds = mapValues(revealAll(oldOutputs), (value, name) => (name in ATTRIBUTES ? value : undefined));
    const values = { ...olds, ...plannedInputs(inputs, ATTRIBUTES) };
    return Promise.resolve(bridgedOutputs(values, ATTRIBUTES, SCHEMA_VERSION));
  },

  read: (_operation, state) => {
    const due = isDue(state.outputs, revealAll(state.outputs));
    return Promise.resolve(due ? { ...state, outputs: { ...state.outputs, readyForRenewal: true } } : state);
  },
};

/** What issuing adds to the inputs. */
type Issued = Record<"certPem" | "id" | "keyAlgorithm" | "validityEndTime" | "validityStartTime", string> & {
  isCaCertificate: boolean;
  readyForRenewal: boolean;
};

async function issue(planned: PropertyMap): Promise<Issued> {
  const notBefore = new Date();
  const notAfter = new Date(notBefore.getTime() + Number(planned.validityPeriodHours) * HOUR);
  const { pem, serialNumber } = await issueCertificate({
    key: parseRsaKey(textOf(planned.privateKeyPem)),
    subject: distinguishedName(isObject(planned.subject) ? planned.subject : {}),
    allowedUses: (planned.allowedUses as Value[]).map(textOf),
    notBefore,
    notAfter,
    setSubjectKeyId: planned.setSubjectKeyId === true,
    setAuthorityKeyId: planned.setAuthorityKeyId === true,
  });
  return {
    certPem: pem,
    id: serialNumber,
    isCaCertificate: false,
    keyAlgorithm: "RSA",
    readyForRenewal: false,
    validityEndTime: notAfter.toISOString(),
    validityStartTime: notBefore.toISOString(),
  };
}

/** True when the certificate has expired, or will within `earlyRenewalHours`. */
function isDue(oldOutputs: PropertyMap, planned: PropertyMap): boolean {
  const end = Date.parse(textOf(reveal(oldOutputs.validityEndTime ?? "")));
  return Date.now() >= end - Number(planned.earlyRenewalHours) * HOUR;
}

function checkUses(uses: Value | undefined): CheckFailure[] {
  const list = reveal(uses ?? []);
  const unknown = Array.isArray(list) ? list.map(textOf).filter((use) => use !== UNKNOWN && !isAllowedUse(use)) : [];
  return unknown.map((use) => ({ property: "allowedUses", reason: `${JSON.stringify(use)} is not a key usage` }));
}

function preview(planned: PropertyMap): PropertyMap {
  const made = ["certPem", "id", "keyAlgorithm", "maxPathLength", "validityEndTime", "validityStartTime"];
  const unknown = Object.fromEntries(made.map((name) => [name, UNKNOWN]));
  return markInputs({ ...planned, ...unknown, isCaCertificate: false, readyForRenewal: false }, ATTRIBUTES);
}
