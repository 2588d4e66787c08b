import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Lab } from "./lab.ts";

const REFUSED = 'admission webhook "vmodule.kb.io" denied the request: ';

/** What the API server says with KMM's schema and webhooks in place. */
export function admission(lab: () => Lab): void {
  /** kubectl's words against a Module with this container. */
  const refusal = async (container: string, spec = ""): Promise<string> => {
    const module = `
apiVersion: kmm.sigs.x-k8s.io/v1beta1
kind: Module
metadata: { name: x, namespace: default }
spec:
  selector: {}
  ${spec}
  moduleLoader:
    container: ${container}
`;
    const answer = lab().sandbox.kubectl(["create", "--dry-run=server", "-f", "-"], module);
    return answer.then(
      () => "accepted",
      (error: unknown) => String((error as { stderr?: string }).stderr ?? error),
    );
  };
  const mappings = "kernelMappings: [{ regexp: '^.+$', containerImage: 'a:b' }]";

  describe("admission", () => {
    test("accepts a good Module", async () => {
      assert.equal(await refusal(`{ modprobe: { moduleName: a }, ${mappings} }`), "accepted");
    });

    test("the webhook's refusal arrives word for word", async () => {
      const part = lab().line.checksFilesToSign ? "failed to validate modprobe: " : "";
      assert.match(
        await refusal(`{ modprobe: { moduleName: a, modulesLoadingOrder: [] }, ${mappings} }`),
        new RegExp(`Forbidden.*${REFUSED}${part}if a loading order is defined, at least two values must be defined`),
      );
    });

    test("the schema refuses what is missing or of the wrong type", async () => {
      assert.match(
        await refusal(`{ ${mappings} }`),
        // A list from 2.7 on, whose schema has a rule that then isn't checked.
        /The Module "x" is invalid: (\n\* )?spec\.moduleLoader\.container\.modprobe: Required value/,
      );
      assert.match(
        await refusal("{ modprobe: { moduleName: a }, kernelMappings: [] }"),
        /kernelMappings: Invalid value: 0: spec\.moduleLoader\.container\.kernelMappings in body should have at least 1 items/,
      );
      assert.match(
        await refusal(`{ version: 9.0, modprobe: { moduleName: a }, ${mappings} }`),
        /must be of type string/,
      );
    });

    test("strict decoding refuses an unknown field", async () => {
      assert.match(
        await refusal(`{ modprobe: { moduleName: a }, ${mappings} }`, "lifecycle: {}"),
        /strict decoding error: unknown field "spec\.lifecycle"/,
      );
    });
  });
}
