/** Whole lives of both programs' stacks, side by side on one sandbox. */
import { moment } from "./machine.ts";
import { Pair } from "./pair.ts";
import type { Options } from "./options.ts";
import { verbs, type Moment, type Round, type Series, type Turns, type Verb } from "./results.ts";
import { roundsOf, widthAt } from "./sizes.ts";
import { turnsIn } from "./turns.ts";

/** What one size gave. */
export interface Measured {
  readonly series: readonly Series[];
  readonly turns: readonly Turns[];
}

/** Who sees a long measurement. */
export interface Watching {
  readonly tell: (line: string) => void;
  /** Gets what is known so far, after each verb. */
  readonly keep: (measured: Measured) => Promise<void>;
}

/**
 * Measures at one size what is asked for. What must be there before it is made, and not counted: nothing is destroyed that
 * wasn't made.
 */
export async function measureSize(nodes: number, options: Options, watching: Watching): Promise<Measured> {
  const wanted = (verb: Verb) => roundsOf(verb, nodes, options);
  if (verbs.every((verb) => wanted(verb) === 0)) return { series: [], turns: [] };
  watching.tell(`${nodes} nodes: starting a sandbox`);
  const pair = await Pair.start(nodes, widthAt(nodes));
  const interrupted = () => void pair.end().finally(() => process.exit(1));
  process.once("SIGINT", interrupted).once("SIGTERM", interrupted);
  try {
    return await new Life(pair, nodes, watching).lived(wanted);
  } finally {
    process.off("SIGINT", interrupted).off("SIGTERM", interrupted);
    await pair.end();
  }
}

class Life {
  readonly #pair: Pair;
  readonly #nodes: number;
  readonly #watching: Watching;
  readonly #rounds = new Map<Verb, Round[]>(verbs.map((verb) => [verb, []]));
  readonly #began = new Map<Verb, Moment>();
  readonly #turns: Turns[] = [];

  constructor(pair: Pair, nodes: number, watching: Watching) {
    this.#pair = pair;
    this.#nodes = nodes;
    this.#watching = watching;
  }

  async lived(wanted: (verb: Verb) => number): Promise<Measured> {
    const found = () => ({ series: verbs.flatMap((verb) => this.#series(verb, wanted(verb))), turns: this.#turns });
    const keep = () => this.#watching.keep(found());
    await this.#pair.warmUp();
    await this.#repeat("preview", wanted("preview"));
    await keep();
    const lives = Math.max(wanted("up"), wanted("destroy"), Math.min(wanted("noop"), 1));
    for (let life = 0; life < lives; life += 1) {
      await this.#turn("up", "roll-out");
      // The first gives the runs a state in which everything is known.
      if (life === 0) await this.#repeat("noop", wanted("noop"));
      await keep();
      if (life + 1 < lives || wanted("destroy") > 0) await this.#turn("destroy", "leaving");
    }
    return found();
  }

  async #repeat(verb: Verb, times: number): Promise<void> {
    for (let round = 0; round < times; round += 1) await this.#round(verb);
  }

  /** A round in which nodes go out of service. */
  async #turn(verb: Verb, what: Turns["what"]): Promise<void> {
    const { sandbox } = this.#pair.stack;
    const before = (await sandbox.auditLog()).length;
    await this.#round(verb);
    const names = this.#pair.nodes;
    const turns = turnsIn((await sandbox.auditLog()).slice(before), names, { what, width: widthAt(this.#nodes) });
    if (turns !== undefined) this.#turns.push(turns);
  }

  async #round(verb: Verb): Promise<void> {
    if (!this.#began.has(verb)) this.#began.set(verb, moment());
    const round = await this.#pair.round(verb);
    this.#rounds.get(verb)?.push(round);
    const [ours, bare] = [round.ours, round.bare].map(
      ({ wall, cpu }) => `${wall.toFixed(1)} s (${cpu.toFixed(1)} CPU)`,
    );
    this.#watching.tell(`${this.#nodes} nodes, ${verb}: ours ${ours ?? ""}, bare ${bare ?? ""}`);
  }

  #series(verb: Verb, wanted: number): Series[] {
    const rounds = this.#rounds.get(verb) ?? [];
    const began = this.#began.get(verb);
    if (wanted === 0 || began === undefined) return [];
    return [{ ...began, verb, nodes: this.#nodes, resources: this.#pair.resources, rounds }];
  }
}
