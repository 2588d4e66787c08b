import { z } from "zod";
import { kernelProblem } from "../build/kernelRelease.ts";
import { strategies } from "./choices.ts";
import { isPlain, isRe2, matching, minutes, text } from "./values.ts";

/* The keys of the configuration that say what is built, from which release: see settings.ts. */

export const release = z
  .strictObject({
    package: matching(
      /\.(zip|src\.rpm)$/,
      "the path of AMD's release package (SF-122450-LS, a .zip) or of the .src.rpm in it",
    ).meta({
      description: "Path of AMD's release package (zip), or of the `.src.rpm` in it; you must accept its licence first",
      examples: ["releases/SF-122450-LS-openonload-srpm-release-package.zip"],
    }),
    sha256: matching(
      /^[0-9a-f]{64}$/,
      "64 hexadecimal digits, lower case, as `sha256sum` of the package prints them",
    ).meta({ description: "SHA-256 of that file" }),
    version: matching(/^\d+(\.\d+)+$/, "the version in the .src.rpm's name, for example 9.0.2.140").meta({
      description: "Version in the `.src.rpm`'s name; the download folder's differs",
      examples: ["9.0.2.140"],
    }),
  })
  .meta({ description: "OpenOnload's source release" });

const anImage = "an image with a tag other than latest, or a digest";

const nextKernel = z.strictObject({
  kernel: matching(
    /^\d+\.\d+\.\d+-[A-Za-z0-9._+-]+$/,
    "a kernel that an upgrade brings, as `uname -r` will print it, for example 5.14.0-570.62.1.el9_6.x86_64",
  ).meta({
    description: "Kernel that an upgrade brings, as `uname -r` will print it",
    examples: ["5.14.0-570.62.1.el9_6.x86_64"],
    see: "docs/upgrade.md",
  }),
  driverToolkit: text(
    "the Driver Toolkit's image of the release that brings it, as `oc adm release info RELEASE --image-for=driver-toolkit` prints it",
  )
    .meta({ description: "Driver Toolkit image of that release; `entitled-ubi` needs none" })
    .optional(),
});

export const build = z
  .strictObject({
    strategy: z
      .enum(strategies, { error: "driver-toolkit (no entitlement needed) or entitled-ubi" })
      .meta({
        description: "`driver-toolkit` (no entitlement needed), or `entitled-ubi` (copies `etc-pki-entitlement`)",
      })
      .default("driver-toolkit"),
    kernels: z
      .string({ error: "a regular expression (RE2) that the nodes' `uname -r` matches" })
      .refine(isPlain, { error: "a regular expression (RE2) on one line", abort: true })
      .refine(isRe2, {
        error: "a regular expression (RE2: no look-around, no back-references), for example ^5\\.14\\.",
      })
      .meta({
        description: "Kernels that nodes may run: a regular expression (RE2), matched against `uname -r`",
        examples: ["^5\\.14\\.0-.+\\.x86_64$"],
      })
      .default("^.+$"),
    baseImage: matching(/^(?!.*:latest$)\S*[:@][^\s/]+$/, anImage)
      .meta({ description: "Base of the image that carries the modules; mirror it for a disconnected cluster" })
      .default("registry.access.redhat.com/ubi9/ubi-minimal:9.6"),
    timeoutMinutes: minutes("the longest that a build may take")
      .meta({ description: "Longest time that a build may take, in minutes" })
      .default(60),
    nextKernels: z
      .array(nextKernel, {
        error: "a list of kernels to build for before a node boots them: [{kernel, driverToolkit}, …]",
      })
      .meta({ description: "Kernels to build for before a node boots them" })
      .default([]),
  })
  .refine(
    (value) =>
      value.strategy !== "driver-toolkit" || value.nextKernels.every((next) => next.driverToolkit !== undefined),
    {
      path: ["nextKernels"],
      error:
        "driverToolkit for each kernel: KMM finds a Driver Toolkit by the nodes that run the kernel, and none does yet",
    },
  )
  .superRefine(({ strategy, nextKernels }, context) => {
    nextKernels.forEach(({ kernel }, index) => {
      const problem = kernelProblem(kernel, strategy);
      if (problem === undefined) return;
      const message = `a kernel that modules can be built for: ${problem}`;
      context.addIssue({ code: "custom", path: ["nextKernels", index, "kernel"], message });
    });
  })
  .meta({ description: "How the modules are built" });
