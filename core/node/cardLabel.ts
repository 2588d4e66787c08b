/** What Node Feature Discovery (NFD) says of a node's network cards. */

type Labels = Readonly<Record<string, string>>;

/**
 * `card`: of Solarflare's vendor number, or one of AMD's that OpenOnload drives. `perhaps`: of AMD's number, and the label
 * doesn't tell which device. `none`: not seen.
 */
export type CardSighting = "card" | "perhaps" | "none";

const feature = "feature.node.kubernetes.io/";

/** AMD's own numbers with the devices of theirs that OpenOnload drives: Alveo SN1000, and X4 from 9.2.1. */
const amd: Readonly<Record<string, readonly string[]>> = { "10ee": ["0100", "1100"], "1022": ["1190"] };

/** Solarflare's cards of before 2013, which OpenOnload doesn't drive (assets/node/state.sh has the same list). */
const tooOld = ["0703", "6703", "0710", "0803", "0813"];

/** Whether NFD labels any of these nodes: without it nothing is known of their cards. */
export const hasNfd = (nodes: readonly { readonly metadata: { readonly labels?: Labels } }[]): boolean =>
  nodes.some(({ metadata }) => Object.keys(metadata.labels ?? {}).some((label) => label.startsWith(feature)));

/** What a node's labels say; the best of all its PCI devices counts. */
export function cardSighting(labels: Labels = {}): CardSighting {
  const sightings = Object.entries(labels).map(([label, value]) => (value === "true" ? sightingIn(label) : "none"));
  return (["card", "perhaps"] as const).find((each) => sightings.includes(each)) ?? "none";
}

/**
 * One label: `pci-1924.present`, `pci-0200_1924.present` and the like. NFD's `deviceLabelFields` chooses among class, vendor,
 * device and subsystem, in this order; OpenShift's operator has the vendor alone, NFD itself class and vendor.
 */
function sightingIn(label: string): CardSighting {
  const fields = pciLabel.exec(label)?.[1]?.split("_") ?? [];
  const [vendor = "", device = ""] = fields.slice(isKnown(fields[0]) ? 0 : 1);
  if (vendor === "1924") return tooOld.includes(device) ? "none" : "card";
  if (vendor === "10ee" && device === "") return "perhaps";
  return isAmds(vendor, device) ? "card" : "none";
}

const pciLabel = new RegExp(`^${feature}pci-([0-9a-f_]+)\\.present$`);

const isAmds = (vendor: string, device: string): boolean => amd[vendor]?.includes(device) === true;

/** Whether a label's first field is a vendor's number and not a class. */
const isKnown = (field = ""): boolean => field === "1924" || field in amd;
