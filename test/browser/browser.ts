/** A page in a real browser, headless Chromium, as somebody would open it from a folder: what shows, and what goes wrong. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer, { type Browser as Chromium, type Page } from "puppeteer-core";
import { ensurePrograms } from "../assets/debian.ts";

/** What a page is looked at on. CSS pixels. */
export const screens = {
  desktop: { width: 1280, height: 900, deviceScaleFactor: 1 },
  phone: { width: 390, height: 844, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
} as const;

export type Screen = keyof typeof screens;

/** What was found of one page. */
export interface Seen {
  /** What the browser complained of: errors, refused requests, warnings. */
  readonly complaints: readonly string[];
  /** What was asked for beyond the page itself. */
  readonly requests: readonly string[];
  /** Width of all that is drawn, and of the window. CSS pixels. */
  readonly width: { readonly drawn: number; readonly window: number };
  /** The text that a person sees. */
  readonly text: string;
  /** Of any text on its ground, the least contrast (WCAG 2.2, "contrast ratio"): 1 is none, 21 black on white. */
  readonly leastContrast: number;
  /** Luminance of the page's ground, from 0 (black) to 1. */
  readonly ground: number;
  /** Smallest font of any text, in CSS pixels. */
  readonly smallestFont: number;
  /** Elements that hold text and aren't inside of the window's width, or have no size. */
  readonly hidden: readonly string[];
}

export interface Colours {
  readonly number: number;
  readonly commonest: number;
}

/** Chromium from PATH; on Debian as root it is installed first. */
export class Browser {
  readonly #chromium: Chromium;

  private constructor(chromium: Chromium) {
    this.#chromium = chromium;
  }

  static async start(): Promise<Browser> {
    const executablePath = await findChromium();
    // As root there is no sandbox of Chromium's own; the pages are this project's.
    const args = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    return new Browser(await puppeteer.launch({ executablePath, args, headless: true, pipe: true }));
  }

  end(): Promise<void> {
    return this.#chromium.close();
  }

  /** @param scheme which of its two palettes the page is shown in */
  look(file: string, screen: Screen, scheme: "light" | "dark" = "light"): Promise<Seen> {
    return this.#open(file, screen, async (page, told) => {
      await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
      return { ...told, ...(await page.evaluate(measure)) };
    });
  }

  /** A picture of the page, as PNG: all of it, or its first so many CSS pixels. */
  picture(file: string, screen: Screen, height?: number): Promise<Buffer> {
    const { width } = screens[screen];
    const part = height === undefined ? { fullPage: true } : { clip: { x: 0, y: 0, width, height } };
    return this.#open(file, screen, async (page) => Buffer.from(await page.screenshot(part)));
  }

  /** How many colours a picture has, and which share of it the commonest covers: of a blank one, all. */
  async colours(picture: Buffer): Promise<Colours> {
    const page = await this.#chromium.newPage();
    try {
      return await page.evaluate(count, `data:image/png;base64,${picture.toString("base64")}`);
    } finally {
      await page.close();
    }
  }

  /** The page as it is printed, on A4. */
  print(file: string): Promise<Buffer> {
    return this.#open(file, "desktop", async (page) => Buffer.from(await page.pdf({ format: "A4" })));
  }

  async #open<T>(file: string, screen: Screen, look: (page: Page, told: Told) => Promise<T>): Promise<T> {
    const page = await this.#chromium.newPage();
    const url = pathToFileURL(file).href;
    const told: Told = { complaints: [], requests: [] };
    page.on("console", (message) => told.complaints.push(message.text()));
    page.on("pageerror", (error) => told.complaints.push(String(error)));
    page.on("request", (request) => {
      if (request.url() !== url) told.requests.push(request.url());
    });
    try {
      await page.setViewport(screens[screen]);
      await page.goto(url);
      return await look(page, told);
    } finally {
      await page.close();
    }
  }
}

interface Told {
  readonly complaints: string[];
  readonly requests: string[];
}

async function findChromium(): Promise<string> {
  const folders = [...(process.env["PATH"] ?? "").split(delimiter), "/usr/bin"];
  const find = () => folders.map((folder) => join(folder, "chromium")).find((path) => existsSync(path));
  const found = find();
  if (found !== undefined) return found;
  await ensurePrograms("chromium");
  return find() ?? "/usr/bin/chromium";
}

/** Runs in the page. */
function measure(): Omit<Seen, "complaints" | "requests"> {
  const { document } = globalThis as unknown as { document: PageDocument };
  const window = document.documentElement.clientWidth;
  const holders = [...document.body.querySelectorAll("*")].filter((element) =>
    [...element.childNodes].some(({ nodeType, textContent }) => nodeType === 3 && textContent.trim() !== ""),
  );
  const boxes = holders.map((element) => ({ element, box: element.getBoundingClientRect() }));
  const { getComputedStyle } = globalThis as unknown as { getComputedStyle: (element: PageElement) => PageStyle };
  const shown = boxes.filter(({ element }) => getComputedStyle(element).display !== "none");
  const luminance = (colour: string): number => {
    const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map((value) => {
      const part = Number(value) / 255;
      return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const groundOf = (element: PageElement | null): string => {
    if (element === null) return "rgb(255, 255, 255)";
    const colour = getComputedStyle(element).backgroundColor;
    return colour === "rgba(0, 0, 0, 0)" ? groundOf(element.parentElement) : colour;
  };
  const contrast = (element: PageElement): number => {
    const [one, other] = [luminance(getComputedStyle(element).color), luminance(groundOf(element))];
    return (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
  };
  return {
    leastContrast: Math.min(...shown.map(({ element }) => contrast(element))),
    ground: luminance(groundOf(document.body)),
    width: { drawn: document.documentElement.scrollWidth, window },
    text: document.body.innerText,
    smallestFont: Math.min(...shown.map(({ element }) => parseFloat(getComputedStyle(element).fontSize))),
    hidden: shown
      .filter(({ box }) => box.width === 0 || box.height === 0 || box.left < -1 || box.right > window + 1)
      .map(({ element }) => element.outerHTML.slice(0, 200)),
  };
}

/** Runs in a page of its own. */
async function count(picture: string): Promise<Colours> {
  const { Image, OffscreenCanvas } = globalThis as unknown as Drawing;
  const image = Object.assign(new Image(), { src: picture });
  await image.decode();
  const drawn = new OffscreenCanvas(image.width, image.height).getContext("2d");
  drawn.drawImage(image, 0, 0);
  const { data } = drawn.getImageData(0, 0, image.width, image.height);
  const pixels = new Map<number, number>();
  for (const pixel of new Uint32Array(data.buffer)) pixels.set(pixel, (pixels.get(pixel) ?? 0) + 1);
  return { number: pixels.size, commonest: Math.max(...pixels.values()) / (data.length / 4) };
}

/** As much of the browser's own types as {@link measure} and {@link count} use: the project's code is checked without a DOM. */
interface PageElement {
  readonly childNodes: Iterable<{ readonly nodeType: number; readonly textContent: string }>;
  readonly outerHTML: string;
  readonly parentElement: PageElement | null;
  readonly innerText: string;
  readonly clientWidth: number;
  readonly scrollWidth: number;
  querySelectorAll(selector: string): Iterable<PageElement>;
  getBoundingClientRect(): { left: number; right: number; width: number; height: number };
}

interface PageDocument {
  readonly body: PageElement;
  readonly documentElement: PageElement;
}

interface PageStyle {
  readonly display: string;
  readonly color: string;
  readonly backgroundColor: string;
  readonly fontSize: string;
}

interface PageImage {
  readonly width: number;
  readonly height: number;
  decode(): Promise<void>;
}

interface Drawing {
  readonly Image: new () => PageImage;
  readonly OffscreenCanvas: new (
    width: number,
    height: number,
  ) => {
    getContext(kind: "2d"): {
      drawImage(image: PageImage, x: number, y: number): void;
      getImageData(x: number, y: number, width: number, height: number): { data: Uint8ClampedArray<ArrayBuffer> };
    };
  };
}
