// Which slides make a case, as the server has it.
import type { CaseLine, ExaminationState, Urgency } from "./types";

export interface Unattached {
  items: {
    case: Omit<CaseLine, "slides" | "bad_slide">;
    slide: { id: string; key: string; thumbnail: string | null; examination: ExaminationState };
    label: string;
    stain: string;
  }[];
  next: string | null;
}

export interface PlacedSlide {
  slide: string;
  specimen: string;
  organ: string;
  block: string;
  label: string;
  stain: string;
}

export interface NewCase {
  number: string;
  patient: string;
  urgency: Urgency;
  reading: "single" | "double";
  requested_by: string | null;
  slides: PlacedSlide[];
}

export interface CaseList {
  present: boolean;
  cases: number;
  waiting: number;
  problems: { line: number; what: string }[];
}
