import type { ModuleContainer, SignSpec } from "../resources.ts";

/** What is wrong with the files to sign: at least one, and each below `modprobe.dirName`, literally. */
export function filesToSignFault(container: ModuleContainer): string | undefined {
  const { dirName = "/opt" } = container.modprobe;
  const parts: [string, SignSpec | undefined][] = [
    ["global Sign", container.sign],
    ...container.kernelMappings.map(({ sign }, at): [string, SignSpec | undefined] => [
      `kernelMappings[${at}].Sign`,
      sign,
    ]),
  ];
  for (const [part, sign] of parts) {
    const fault = sign === undefined ? undefined : signFault(sign, dirName);
    if (fault !== undefined) return `${part}: ${fault}`;
  }
  return undefined;
}

function signFault({ filesToSign = [] }: SignSpec, dirName: string): string | undefined {
  if (filesToSign.length === 0) return "filesToSign is required when Sign is set";
  const outside = filesToSign.find((file) => !file.startsWith(`${dirName}/`));
  if (outside === undefined) return undefined;
  return `filesToSign[${JSON.stringify(outside)}] must be under dirName ${JSON.stringify(dirName)}`;
}
