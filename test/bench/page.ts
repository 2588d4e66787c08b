/** What `npm run bench` writes into docs/performance.md. */
import type { Machine, Results, Round, Series, Start, Turns, Verb } from "./results.ts";
import { missingIn } from "./missing.ts";
import { idealLeaving, idealRollOut, slope, spread, type Point } from "./statistics.ts";
import type { Usage } from "./usage.ts";

/** The measured part of the page, in Markdown. Nothing in it but what `results` hold. */
export function measuredPart({ machine, series, starts, turns }: Results): string {
  return [
    `### The machine\n\n${aboutMachine(machine)}`,
    part("Ours beside the bare program", series, ratioTable),
    part("One node more", series, slopeTable),
    part("In seconds and bytes", series, absoluteTable),
    part("The program's start", starts, startTable),
    part("Nodes out of service, against the ideal", turns, turnsTable),
    part("Not measured", missingIn({ series, starts, turns }), (reasons) =>
      reasons.map((why) => `- ${why}`).join("\n"),
    ),
  ]
    .flatMap((each) => each ?? [])
    .join("\n\n");
}

const part = <T>(title: string, rows: readonly T[], render: (rows: readonly T[]) => string | undefined) => {
  const text = rows.length === 0 ? undefined : render(rows);
  return text === undefined ? undefined : `### ${title}\n\n${text}`;
};

const aboutMachine = ({ cpu, cores, memory, node, pulumi, system }: Machine): string =>
  `${cpu}, ${cores} cores, ${(memory / gibi).toFixed(0)} GiB of memory, ${system}, Node ${node}, Pulumi ${pulumi}. ` +
  "Each row says when it was measured (UTC), and how busy the machine was before: its load average.";

/** What a person calls them. */
const titles: Readonly<Record<Verb, string>> = {
  preview: "`preview` of a first `up`",
  up: "first `up`",
  noop: "`up` with nothing to do",
  destroy: "`destroy`",
};

const measures = [
  { title: "time", of: ({ wall }: Usage) => wall, show: seconds },
  { title: "CPU", of: ({ cpu }: Usage) => cpu, show: seconds },
  { title: "the sandbox's CPU", of: ({ others }: Usage) => others, show: seconds },
  { title: "memory", of: ({ memory }: Usage) => memory, show: mebibytes },
] as const;

/** What others use isn't this program's own. */
const own = measures.filter(({ title }) => title !== "the sandbox's CPU");

function ratioTable(series: readonly Series[]): string {
  const head = ["", "nodes", "resources", "at", "load", "rounds", ...own.map(({ title }) => title)];
  const rows = series.map(({ verb, nodes, resources, at, load, rounds }) => [
    titles[verb],
    String(nodes),
    String(resources),
    at,
    load.toFixed(1),
    String(rounds.length),
    ...own.map(({ of }) => {
      const { least, median, most } = spread(rounds.map(({ ours, bare }) => of(ours) / of(bare)));
      return rounds.length === 1 ? `**${ratio(median)}**` : `**${ratio(median)}** (${ratio(least)} to ${ratio(most)})`;
    }),
  ]);
  return `${table(head, rows)}\n\nOurs divided by the bare program, round by round: the median, and the least to the most.`;
}

function slopeTable(series: readonly Series[]): string | undefined {
  const head = ["", "of", "from", "to", "ours", "bare", "ours ÷ bare", "as steep as before: ours", "bare"];
  const rows = [...new Set(series.map(({ verb }) => verb))].flatMap((verb) => {
    const sizes = series.filter((each) => each.verb === verb);
    return sizes
      .slice(1)
      .flatMap((large, at) => growing.map((measure) => slopeRow(measure, sizes, [sizes[at] ?? large, large])));
  });
  if (rows.length === 0) return undefined;
  return `${table(head, rows)}\n\nSeconds that one node more costs, by the medians. Where a size before allows it, the last two columns compare with the slope there: 1.0 × is linear.`;
}

/** What grows with the nodes. */
const growing = measures.filter(({ title }) => title === "time" || title === "CPU");

function slopeRow(
  { title, of }: (typeof measures)[number],
  sizes: readonly Series[],
  [small, large]: readonly [Series, Series],
): string[] {
  const at = (which: keyof Round, { nodes, rounds }: Series): Point => ({
    nodes,
    value: spread(rounds.map((round) => of(round[which]))).median,
  });
  const steepness = (which: keyof Round, [from, to]: readonly [Series, Series]) =>
    slope(at(which, from), at(which, to));
  const before = sizes[sizes.indexOf(small) - 1];
  const bend = (which: keyof Round) =>
    before === undefined ? "" : ratio(steepness(which, [small, large]) / steepness(which, [before, small]));
  const [ours, bare] = [steepness("ours", [small, large]), steepness("bare", [small, large])];
  return [
    titles[large.verb],
    title,
    String(small.nodes),
    String(large.nodes),
    `${ours.toFixed(3)} s`,
    `${bare.toFixed(3)} s`,
    `**${ratio(ours / bare)}**`,
    bend("ours"),
    bend("bare"),
  ];
}

function absoluteTable(series: readonly Series[]): string {
  const head = ["", "nodes", "", ...measures.map(({ title }) => title)];
  const rows = series.flatMap(({ verb, nodes, rounds }) =>
    (["ours", "bare"] as const).map((which) => [
      titles[verb],
      String(nodes),
      which,
      ...measures.map(({ of, show }) =>
        shown(
          rounds.map((round) => of(round[which])),
          show,
        ),
      ),
    ]),
  );
  return `${table(head, rows)}\n\nThe least, the median and the most; one number where there was one round.`;
}

function startTable(starts: readonly Start[]): string {
  const rows = starts.map(({ what, rounds }) => [
    what,
    String(rounds.length),
    ...own.map(({ of, show }) => shown(rounds.map(of), show)),
  ]);
  return table(["", "rounds", ...own.map(({ title }) => title)], rows);
}

function turnsTable(turns: readonly Turns[]): string {
  const rows = turns.map(({ what, nodes, width, one, all }) => {
    const ideal = (what === "leaving" ? idealLeaving : idealRollOut)(nodes, width, one);
    return [
      what,
      String(nodes),
      String(width),
      seconds(one),
      seconds(ideal),
      seconds(all),
      `**${ratio(all / ideal)}**`,
    ];
  });
  return (
    `${table(["", "N", "k", "R", "ideal", "measured", "÷ ideal"], rows)}\n\n` +
    "R is the mean time of one node out of service, by the API server's audit log; the ideal of a roll-out is " +
    "(1 + ⌈(N−1)/k⌉)·R, of a leaving ⌈N/k⌉·R."
  );
}

function shown(values: readonly number[], show: (value: number) => string): string {
  const { least, median, most } = spread(values);
  return values.length === 1 ? show(median) : `${show(least)} / ${show(median)} / ${show(most)}`;
}

const mebi = 1024 * 1024;
const gibi = 1024 * mebi;

function seconds(value: number): string {
  return `${value.toFixed(1)} s`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / mebi).toFixed(0)} MiB`;
}

const ratio = (value: number): string => `${value.toFixed(2)} ×`;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
