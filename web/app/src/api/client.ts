// One door to the server: same origin, CSRF header on every change, problems as typed errors.
import type { FittedHeadWhole, Improvement } from "./improvement";
import type { CaseList, NewCase, PlacedSlide, Unattached } from "./register";
import type { ConsentLine, ConsentPurpose, ReleasedLine, SignedReport } from "./released";
import type * as wire from "./types";

/** The server's answer when it refuses. `status` 0 means that it could not be reached. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly title: string,
    readonly detail: string,
  ) {
    super(detail || title);
  }

  /** Whether the same request may succeed later, unchanged. */
  get passing(): boolean {
    return this.status === 0 || this.status === 408 || this.status === 429 || this.status >= 500;
  }
}

let csrf = "";
let onLoggedOut: () => void = () => {};

export function setCsrf(token: string): void {
  csrf = token;
}

/** Called when the server says that the session is over. */
export function whenLoggedOut(act: () => void): void {
  onLoggedOut = act;
}

/** A page left open over a new login holds the old token; the new one is asked for once. */
async function renewed(): Promise<boolean> {
  const before = csrf;
  const answer = await fetch("/api/v1/session", { credentials: "same-origin" }).catch(() => null);
  if (!answer?.ok) return false;
  csrf = ((await answer.json()) as { csrf: string }).csrf;
  return csrf !== before;
}

export async function send(method: string, path: string, body?: unknown, again = true): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json" };
  if (method !== "GET") headers["x-csrf-token"] = csrf;
  if (body !== undefined) headers["content-type"] = "application/json";
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: "same-origin",
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Problem(0, "unreachable", "");
  }
  if (response.ok) return response;
  if (response.status === 403 && method !== "GET" && again && (await renewed()))
    return send(method, path, body, false);
  const said = (await response.json().catch(() => ({}))) as { title?: unknown; detail?: unknown };
  if (response.status === 401 && path !== "/api/v1/session") onLoggedOut();
  throw new Problem(response.status, String(said.title ?? response.status), String(said.detail ?? ""));
}

async function json<T>(method: string, path: string, body?: unknown): Promise<T> {
  const response = await send(method, path, body);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

const get = <T>(path: string) => json<T>("GET", path);
const part = encodeURIComponent;
const root = "/api/v1";

export const paths = {
  newFinding: (id: string) => `${root}/cases/${part(id)}/findings`,
  decide: (id: string) => `${root}/findings/${part(id)}/decision`,
  adjudicate: (id: string) => `${root}/findings/${part(id)}/adjudication`,
  amend: (id: string) => `${root}/decisions/${part(id)}/amendment`,
  releasedExport: (id: string, format: string, purpose: string, slide?: string) =>
    `${root}/cases/${part(id)}/exports/${format}?status=released&purpose=${purpose}${slide ? `&slide=${part(slide)}` : ""}`,
  export: (id: string, format: string, status: string, slide?: string) =>
    `${root}/cases/${part(id)}/exports/${format}?status=${status}${slide ? `&slide=${part(slide)}` : ""}`,
};

export interface WorklistAsk {
  status?: "open" | "amending" | "signed";
  urgency?: string;
  mine?: boolean;
  bad?: boolean;
  /** A part of a case's number or of a patient's pseudonym. */
  named?: string;
  after?: string;
}

export interface AuditAsk {
  before?: number;
  actor?: string;
  event?: string;
  /** An id or its end, a case's number, a login. */
  about?: string;
  /** Seconds since 1970. */
  since?: number;
  until?: number;
}

export const api = {
  session: () => get<wire.Session>(`${root}/session`),
  login: (login: string, password: string, role?: string) =>
    json<wire.Session>("POST", `${root}/session`, { login, password, ...(role ? { role } : {}) }),
  changeRole: (role: wire.Role) => json<wire.Session>("PUT", `${root}/session/role`, { role }),
  logout: () => json<void>("DELETE", `${root}/session`),
  firstAdministrator: (token: string, login: string, password: string) =>
    json<void>("POST", `${root}/first-administrator`, { token, login, password }),
  setPassword: (token: string, password: string) =>
    json<void>("POST", `${root}/password`, { token, password }),

  settings: () => get<wire.Settings>(`${root}/settings`),
  putSettings: (settings: wire.Settings) => json<void>("PUT", `${root}/settings`, settings),
  labels: () => get<wire.Label[]>(`${root}/labels`),
  readers: () => get<wire.Reader[]>(`${root}/readers`),

  worklist: (ask: WorklistAsk) => {
    const query = new URLSearchParams({ limit: "50" });
    for (const [name, value] of Object.entries(ask)) if (value) query.set(name, String(value));
    return get<{ items: wire.CaseLine[]; next: string | null }>(`${root}/worklist?${query}`);
  },
  unattached: (after?: string) =>
    get<Unattached>(`${root}/unattached?limit=100${after ? `&after=${part(after)}` : ""}`),
  caseList: () => get<CaseList>(`${root}/case-list`),
  putTogether: (made: NewCase) => json<{ id: string }>("POST", `${root}/cases`, made),
  putIn: (id: string, slides: PlacedSlide[]) =>
    json<void>("POST", `${root}/cases/${part(id)}/slides`, { slides }),
  takeOut: (id: string, slide: string) =>
    json<{ id: string }>("DELETE", `${root}/cases/${part(id)}/slides/${part(slide)}`),
  case: (id: string) => get<wire.Case>(`${root}/cases/${part(id)}`),
  assign: (id: string, urgency: wire.Urgency, reader: string | null) =>
    json<void>("POST", `${root}/cases/${part(id)}/assignment`, { urgency, reader }),
  secondReading: (id: string) => json<void>("POST", `${root}/cases/${part(id)}/second-reading`),
  findings: (id: string) =>
    get<{ hidden: boolean; findings: wire.Finding[] }>(`${root}/cases/${part(id)}/findings`),
  reveal: (id: string) => json<{ revealed: boolean }>("POST", `${root}/cases/${part(id)}/reveal`),
  commitReading: (id: string, conclusion: string, milliseconds: number) =>
    json<void>("POST", `${root}/cases/${part(id)}/reading`, { conclusion, milliseconds }),
  decisions: (finding: string) => get<wire.Decision[]>(`${root}/findings/${part(finding)}/decisions`),
  postViews: (id: string, slide: string, views: wire.SeenView[]) =>
    json<void>("POST", `${root}/cases/${part(id)}/slides/${part(slide)}/views`, { views }),
  views: (id: string, slide: string) =>
    get<{ views: wire.SeenView[] }>(`${root}/cases/${part(id)}/slides/${part(slide)}/views`),

  released: (after?: string) =>
    get<{ items: ReleasedLine[]; next: string | null }>(
      `${root}/released?limit=50${after ? `&after=${part(after)}` : ""}`,
    ),
  releasedCase: (id: string) => get<SignedReport>(`${root}/released/${part(id)}`),
  setRequester: (id: string, clinician: string | null) =>
    json<void>("PUT", `${root}/cases/${part(id)}/requester`, { clinician }),
  consents: (id: string) => get<ConsentLine[]>(`${root}/cases/${part(id)}/consent`),
  recordConsent: (id: string, purpose: ConsentPurpose, granted: boolean, until: string | null) =>
    json<void>("POST", `${root}/cases/${part(id)}/consent`, { purpose, granted, until }),
  report: (id: string, version?: number) =>
    get<wire.Report>(`${root}/cases/${part(id)}/report${version ? `?version=${version}` : ""}`),
  signOut: (id: string, conclusion: string, leaveOut: boolean) =>
    json<{ version: number; digest: string }>("POST", `${root}/cases/${part(id)}/sign-out`, {
      conclusion,
      leave_out_undecided: leaveOut,
    }),
  reopen: (id: string, reason: string) => json<void>("POST", `${root}/cases/${part(id)}/reopen`, { reason }),
  comparison: (id: string) => get<wire.Comparison>(`${root}/cases/${part(id)}/comparison`),

  annotationSets: (id: string, slide: string) =>
    get<{ sets: wire.AnnotationSet[] }>(`${root}/cases/${part(id)}/slides/${part(slide)}/annotations`),
  annotationPoints: async (id: string, slide: string, set: string) =>
    (
      await send("GET", `${root}/cases/${part(id)}/slides/${part(slide)}/annotations/${part(set)}/points`)
    ).arrayBuffer(),

  improvement: () => get<Improvement>(`${root}/improvement`),
  fitHead: () => json<void>("POST", `${root}/improvement`),
  fittedHead: (id: string) => get<FittedHeadWhole>(`${root}/improvement/heads/${part(id)}`),
  /** Without a head the task's own again. */
  useHead: (head: string | null, reason: string) =>
    json<void>("PUT", `${root}/improvement/active`, { head, ...(reason ? { reason } : {}) }),

  readings: () => get<wire.Readings>(`${root}/cost/readings`),
  cost: () => get<wire.CostLine[]>(`${root}/cost`),
  audit: (ask: AuditAsk) => {
    const query = new URLSearchParams({ limit: "100" });
    for (const [name, value] of Object.entries(ask)) if (value) query.set(name, String(value));
    return get<{ entries: wire.AuditEntry[] }>(`${root}/audit?${query}`);
  },
  verifyAudit: (objects: boolean) => get<wire.AuditVerdict>(`${root}/audit/verify?objects=${objects}`),
  users: () => get<wire.User[]>(`${root}/users`),
  addUser: (login: string, roles: wire.Role[]) =>
    json<{ id: string; link: string }>("POST", `${root}/users`, { login, roles }),
  setRoles: (id: string, roles: wire.Role[]) =>
    json<void>("PUT", `${root}/users/${part(id)}/roles`, { roles }),
  setActive: (id: string, active: boolean) =>
    json<void>("PUT", `${root}/users/${part(id)}/active`, { active }),
  serviceTokens: () => get<wire.ServiceToken[]>(`${root}/service-tokens`),
  issueToken: (user: string, label: string, days: number | null) =>
    json<{ id: string; token: string }>("POST", `${root}/service-tokens`, {
      user,
      role: "program",
      label,
      ...(days ? { days } : {}),
    }),
  revokeToken: (id: string) => json<void>("DELETE", `${root}/service-tokens/${part(id)}`),
  discrepancies: () => get<wire.Discrepancy[]>(`${root}/discrepancies`),
  closeDiscrepancy: (id: string, reason: string) =>
    json<void>("POST", `${root}/discrepancies/${part(id)}/close`, { reason }),
  newLink: (id: string) => json<{ link: string }>("POST", `${root}/users/${part(id)}/link`),
};
