/** What the ports' cards are: told to people, and no target of a roll-out. */
import type { MachineState } from "./machineState.ts";

/** A port with its card; `unknown` is what the node doesn't tell. */
export interface Card {
  /** As `0000:3b:00.0`. */
  readonly pci: string;
  readonly part: string;
  /** All but the last four characters masked. */
  readonly serial: string;
  /** Known while the port has an interface. */
  readonly firmware: string;
}

const unknown = "unknown";

/** The ports' cards, without virtual functions. */
export const cardsOf = ({ ports, interfaces }: MachineState): Card[] =>
  ports
    .filter(({ virtual }) => !virtual)
    .map(({ pci, part, serial }) => ({
      pci: pci ?? unknown,
      part: part ?? unknown,
      serial: serial ?? unknown,
      firmware: interfaces.find((each) => each.pci === pci)?.firmware ?? unknown,
    }));

/** In few words, each kind of card once: `SFN8522 ****1152 (8.4.0.1003)`. */
export function cardSummary(cards: readonly Card[]): string {
  if (cards.length === 0) return "-";
  return [...new Set(cards.map(({ part, serial, firmware }) => `${part} ${serial} (${firmware})`))].join(", ");
}
