/** What the ports' cards are: told to people, and no target of a roll-out. */
import { z } from "zod";
import type { MachineState } from "./machineState.ts";

/** A port with its card; `unknown` is what the node doesn't tell. */
export const card = z.object({
  /** As `0000:3b:00.0`. */
  pci: z.string(),
  part: z.string(),
  /** All but the last four characters masked. */
  serial: z.string(),
  /** Known while the port has an interface. */
  firmware: z.string(),
});
export type Card = z.infer<typeof card>;

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
