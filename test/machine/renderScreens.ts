/** Puts the screens of the last `npm run test:machine` into docs/mokmanager.md. */
import { writeScreens } from "./mokManagerDocument.ts";
import { recordedScreens } from "./screens.ts";

await writeScreens(await recordedScreens());
