// What is signed of a case and nothing else: to be read, printed, taken along.
import { api, paths } from "../../api/client";
import type { SignedReport } from "../../api/released";
import { ConfirmedFindings } from "../../parts/confirmed";
import { ConsentCard } from "../../parts/consent";
import { useLoad, Waiting } from "../../parts/load";
import { Shell } from "../../shell";
import { may, session } from "../../state";
import { formatWord, moment, roleWord, useSay } from "../../words";

export function SignedCase({ id }: { id: string }) {
  const say = useSay();
  const loaded = useLoad(() => api.releasedCase(id), [id]);
  return (
    <Shell page="signedCases">
      <div class="signed-page">
        <p class="small no-print">
          <a href="#/signed">← {say("signedCases")}</a>
        </p>
        <Waiting loaded={loaded}>
          {loaded.value && (
            <>
              <Signed id={id} one={loaded.value} />
              {may("record-consent") && <ConsentCard id={id} />}
            </>
          )}
        </Waiting>
      </div>
    </Shell>
  );
}

function Signed({ id, one }: { id: string; one: SignedReport }) {
  const say = useSay();
  const researcher = session.get()?.me?.role === "researcher";
  const { report } = one;
  const signed = report.signed;
  return (
    <article class="report">
      <header class="report-head">
        <div>
          <h1>
            {say("reportTitle")} <span class="case-number">{report.number ?? report.patient}</span>
          </h1>
          {!researcher && (
            <p class="quiet">
              {say("patient")} {report.patient}
            </p>
          )}
        </div>
        {signed && (
          <p class="stamp signed">
            {say("signed")} · {say("version")} {signed.version}
          </p>
        )}
      </header>
      {signed && (
        <section>
          <h2>{say("conclusion")}</h2>
          <p class="conclusion">{signed.conclusion}</p>
          <p class="quiet small">
            {say(roleWord[signed.role])} · {moment(signed.signed_at)} ·{" "}
            <code>{signed.digest.slice(0, 23)}…</code>
          </p>
        </section>
      )}
      <section>
        <h2>{say("confirmed")}</h2>
        <ConfirmedFindings findings={report.findings} named={false} />
      </section>
      <section class="no-print">
        <h2>{say("takeAlong")}</h2>
        <p class="take-along">
          <button type="button" onClick={() => print()}>
            {say("print")}
          </button>
          {may("export-released") && <Exports id={id} one={one} purpose={researcher ? "research" : "care"} />}
        </p>
      </section>
      <p class="quiet small">{say("reportFoot")}</p>
    </article>
  );
}

/** Coordinates are one slide's: but for the whole version there is a file a slide. */
function Exports({ id, one, purpose }: { id: string; one: SignedReport; purpose: string }) {
  const say = useSay();
  const files = [
    { format: "json" as const, slide: undefined, of: "" },
    ...one.slides.flatMap((slide) =>
      (["geojson", "sr.dcm", "annotations.dcm"] as const).map((format) => ({
        format,
        slide: slide.id,
        of: one.slides.length > 1 ? ` ${slide.label}` : "",
      })),
    ),
  ];
  return (
    <>
      {files.map(({ format, slide, of }) => (
        <a
          key={`${format} ${slide ?? ""}`}
          class="button"
          download={`${one.report.patient}${of}.${format}`}
          href={paths.releasedExport(id, format, purpose, slide)}
        >
          {say(formatWord[format])}
          {of}
        </a>
      ))}
    </>
  );
}
