// Beside the slide: what is found, what is known of the one chosen, and the keys that decide it.
import type { Case, Verdict } from "../../api/types";
import { labels, may, nameOf } from "../../state";
import { areaText } from "../../viewer/scale";
import { labelName, moment, percent, useSay } from "../../words";
import { saidByServer } from "../../words/server";
import { ReadingLegend } from "../compare/legend";
import type { TwoReadings } from "../compare/readings";
import { LayerControls, type Layers } from "./layers";
import { FindingList, stateOf, titleOf } from "./list";
import { amends, type CaseModel, mustCommit, open, type Row, settles } from "./model";
import type { Objects } from "./objects";

export function Panel(props: {
  one: Case;
  model: CaseModel;
  rows: Row[];
  hidden: boolean;
  chosen: Row | null;
  two: TwoReadings | null;
  choose: (id: string) => void;
  act: (verdict: Verdict) => void;
  next: () => void;
  askReveal: () => void;
  layers: Layers;
  setLayers: (layers: Layers) => void;
  aiShown: boolean;
  objects: Objects[];
}) {
  const say = useSay();
  const { rows } = props;
  const decided = rows.filter((row) => !open(row)).length;
  const examining = props.one.slides.some((slide) =>
    ["waiting", "running"].includes(slide.examination.state),
  );
  return (
    <section class="panel" aria-label={say("findings")}>
      <div class="panel-head">
        <h2>{say("findings")}</h2>
        <span class="quiet small" role="status">
          {rows.length > 0 && say("decided", { a: decided, b: rows.length })}
        </span>
      </div>
      {props.hidden && (
        <div class="kept-back">
          <p>
            {say(mustCommit(props.one) ? "commitLead" : props.one.committed ? "committedLead" : "hiddenLead")}
          </p>
          <button type="button" class="main" onClick={props.askReveal}>
            <kbd>H</kbd> {say(mustCommit(props.one) ? "commitAct" : "hiddenAct")}
          </button>
        </div>
      )}
      {props.one.slides.map(
        (slide) =>
          slide.examination.error && (
            <p class="pad small" role="note" key={slide.id}>
              {`${slide.label}: ${saidByServer(say, slide.examination.error)}`}
            </p>
          ),
      )}
      <div class="panel-scroll">
        {rows.length === 0 && !props.hidden ? (
          <p class="quiet pad">{say(examining ? "noFindingsYet" : "noFindings")}</p>
        ) : (
          <FindingList
            rows={rows}
            slides={props.one.slides}
            chosen={props.chosen?.finding.id ?? null}
            choose={props.choose}
          />
        )}
        {rows.length > 0 && decided === rows.length && !props.hidden && (
          <p class="pad all-decided">
            <a href={`#/case/${props.one.id}/report`}>{say("allDecided")}</a>
          </p>
        )}
      </div>
      <LayerControls
        objects={props.objects}
        layers={props.layers}
        set={props.setLayers}
        heatmap={!props.hidden && props.aiShown && props.one.slides.some((slide) => slide.heatmap)}
      />
      <Chosen row={props.chosen} two={props.two} act={props.act} next={props.next} />
    </section>
  );
}

function Chosen(props: {
  row: Row | null;
  two: TwoReadings | null;
  act: (verdict: Verdict) => void;
  next: () => void;
}) {
  const say = useSay();
  const { row } = props;
  const able = row && may(row.finding.field === "quality" ? "decide-quality" : "decide-diagnosis");
  const finding = row?.finding ?? null;
  return (
    <div class="chosen">
      {row && finding && (
        <dl>
          <div class="chosen-title">
            <dt class="unseen">{say("finding")}</dt>
            <dd>
              {finding.quality && `${say("verdict")} · `}
              {titleOf(say, row)}
            </dd>
          </div>
          <div>
            <dt>{say("state")}</dt>
            <dd>{stateOf(say, row).text}</dd>
          </div>
          {finding.score !== null && (
            <div>
              <dt>{say("score")}</dt>
              <dd>{percent(finding.score)}</dd>
            </div>
          )}
          {(finding.point || finding.area_mm2 !== null) && (
            <div>
              <dt>{say("area")}</dt>
              <dd>{finding.area_mm2 === null ? say("noAreaPoint") : areaText(finding.area_mm2)}</dd>
            </div>
          )}
          <div>
            <dt>{say(finding.by_person ? "drawnBy" : "proposedBy")}</dt>
            <dd title={finding.producer.digest ?? undefined}>
              {finding.by_person
                ? nameOf(finding.proposed_by)
                : `${finding.producer.name} ${finding.producer.version}`}
              <span class="quiet"> · {moment(finding.at)}</span>
            </dd>
          </div>
          {finding.encoder && (
            <div>
              <dt>{say("encoder")}</dt>
              <dd title={finding.encoder.digest ?? undefined}>
                {finding.encoder.name} {finding.encoder.version}
                <span class="quiet"> · {finding.encoder.licence ?? say("licenceNotStated")}</span>
              </dd>
            </div>
          )}
          {finding.proposed && (
            <div>
              <dt>{say("original")}</dt>
              <dd>{labelName(labels.get(), finding.proposed.label) || say("area")}</dd>
            </div>
          )}
        </dl>
      )}
      {row && able && finding?.state === "disputed" && !row.sending && (
        <p class="small settling">{say(settles(finding) ? "settleHere" : "settleThird")}</p>
      )}
      {props.two && <ReadingLegend two={props.two} />}
      {row && !able && <p class="quiet small">{say("readOnly")}</p>}
      {row && able && !row.sending && amends(row.finding) && <p class="quiet small">{say("changeAgain")}</p>}
      <div class="decide">
        {row && <p class="decided-about">{titleOf(say, row)}</p>}
        <button type="button" class="accept" disabled={!able} onClick={() => props.act("accept")}>
          <kbd>A</kbd> {say("accept")}
        </button>
        <button type="button" disabled={!able} onClick={() => props.act("correct")}>
          <kbd>C</kbd> {say("correct")}
        </button>
        <button type="button" class="refuse" disabled={!able} onClick={() => props.act("refuse")}>
          <kbd>R</kbd> {say("refuse")}
        </button>
        <button type="button" disabled={!able} onClick={() => props.act("defer")}>
          <kbd>L</kbd> {say("defer")}
        </button>
        <button type="button" class="next" onClick={props.next}>
          <kbd>N</kbd> {say("nextOpen")}
        </button>
      </div>
    </div>
  );
}
