// The structured report: only what a person confirmed, who proposed it, who confirmed it; then signed.
import { useState } from "preact/hooks";
import { api, Problem, paths } from "../api/client";
import { useCell } from "../cell";
import { useWords } from "../offline/words";
import { ConfirmedFindings } from "../parts/confirmed";
import { Choose, Confirm } from "../parts/dialog";
import { problemText, useLoad, Waiting } from "../parts/load";
import { Material } from "../parts/material";
import { useQueue } from "../parts/saved";
import { unfitOf } from "../parts/unfit";
import { Shell } from "../shell";
import { labels, may, nameOf, queue, session } from "../state";
import { findingName, formatWord, moment, qualityWord, stateWord, useSay } from "../words";

const formats = ["geojson", "json", "sr.dcm", "annotations.dcm"] as const;

type Format = (typeof formats)[number];

/** What a signed case leaves as: DICOM speaks of one slide each. */
function leaving(slides: { id: string; label: string }[]): { format: Format; slide?: string; of: string }[] {
  return formats.flatMap((format) =>
    format.endsWith("dcm")
      ? slides.map(({ id, label }) => ({ format, slide: id, of: slides.length > 1 ? ` ${label}` : "" }))
      : [{ format, of: "" }],
  );
}

export function ReportPage({ id }: { id: string }) {
  const say = useSay();
  useCell(labels);
  const loaded = useLoad(async () => {
    // What waits in this browser belongs into the report: it goes first.
    await queue.flush();
    return api.report(id);
  }, [id]);
  const theCase = useLoad(() => api.case(id), [id]);
  const [conclusion, setConclusion] = useWords(`${id} conclusion`);
  const [leaveOut, setLeaveOut] = useState(false);
  const [ask, setAsk] = useState<"sign" | "reopen" | null>(null);
  const [fault, setFault] = useState("");
  const [signedNow, setSignedNow] = useState(false);
  const waiting = useQueue().waiting.filter((one) => one.case === id);
  const report = loaded.value;
  const signed = report?.signed ?? null;

  const unfit = unfitOf(report?.findings ?? []);
  const warning =
    unfit.length > 0
      ? [
          say("unfitWarning", {
            s: unfit.map(({ label, verdict }) => `${label} (${say(qualityWord[verdict])})`).join(", "),
          }),
          ...(unfit.length >= (theCase.value?.slides.length ?? 1) ? [say("unfitAll")] : []),
        ].join(" ")
      : undefined;

  const sign = async () => {
    setFault("");
    try {
      if (!(await queue.flush())) return setFault(say("waitSaving"));
      await api.signOut(id, conclusion.trim(), leaveOut);
      setSignedNow(true);
      setConclusion("");
    } catch (error) {
      setFault(error instanceof Problem ? problemText(say, error) : say("failed"));
    }
    await loaded.again();
  };
  const reopen = async (reason: string) => {
    setAsk(null);
    try {
      await api.reopen(id, reason);
    } catch (error) {
      setFault(error instanceof Problem ? problemText(say, error) : say("failed"));
    }
    await loaded.again();
  };
  return (
    <Shell page="report">
      <Waiting loaded={loaded}>
        {report && (
          <article class="report">
            <header class="report-head">
              <div>
                <p class="small quiet no-print">
                  <a href={`#/case/${id}`}>← {say("back")}</a>
                </p>
                <h1>
                  {say("reportTitle")} <span class="case-number">{report.number}</span>
                </h1>
                <p class="quiet">
                  {say("patient")} {report.patient}
                  {theCase.value?.requested_by &&
                    ` · ${say("requestedBy")} ${nameOf(theCase.value.requested_by)}`}
                </p>
              </div>
              <p class={signed ? "stamp signed" : "stamp"}>
                {signed ? `${say("signed")} · ${say("version")} ${signed.version}` : say("draft")}
              </p>
            </header>

            <section>
              <h2>{say("conclusion")}</h2>
              {signed ? (
                <p class="conclusion">{signed.conclusion}</p>
              ) : (
                <label class="no-print-border">
                  <span class="unseen">{say("conclusion")}</span>
                  <textarea
                    name="conclusion"
                    rows={4}
                    maxLength={4000}
                    placeholder={say("conclusionHint")}
                    value={conclusion}
                    disabled={!may("sign-out")}
                    onInput={(event) => setConclusion(event.currentTarget.value)}
                  />
                  {conclusion !== "" && <p class="small quiet no-print">{say("conclusionKept")}</p>}
                </label>
              )}
            </section>

            <section>
              <h2>{say("confirmed")}</h2>
              <ConfirmedFindings findings={report.findings} named={true} />
              {report.refused > 0 && <p class="small quiet">{say("refusedCount", { n: report.refused })}</p>}
            </section>

            {theCase.value && (
              <section>
                <h2>{say("material")}</h2>
                <Material of={theCase.value} />
              </section>
            )}

            {!signed && report.blocking.length > 0 && (
              <section class="blocking no-print">
                <h2>{say("blocking")}</h2>
                <ul>
                  {report.blocking.map((one) => (
                    <li key={one.finding}>
                      <a href={`#/case/${id}?finding=${one.finding}`}>
                        {findingName(say, labels.get(), one)}
                      </a>{" "}
                      <span class="quiet">
                        {stateWord[one.state] ? say(stateWord[one.state]) : one.state}
                      </span>
                    </li>
                  ))}
                </ul>
              </section>
            )}

            {!signed && report.hidden && <p class="quiet no-print">{say("reportHidden")}</p>}

            {signed && report.undecided.length > 0 && (
              <section>
                <h2>{say("leftUndecided")}</h2>
                <ul>
                  {report.undecided.map((one) => (
                    <li key={one.finding}>{findingName(say, labels.get(), one)}</li>
                  ))}
                </ul>
              </section>
            )}

            {signed && (
              <section class="signature">
                <p>
                  {say("signedBy")} <strong>{nameOf(signed.signed_by)}</strong> · {moment(signed.signed_at)}
                </p>
                <p class="small quiet digest">
                  {say("digest")} {signed.digest}
                </p>
              </section>
            )}
            <p class="small quiet report-foot">{say("reportFoot")}</p>

            <footer class="acts no-print">
              {fault && (
                <p class="fault" role="alert">
                  {fault}
                </p>
              )}
              {signed && signedNow && <p role="status">{say("signedNow")}</p>}
              {!signed && may("sign-out") && (
                <>
                  {waiting.length > 0 && <p class="quiet">{say("waitSaving")}</p>}
                  {report.undecided.length > 0 && (
                    <label class="check">
                      <input
                        type="checkbox"
                        checked={leaveOut}
                        onChange={(event) => setLeaveOut(event.currentTarget.checked)}
                      />
                      <span>{say("leaveOut", { n: report.undecided.length })}</span>
                    </label>
                  )}
                  {warning && (
                    <p class="fault" role="note">
                      {warning}
                    </p>
                  )}
                  <button
                    type="button"
                    class="main"
                    disabled={conclusion.trim() === "" || (report.undecided.length > 0 && !leaveOut)}
                    onClick={() => setAsk("sign")}
                  >
                    {say("signOutAct")}
                  </button>
                </>
              )}
              {signed && may("sign-out") && (
                <button type="button" onClick={() => setAsk("reopen")}>
                  {say("reopen")}
                </button>
              )}
              <button type="button" onClick={() => print()}>
                {say("print")}
              </button>
              {signed && may("export-released") && (
                <span class="exports">
                  <span class="quiet">{say("export")}</span>
                  {leaving(theCase.value?.slides ?? []).map(({ format, slide, of }) => (
                    <a
                      key={format + of}
                      href={paths.export(id, format, "released", slide)}
                      download={`${report.number ?? report.patient}${of}.${format}`}
                    >
                      {say(formatWord[format])}
                      {of}
                    </a>
                  ))}
                </span>
              )}
            </footer>
          </article>
        )}
      </Waiting>
      {ask === "sign" && (
        <Confirm
          title={say("signOutAsk")}
          note={warning}
          act={say("signOutAct")}
          go={() => void sign()}
          close={() => setAsk(null)}
        />
      )}
      {ask === "reopen" && (
        <Choose
          title={say("whyReopen")}
          choices={[]}
          other={say("reason")}
          keepAs={`${id} reopen`}
          pick={(reason) => void reopen(reason)}
          close={() => setAsk(null)}
        />
      )}
      <span class="unseen">{session.get()?.me?.login}</span>
    </Shell>
  );
}
