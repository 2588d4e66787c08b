/** Puts the screens of the last `npm run test:machine` into docs/mokmanager.md. */
import { writeScreens } from "./mokManagerDocument.ts";
import { recordedScreens } from "@onload-kmm/secure-boot/screens";

await writeScreens(await recordedScreens());
