// What the server says of heads that were fitted again to decisions.
import type { Role } from "./types";

/** How a head agrees with the held-out decisions. */
export interface Agreement {
  agrees: number;
  of: number;
  /** The share it agrees with, averaged over the kinds of decisions. */
  balanced: number;
  log_loss: number;
}

export interface Measures {
  before: Agreement;
  after: Agreement;
  /** Held-out decisions that only the new head agrees with, and that only the other did. */
  mended: number;
  spoilt: number;
  /** A label that was confirmed, or `refused`. */
  kinds: { kind: string; learned: number; held_out: number }[];
  pull: number;
  learned_cases: number;
  held_out_cases: number;
  learned_tiles: number;
  left_out: { no_features: number; no_tile: number; unknown_label: number };
  slides: number;
  tiles: number;
  changed_tiles: number;
}

export interface FittedHead {
  id: string;
  weights: string;
  asked_by: string;
  role: Role;
  at: string;
  active: boolean;
  worse: boolean;
  learned: number;
  held_out: number;
  measured: Measures;
}

export interface FittedHeadWhole extends FittedHead {
  pulled_to: string;
  compared_with: string;
  learned_decisions: string[];
  held_out_decisions: string[];
}

export interface Activation {
  /** Absent for the task's own head. */
  head: string | null;
  reason: string | null;
  by: string;
  role: Role;
  at: string;
}

export interface Improvement {
  task: string | null;
  obstacle: string | null;
  running: boolean;
  failed: string | null;
  in_use: string | null;
  active: string | null;
  heads: FittedHead[];
  history: Activation[];
}
