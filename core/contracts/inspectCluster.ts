import { z } from "zod";
import { clusterAccess } from "../cluster/clusterAccess.ts";
import { intent } from "../cluster/inspection.ts";
import { remade } from "../cluster/ownObjects.ts";
import { enrolmentModes } from "../configuration/choices.ts";
import { isTold, type Told } from "../errors.ts";
import { consent } from "../node/obstacles.ts";
import { nodeReality } from "../node/reality.ts";
import { sshTarget } from "../node/sshTarget.ts";
import { contract } from "./contract.ts";

const anError = z.custom<Told>(isTold, { error: "expected a text that ends with its error's id" });

export const inspectCluster = contract({
  program: "inspectCluster",
  input: z.object({
    cluster: clusterAccess,
    intent,
    /** How the nodes are reached that roll-outs don't pass by. */
    machines: z.array(sshTarget.extend({ name: z.string(), consent })),
    /** OpenOnload's version. */
    release: z.string(),
    mode: z.enum(enrolmentModes),
    /** The run whose records begin with this look; absent in a preview, which has none. */
    run: z.object({ name: z.string(), maxParallel: z.number() }).optional(),
  }),
  answer: z.object({
    /** What would make `up` fail. */
    problems: z.array(anError).readonly(),
    /** What it goes on with, but somebody should know. */
    warnings: z.array(anError).readonly(),
    /** The listed nodes that exist, in the list's order. */
    nodes: z.array(nodeReality).readonly(),
    /** The certificate that modules are signed for now, in PEM; empty before the first `up`. */
    certificate: z.string(),
    remade,
    /** Stems of image tags that must not be used again (core/build/imageMemory.ts). */
    spoilt: z.array(z.string()).readonly(),
    /** Tags of the images that KMM has built and signed for this stack. */
    signed: z.array(z.string()).readonly(),
    /** Kernels that the Module may be built for. */
    kernels: z.array(z.string()).readonly(),
    /** Nodes that the stack has, and that aren't listed any more. */
    leaving: z.array(z.string()).readonly(),
    /** Pools of listed nodes that the Machine Config Operator isn't done with. */
    updatingPools: z.array(z.string()).readonly(),
  }),
});

/** The answer of a look that saw nothing: of a cluster that is away. */
export const nothingSeen = {
  ...{ problems: [], warnings: [], nodes: [], certificate: "", remade: {}, spoilt: [], signed: [] },
  ...{ kernels: [], leaving: [], updatingPools: [] },
};
