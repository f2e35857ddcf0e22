// The assists: tools of the shape that tools.js tells, which ask the server for areas (POST assist).
import { createGate } from "./assists/gate.js";
import { createGrab } from "./assists/grab.js";
import { createPropose } from "./assists/propose.js";
import { createThreshold } from "./assists/threshold.js";
import { createTrace } from "./assists/trace.js";

/** {trace, gate, grab, propose, threshold}. */
export function createAssists(surface) {
  const tools = [createTrace, createGate, createGrab, createPropose, createThreshold].map((create) => create(surface));
  return Object.fromEntries(tools.map((tool) => [tool.name, tool]));
}
