/** The resources of one node, in the order in which they are made; the table in docs/nodes.md is made from this. */
export const nodeParts = [
  {
    name: "marks",
    does: "on a new kernel: keeps KMM from loading before the node's turn; deleted last of all: then label and annotations go",
    outage: "no",
  },
  { name: "select", does: "selection label, before the Module", outage: "no" },
  { name: "claim", does: "nothing, until it is deleted: then the node leaves", outage: "on delete" },
  {
    name: "import",
    does: "in its turn: `mokutil --import`, certificate and password hash on stdin",
    outage: "no",
  },
  { name: "roll", does: "the whole outage", outage: "yes" },
  { name: "proof", does: "read-only look; its answer is the stack's output", outage: "no" },
] as const;

/** The name of one of a node's resources. */
export const partOf = (node: string, part: (typeof nodeParts)[number]["name"]): string => `${node}-${part}`;
