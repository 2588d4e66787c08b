import type { Operation, ResourceLine } from "./engineLines.ts";
import type { OpenStep, Story } from "./story.ts";

interface Milestone {
  /** Matches a resource's name; its group is the node's. */
  readonly resource: RegExp;
  readonly ops: readonly Operation[];
  /** What happens and why it matters, in the room that 80 columns leave beside mark and time. */
  readonly sentence: string;
}

const made = ["create", "update", "replace"] as const;

/** The resources that a person would ask about; the others take moments. */
const milestones: readonly Milestone[] = [
  { resource: /^source-upload$/, ops: made, sentence: "Source: AMD's package goes to the cluster, to be built from" },
  { resource: /^module-build$/, ops: made, sentence: "Build: KMM compiles and signs, before any node is touched" },
  { resource: /^(.+)-roll$/, ops: made, sentence: "$1: drained, key trusted, modules loaded, in service" },
  { resource: /^(.+)-proof$/, ops: made, sentence: "$1: its kernel runs what was built and signed: proven" },
  { resource: /^(.+)-claim$/, ops: ["delete"], sentence: "$1: modules unloaded, marks taken off" },
];

/** Tells the story of one command of the engine from what it prints of its resources. */
export class Milestones {
  readonly #story: Story;
  readonly #open = new Map<string, OpenStep>();

  constructor(story: Story) {
    this.#story = story;
  }

  saw({ name, op, stage, message }: ResourceLine): void {
    const milestone = milestones.find(({ resource, ops }) => ops.includes(op) && resource.test(name));
    if (milestone === undefined) return;
    const sentence = name.replace(milestone.resource, milestone.sentence);
    // What takes no time may be told at its end only.
    const step = this.#open.get(name) ?? this.#story.begin(sentence);
    this.#open.set(name, step);
    if (message !== "") step.now(message);
    if (stage === "begun") return;
    this.#open.delete(name);
    step.end(stage === "done");
  }

  /** The command has ended: what was going on then has not been done. */
  end(): void {
    for (const step of this.#open.values()) step.end(false);
    this.#open.clear();
  }
}
