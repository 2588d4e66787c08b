/** How a node's look at itself ended. */
export interface LookAnswer {
  readonly code: number;
  readonly stdout: string;
}

/**
 * A node's answers to looks that change nothing (`assets/node/state.sh`), which it repeats while its machine stays as it is. Real
 * nodes look for themselves, at no cost to the bastion; here one computer plays them all, and a benchmark would measure that. On by
 * the switch `node.repeats-looks`: whoever changes a node's files by hand leaves it off.
 */
export class KnownLooks {
  readonly #isOn: () => boolean;
  readonly #stateOf: () => string;
  readonly #answers = new Map<string, LookAnswer>();
  #state = "";

  /** @param stateOf tells the machine's whole state: another one makes all answers old */
  constructor(isOn: () => boolean, stateOf: () => string) {
    this.#isOn = isOn;
    this.#stateOf = stateOf;
  }

  /** Whether a command is such a look, and its answer is to be kept. */
  concerns(command: string | undefined): command is string {
    return this.#isOn() && command !== undefined && /^tool=state$/m.test(command);
  }

  find(command: string, input: string): LookAnswer | undefined {
    const state = this.#stateOf();
    if (this.#state !== state) this.#answers.clear();
    this.#state = state;
    return this.#answers.get(`${input}\0${command}`);
  }

  /** Keeps an answer for the state in which it was asked for; a failure isn't one. */
  keep(command: string, input: string, answer: LookAnswer): void {
    if (answer.code === 0 && this.#state === this.#stateOf()) this.#answers.set(`${input}\0${command}`, answer);
  }
}
