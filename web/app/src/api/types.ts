// What the server says on the wire. Geometry is in level-0 pixels, times are RFC 3339.

export type Role =
  | "pathologist"
  | "second-reader"
  | "technician"
  | "clinician"
  | "researcher"
  | "administrator"
  | "program";

export interface Me {
  id: string;
  login: string;
  role: Role;
  roles: Role[];
  may: string[];
  expires: string;
}

export interface Session {
  demo: boolean;
  notice: string;
  csrf: string;
  /** What the site's identity provider is called, if people log in by it. */
  provider: string | null;
  me: Me | null;
}

export interface ServiceToken {
  id: string;
  user: string;
  role: Role;
  label: string;
  expires: string | null;
  revoked: string | null;
}

/** A question that a late proposal raised on a signed case. */
export interface Discrepancy {
  id: string;
  case: string;
  number: string;
  version: number;
  finding: string;
  opened: string;
  closed: string | null;
}

export interface Settings {
  read_first: boolean;
  look_magnification: number;
  unaided_share: number;
  /** Whether decisions on all patients may improve the model, not only on those who agreed to it. */
  learn_from_all: boolean;
}

export interface Label {
  name: string;
  en: string;
  zh: string;
  color: string;
  lesion: boolean;
}

export interface Reader {
  id: string;
  login: string;
  roles: Role[];
}

export type Urgency = "emergency" | "urgent" | "routine" | "low";
export type CaseStatus = "open" | "signed" | "amending";
export type ExaminationState = "waiting" | "running" | "done" | "failed";

export interface CaseLine {
  id: string;
  number: string;
  patient: string;
  status: CaseStatus;
  reading: "single" | "double";
  urgency: Urgency;
  has_bad_slide: boolean;
  assigned: string | null;
  requested_by: string | null;
  created: string;
  /** As far as this reader may know: null where two read. */
  undecided: number | null;
  slides: { id: string; key: string; thumbnail: string | null; examination: ExaminationState }[];
  bad_slide: null | { slide: string; headline: string; crop: string | null };
}

export interface SlideImage {
  width: number;
  height: number;
  tile_edge: number;
  levels: { width: number; height: number; downsample: number }[];
  mpp: { x: number; y: number } | null;
  magnification: number | null;
  dzi: string;
  tiles: string;
  dzi_levels: number;
  iiif: string;
}

export interface Heatmap {
  url: string;
  width: number;
  height: number;
  downsample: number;
  label: string;
}

export interface Slide {
  id: string;
  key: string;
  block: string;
  label: string;
  stain: string;
  thumbnail: string | null;
  image: SlideImage | null;
  why: string | null;
  examination: { state: ExaminationState; error: string | null };
  heatmap: Heatmap | null;
  crop: string | null;
}

export interface Case extends Omit<CaseLine, "slides"> {
  specimens: { id: string; label: string; organ: string | null }[];
  blocks: { id: string; specimen: string; label: string }[];
  slides: Slide[];
  read_first: boolean;
  revealed: boolean;
  /** Whether chance has drawn this reading to be compared: it is fixed before AI is shown. */
  drawn_unaided: boolean;
  committed: boolean;
}

/** Readings of one sort, with or without AI. */
export interface Arm {
  readings: number;
  readers: number;
  median_milliseconds: number | null;
  lower_quartile_milliseconds: number | null;
  upper_quartile_milliseconds: number | null;
  regions: number;
  taken_over: number;
  changed: number;
}

export interface Readings {
  aided: Arm;
  unaided: Arm;
  enough: boolean;
  needed: number;
}

export type Ring = [number, number][];
export type Part = Ring[];
export type Outline = Part[];
export type Position = [number, number];
/** Where a lesion is: around it, or by a mark in it that says nothing of its extent. */
export type Shape = { outline: Outline; point?: undefined } | { outline?: undefined; point: Position };

export interface Region {
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Verdict = "accept" | "correct" | "refuse" | "defer";
export type SlideVerdict = "pass" | "pass-marked" | "rescan" | "restain" | "recut" | "unreadable";
export type FindingState =
  | "proposed"
  | "deferred"
  | "read-once"
  | "disputed"
  | "accepted"
  | "corrected"
  | "refused"
  | "released";

export interface Quality {
  verdict: SlideVerdict;
  reasons: { fault: string; region: Region | null }[];
}

/** What produced something: a model names its weights and its licence. */
export interface Producer {
  name: string;
  version: string;
  digest: string | null;
  licence: string | null;
}

export interface Finding {
  id: string;
  kind: string;
  field: "diagnosis" | "quality" | "advice";
  slide: string | null;
  headline: string;
  label: string | null;
  outline: Outline | null;
  point: Position | null;
  proposed: { label: string | null; outline: Outline | null; point: Position | null } | null;
  quality: Quality | null;
  score: number | null;
  state: FindingState;
  standing: string | null;
  producer: Producer;
  encoder: Producer | null;
  by_person: boolean;
  proposed_by: string;
  late: boolean;
  at: string;
  evidence: { kind: string; slide?: string; region?: Region }[];
  area_mm2: number | null;
  mine: null | { decision: string; verdict: Verdict };
}

export interface View extends Region {
  slide: string;
  magnification: number;
}

export interface SeenView extends Region {
  magnification: number;
  milliseconds: number;
}

export interface Decide {
  key: string;
  verdict: Verdict;
  reason?: string;
  label?: string;
  outline?: Outline;
  point?: Position;
  quality?: Quality;
  viewed: View[];
  milliseconds: number;
}

export type NewFinding = {
  key: string;
  slide: string;
  label: string;
  milliseconds: number;
  viewed: View[];
} & Shape;

export interface Decision {
  id: string;
  manner: "reading" | "adjudication" | "amendment";
  verdict: Verdict;
  reader: string;
  role: Role;
  reason: string | null;
  label: string | null;
  outline: Outline | null;
  point: Position | null;
  amends: string | null;
  milliseconds: number;
  aided: boolean;
  at: string;
}

/** A confirmed finding as a report states it. */
export interface ReportFinding {
  finding: string;
  kind: string;
  slide: string | null;
  slide_label: string | null;
  label: string | null;
  headline: string;
  area_mm2: number | null;
  point: Position | null;
  score: number | null;
  corrected: boolean;
  producer: Producer;
  encoder: Producer | null;
  by_person: boolean;
  confirmed_by: string;
  confirmed_role: Role;
  confirmed_at: string;
  outline?: Outline | null;
}

export interface Report {
  number: string | null;
  patient: string;
  status: CaseStatus;
  version: number | null;
  signed: null | {
    version: number;
    digest: string;
    signed_by: string;
    role: Role;
    signed_at: string;
    conclusion: string;
  };
  blocking: { finding: string; headline: string; state: FindingState }[];
  undecided: { finding: string; headline: string; state: FindingState }[];
  findings: ReportFinding[];
  refused: number;
  /** Whether what machines say is left out until the reader asks. */
  hidden: boolean;
  notice: string;
}

export interface Comparison {
  pairs: {
    readers: [string, string];
    kappa: { pairs: number; observed: number; expected: number; kappa: number | null } | null;
    readings: {
      finding: string;
      first: Verdict;
      second: Verdict;
      /** What it is to the first: the label after any correction, or "refused". */
      first_label: string;
      second_label: string;
      agree: boolean;
      overlap: { iou: number; dice: number } | null;
      /** Between two points, which do not overlap. */
      distance_um: number | null;
    }[];
  }[];
  disputed: (Finding & { decisions: Decision[] })[];
  /** What a third settled, and what was amended later, the oldest first. */
  settled: { finding: string; headline: string; state: FindingState; decisions: Decision[] }[];
}

export interface CostLine {
  reader: string;
  kind: string;
  manner: string;
  verdict: Verdict;
  decisions: number;
  milliseconds: number;
  aided: boolean;
}

export interface AuditEntry {
  sequence: number;
  at: string;
  actor: string | null;
  role: string | null;
  event: string;
  outcome: string;
  object_kind: string | null;
  object: string | null;
  /** A case's number, for a proposal or a slide too, or an account's login. */
  object_name: string | null;
  /** JSON, as text. */
  detail: string;
  hash: string;
}

export interface AuditVerdict {
  whole: boolean;
  entries: number;
  head: { sequence: number; hash: string } | null;
  fault: string | null;
}

export interface User {
  id: string;
  login: string;
  active: boolean;
  roles: Role[];
  locked_until: string | null;
}

export interface AnnotationSet {
  id: string;
  label: string;
  count: number;
  kind: "points" | "polygons";
  /** Names of the classes; an object names its own by place in this list. */
  classes: string[];
  bounds: Region | null;
  state: FindingState;
}
