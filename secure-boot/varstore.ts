/**
 * Writes a certificate into the signature database (`db`) of a variable store of OVMF's, as a BMC does for a machine that
 * is off. Layout: UEFI Platform Initialization specification, volume 3, and EDK II's VariableFormat.h (authenticated
 * variables); signature lists: UEFI specification, "Signature Database".
 */
import { readFile, writeFile } from "node:fs/promises";

/** Sizes and offsets in bytes. */
const firmwareVolumeHeader = 0x48;
const storeHeader = 28;
const variableHeader = { size: 60, state: 2, nameSize: 36, dataSize: 40, vendor: 44 };
const startOfVariable = 0x55aa;
/** States of a variable: bits are cleared one after the other, since flash can't set them again. */
const state = { added: 0x3f, deletedMask: 0xfd };

const guid = (text: string): Buffer => {
  const [a = "", b = "", c = "", d = "", e = ""] = text.split("-");
  const little = (hex: string): Buffer => Buffer.from(hex, "hex").reverse();
  return Buffer.concat([little(a), little(b), little(c), Buffer.from(d + e, "hex")]);
};
/** EFI_IMAGE_SECURITY_DATABASE_GUID, EFI_CERT_X509_GUID, and an owner of our own. */
const imageSecurityDatabase = guid("d719b2cb-3d3a-4596-a3bc-dad00e67656f");
const x509 = guid("a5c059a1-94e4-4aa7-87b5-ab155c2bf072");
const owner = guid("5a4d4b0c-0000-4000-8000-000000000001");

interface Variable {
  offset: number;
  end: number;
  name: string;
  vendor: Buffer;
  data: Buffer;
  live: boolean;
}

const align = (offset: number): number => (offset + 3) & ~3;

function variablesOf(store: Buffer): { variables: Variable[]; free: number; end: number } {
  const end = firmwareVolumeHeader + store.readUInt32LE(firmwareVolumeHeader + 16);
  const variables: Variable[] = [];
  let offset = firmwareVolumeHeader + storeHeader;
  while (offset < end && store.readUInt16LE(offset) === startOfVariable) {
    const nameSize = store.readUInt32LE(offset + variableHeader.nameSize);
    const dataSize = store.readUInt32LE(offset + variableHeader.dataSize);
    const name = offset + variableHeader.size;
    variables.push({
      offset,
      end: name + nameSize + dataSize,
      name: store.toString("utf16le", name, name + nameSize - 2),
      vendor: store.subarray(offset + variableHeader.vendor, offset + variableHeader.vendor + 16),
      data: store.subarray(name + nameSize, name + nameSize + dataSize),
      live: store[offset + variableHeader.state] === state.added,
    });
    offset = align(name + nameSize + dataSize);
  }
  return { variables, free: offset, end };
}

/** One EFI_SIGNATURE_LIST that holds one certificate. */
function signatureList(certificate: Buffer): Buffer {
  const signature = Buffer.concat([owner, certificate]);
  const sizes = Buffer.alloc(12);
  sizes.writeUInt32LE(28 + signature.length, 0);
  sizes.writeUInt32LE(0, 4);
  sizes.writeUInt32LE(signature.length, 8);
  return Buffer.concat([x509, sizes, signature]);
}

/** The certificates (DER) in `db`, list after list; signatures of other kinds, hashes for example, are passed by. */
function certificatesIn(db: Buffer): Buffer[] {
  const certificates: Buffer[] = [];
  for (let offset = 0; offset < db.length;) {
    const [listSize, headerSize, size] = [16, 20, 24].map((at) => db.readUInt32LE(offset + at)) as [
      number,
      number,
      number,
    ];
    const end = offset + listSize;
    const isX509 = db.subarray(offset, offset + 16).equals(x509);
    // Each signature begins with its owner.
    for (let at = offset + 28 + headerSize; isX509 && at + size <= end; at += size) {
      certificates.push(db.subarray(at + owner.length, at + size));
    }
    offset = end;
  }
  return certificates;
}

function dbOf(file: string, variables: Variable[]): Variable {
  const db = variables.find((v) => v.live && v.name === "db" && v.vendor.equals(imageSecurityDatabase));
  if (!db) throw new Error(`${file}: there is no variable db; is this a store with Microsoft's keys?`);
  return db;
}

/** The certificates (DER) that `db` holds in the variable store `file`. */
export async function readDb(file: string): Promise<Buffer[]> {
  const { variables } = variablesOf(await readFile(file));
  return certificatesIn(dbOf(file, variables).data);
}

/**
 * Adds `certificate` (DER) to what `db` holds in the variable store `file`. The machine must be off.
 *
 * @throws an Error if the file has no `db` or no room left.
 */
export async function addToDb(file: string, certificate: Buffer): Promise<void> {
  const store = await readFile(file);
  const { variables, free, end } = variablesOf(store);
  const db = dbOf(file, variables);
  const header = Buffer.from(store.subarray(db.offset, db.end - db.data.length));
  const data = Buffer.concat([db.data, signatureList(certificate)]);
  header.writeUInt32LE(data.length, variableHeader.dataSize);
  if (free + header.length + data.length > end) throw new Error(`${file}: the variable store is full`);
  header.copy(store, free);
  data.copy(store, free + header.length);
  store[db.offset + variableHeader.state] = state.added & state.deletedMask;
  await writeFile(file, store);
}
