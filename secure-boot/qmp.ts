/** The little of QEMU's machine protocol (QMP) that the tests need: one command, one answer. */
import net from "node:net";
import { createInterface } from "node:readline";

interface Reply {
  QMP?: unknown;
  return?: unknown;
  error?: { desc: string };
}

/** Sends one command (`quit`, `system_reset`…) to the QEMU behind `socketPath` and resolves with its answer. */
export async function qmp(socketPath: string, execute: string): Promise<unknown> {
  const socket = net.connect(socketPath);
  const send = (name: string): void => void socket.write(`${JSON.stringify({ execute: name })}\n`);
  try {
    let answers = 0;
    for await (const line of createInterface({ input: socket })) {
      const reply = JSON.parse(line) as Reply;
      if (reply.error) throw new Error(`QEMU: ${execute}: ${reply.error.desc}`);
      if (reply.QMP !== undefined) send("qmp_capabilities");
      if (!("return" in reply)) continue;
      answers += 1;
      if (answers === 1) send(execute);
      else return reply.return;
    }
    throw new Error(`QEMU: ${execute}: the connection ended without an answer`);
  } finally {
    socket.destroy();
  }
}
