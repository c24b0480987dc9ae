// What is signed, for those who see nothing else; and what patients agree to.
import type { Report } from "./types";

export interface ReleasedLine {
  case: string;
  /** Absent for researchers: they are told the pseudonym alone. */
  number: string | null;
  patient: string;
  version: number;
  signed_at: string;
}

export interface SignedReport {
  report: Report;
  slides: { id: string; label: string }[];
}

export type ConsentPurpose = "research" | "training" | "exchange";

export interface ConsentLine {
  purpose: ConsentPurpose;
  granted: boolean;
  until: string | null;
  by: string;
  at: string;
}
