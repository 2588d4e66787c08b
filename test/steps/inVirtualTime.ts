/** Loaded before a step that a test starts: see VirtualClock. */
import { liveBy } from "../../steps/lib/clock.ts";
import { VirtualClock } from "./virtualClock.ts";

liveBy(new VirtualClock());
