/** Between `google.protobuf.Struct` and plain values. */
import structs from "google-protobuf/google/protobuf/struct_pb.js";
import type { Struct } from "google-protobuf/google/protobuf/struct_pb.js";
import type { PropertyMap } from "./values.ts";

/** A message's Struct as a property map; an absent one is empty. */
export function fromStruct(struct: Struct | undefined): PropertyMap {
  return struct?.toJavaScript() ?? {};
}

/** A property map as a Struct. */
export function toStruct(properties: PropertyMap): Struct {
  return structs.Struct.fromJavaScript(properties);
}
