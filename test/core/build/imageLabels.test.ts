import assert from "node:assert/strict";
import { test } from "node:test";
import { withLabels } from "../../../core/build/imageLabels.ts";

const provenance = { srpmName: "onload-9.0.1-1.src.rpm", srpmSha256: "ab12", release: "9.0.1", program: "0.2.0" };

test("the labels are the last instruction, and the rest stays as it is", () => {
  assert.equal(
    withLabels("# a source image\nFROM scratch\nCOPY *.sh /onload/\n", provenance),
    "# a source image\nFROM scratch\nCOPY *.sh /onload/\n" +
      'LABEL org.opencontainers.image.title="onload-9.0.1-1.src.rpm" org.opencontainers.image.version="9.0.1" ' +
      'onload-kmm.io/srpm-sha256="ab12" onload-kmm.io/program-version="0.2.0"\n',
  );
});

test("no value ends its quotes, or is taken for a variable", () => {
  const text = withLabels("FROM scratch", { ...provenance, srpmName: 'a" RUN="$HOME\\' });
  assert.ok(text.includes('title="a\\" RUN=\\"\\$HOME\\\\" org.'), text);
});
