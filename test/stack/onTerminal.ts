/** A command on a terminal of a given size, and what a person in front of it would have seen. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import xterm from "@xterm/headless";

export interface Size {
  readonly columns: number;
  readonly rows: number;
}

export interface Seen {
  readonly exitCode: number;
  /** Each picture that stood on the screen, lines without trailing blanks and as if never wrapped, in order. */
  readonly frames: readonly string[];
  /** All lines at the end, those that have scrolled away first. */
  readonly transcript: string;
}

/** A picture counts when it has stood for so long: what is overwritten at once nobody reads. */
const readableMs = 250;

/**
 * Runs the command on a pseudo-terminal of util-linux's `script`, to its end.
 * @param frames where the pictures go as they come, for who looks on meanwhile
 */
export async function onTerminal(
  command: string,
  size: Size,
  env: NodeJS.ProcessEnv,
  frames: string[] = [],
): Promise<Seen> {
  const terminal = new xterm.Terminal({
    ...{ cols: size.columns, rows: size.rows, scrollback: 10_000 },
    ...{ logLevel: "off", allowProposedApi: true, convertEol: false },
  });
  const sized = `stty cols ${size.columns} rows ${size.rows}; ${command}`;
  const child = spawn("script", ["--quiet", "--flush", "--return", "--command", sized, "/dev/null"], {
    env: { ...env, SHELL: "/bin/sh", TERM: "xterm-256color" },
    stdio: ["pipe", "pipe", "inherit"],
  });
  child.stdout.on("data", (chunk: Buffer) => terminal.write(chunk));
  const watch = setInterval(() => {
    const now = linesOf(terminal, terminal.buffer.active.viewportY).join("\n");
    if (now !== frames.at(-1)) frames.push(now);
  }, readableMs);
  try {
    const [code] = (await once(child, "close")) as [number | null];
    await new Promise<void>((resolve) => terminal.write("", resolve));
    return { exitCode: code ?? 1, frames, transcript: linesOf(terminal, 0).join("\n") };
  } finally {
    clearInterval(watch);
    terminal.dispose();
  }
}

/** What the terminal has wrapped is one line again, so that it can be searched and masked. */
function linesOf(terminal: xterm.Terminal, from: number): string[] {
  const buffer = terminal.buffer.active;
  const lines: string[] = [];
  for (let y = from; y < buffer.length; y += 1) {
    const goesOn = buffer.getLine(y + 1)?.isWrapped === true;
    const text = buffer.getLine(y)?.translateToString(!goesOn) ?? "";
    if (y > from && buffer.getLine(y)?.isWrapped === true) lines.push((lines.pop() ?? "") + text);
    else lines.push(text);
  }
  while (lines.at(-1) === "") lines.pop();
  return lines;
}
