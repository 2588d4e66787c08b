/*
 * The values that a key of the configuration may have where it offers a choice, each list said once: schema, types and
 * steps take them from here.
 */

/** `build.strategy`: what compiles the modules. */
export const strategies = ["driver-toolkit", "entitled-ubi"] as const;
export type Strategy = (typeof strategies)[number];

/** `signing.source`: where the signing key pair comes from. */
export const signingSources = ["generated", "existing"] as const;
export type SigningSource = (typeof signingSources)[number];

/** `enrolment.mode`: how a node's firmware comes to trust the signing key. */
export const enrolmentModes = ["attended", "operator", "console", "redfish", "off"] as const;
export type EnrolmentMode = (typeof enrolmentModes)[number];
