//! Proposals: put, read, never changed.

use bianque_core::{Digest, Producer};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{Content, Evidence, Field, ModelConfidence, ProposalContent, State};
use crate::{
    Record, RecordError, Result,
    audit::{self, Event, Object},
    canonical::canonical,
    cases::{Case, Purpose, Status},
    database::{Database, Row},
    identity::{
        CaseId, DecisionId, DiscrepancyId, Moment, ProposalId, RequestKey, SlideId, UserId,
    },
    people::{Action, Actor, Role},
    store::{Audited, Unit},
};

/// A proposal to be put.
#[derive(Clone, Debug)]
pub struct NewProposal {
    /// The case that it is about.
    pub case: CaseId,
    /// The slide that it is about, if one.
    pub slide: Option<SlideId>,
    /// What it says.
    pub content: Content,
    /// What it rests on; at most 256 places.
    pub evidence: Vec<Evidence>,
    /// What produced it.
    pub producer: Producer,
    /// How sure the producer is.
    pub confidence: Option<ModelConfidence>,
    /// What it was made for.
    pub purpose: Purpose,
    /// What else it may be used for, as far as the patient agrees.
    pub consent_tags: Vec<Purpose>,
}

/// A proposal as it was put.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proposal {
    /// Its id.
    pub id: ProposalId,
    /// The case that it is about: the one in which its slide is now.
    pub case: CaseId,
    /// The case under which it was put. What was put is digested with it.
    #[serde(skip)]
    pub put_under: CaseId,
    /// The slide that it is about, if one.
    pub slide: Option<SlideId>,
    /// The kind of its content.
    pub kind: String,
    /// The version of that kind.
    pub kind_version: u32,
    /// What it bears on.
    pub field: Field,
    /// What a list shows of it.
    pub headline: String,
    /// Whether it says that a slide is not fit for diagnosis.
    pub bad_slide: bool,
    /// What it says.
    pub content: Json,
    /// What it rests on.
    pub evidence: Vec<Evidence>,
    /// What produced it.
    pub producer: Producer,
    /// How sure the producer is.
    pub confidence: Option<ModelConfidence>,
    /// What it was made for.
    pub purpose: Purpose,
    /// What else it may be used for.
    pub consent_tags: Vec<Purpose>,
    /// Whether the case was signed when it came.
    pub late: bool,
    /// When it was put.
    pub at: Moment,
    /// By whom.
    pub proposed_by: UserId,
}

/// A proposal and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ProposalWithState {
    /// The proposal as it was put.
    #[serde(flatten)]
    pub proposal: Proposal,
    /// Where it stands.
    pub state: State,
    /// The decision that settled it.
    pub standing: Option<DecisionId>,
}

impl Proposal {
    /// Its content, as its kind.
    ///
    /// # Errors
    /// [`RecordError::Damaged`] when it is another kind's.
    pub fn content<T: ProposalContent>(&self) -> Result<T> {
        Content::read(&self.kind, self.kind_version, &self.content)
    }

    /// The encoder whose features the producer judged, where it judged features.
    #[must_use]
    pub fn encoder(&self) -> Option<&Producer> {
        self.evidence.iter().find_map(Evidence::encoder)
    }

    /// The digest of all of it, as it was put.
    fn digest(&self) -> Result<Digest> {
        let mut json = serde_json::to_value(self)
            .map_err(|error| RecordError::damaged("proposal", self.id, error))?;
        json["case"] = json!(self.put_under);
        Ok(Digest::of(canonical(&json).as_bytes()))
    }
}

impl NewProposal {
    pub(super) fn check(&self) -> Result<()> {
        if self.evidence.len() > 256 {
            return Err(RecordError::invalid("evidence", "more than 256 places"));
        }
        let encoders = self.evidence.iter().filter_map(Evidence::encoder);
        let texts = std::iter::once(&self.producer).chain(encoders).flat_map(|producer| {
            [Some(&producer.name), Some(&producer.version), producer.licence.as_ref()]
        });
        for text in texts.flatten() {
            if text.is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
                return Err(RecordError::invalid(
                    "producer",
                    "name, version and licence have 1 to 200 bytes without control characters",
                ));
            }
        }
        Ok(())
    }
}

impl Record {
    /// Puts a proposal. On a signed case it also opens a discrepancy, and alters nothing.
    ///
    /// # Errors
    /// When the actor may not, there is no such case, or a slide is another case's.
    pub fn propose(&self, actor: &Actor, new: &NewProposal) -> Result<ProposalId> {
        self.propose_once(actor, new, None)
    }

    /// As [`Record::propose`]; the same request again gives the same proposal and counts once.
    ///
    /// # Errors
    /// As [`Record::propose`].
    pub fn propose_once(
        &self,
        actor: &Actor,
        new: &NewProposal,
        request: Option<&RequestKey>,
    ) -> Result<ProposalId> {
        new.check()?;
        let put = |unit: &mut Unit<'_>| {
            let audited = unit.put_proposal(actor, new)?;
            unit.remember(actor, request, *audited.value())?;
            Ok(audited)
        };
        self.once(actor, request, || self.deed(actor, Action::Propose, Event::ProposalAdded, put))
    }

    /// All proposals of a case with where they stand, in the order in which they came.
    ///
    /// # Errors
    /// When the actor may not see the case.
    pub fn proposals(&self, actor: &Actor, case: CaseId) -> Result<Vec<ProposalWithState>> {
        self.deed(actor, Action::ReadCase, Event::ProposalsRead, |unit| {
            let known = unit.case(case)?;
            unit.require_case(actor, Action::ReadCase, &known)?;
            let mut proposals = unit.proposals_of(case)?;
            for proposal in &mut proposals {
                unit.blind(actor, &known, proposal)?;
            }
            Ok(Audited::new(proposals, Object::new("case", case), json!({})))
        })
    }
}

impl Unit<'_> {
    /// Puts a proposal that was checked; its entry is still to be appended.
    pub(super) fn put_proposal(
        &mut self,
        actor: &Actor,
        new: &NewProposal,
    ) -> Result<Audited<ProposalId>> {
        let case = self.case(new.case)?;
        self.require_case(actor, Action::Propose, &case)?;
        if case.is_emptied {
            let what = "all slides of this case were put into other cases: propose there";
            return Err(RecordError::Conflict(what.into()));
        }
        self.require_slides(new)?;
        let mut tags = new.consent_tags.clone();
        tags.sort_unstable();
        tags.dedup();
        let proposal = Proposal {
            id: ProposalId::fresh(self.now())?,
            case: new.case,
            put_under: new.case,
            slide: new.slide,
            kind: new.content.kind.to_owned(),
            kind_version: new.content.version,
            field: new.content.field,
            headline: new.content.headline.clone(),
            bad_slide: new.content.bad_slide,
            content: new.content.body.clone(),
            evidence: new.evidence.clone(),
            producer: new.producer.clone(),
            confidence: new.confidence,
            purpose: new.purpose,
            consent_tags: tags,
            late: case.status == Status::Signed,
            at: self.now(),
            proposed_by: actor.user(),
        };
        let digest = proposal.digest()?;
        self.insert_proposal(&proposal, digest)?;
        let discrepancy = self.open_discrepancy(&case, &proposal)?;
        self.recount(new.case)?;
        let detail = json!({
            "id": proposal.id, "digest": digest, "kind": proposal.kind, "slide": proposal.slide,
            "producer": proposal.producer.name, "discrepancy": discrepancy,
            "shown": audit::shown(&proposal.headline, proposal.bad_slide),
        });
        Ok(Audited::new(proposal.id, Object::new("case", new.case), detail))
    }

    fn require_slides(&mut self, new: &NewProposal) -> Result<()> {
        let in_evidence = new.evidence.iter().filter_map(|evidence| match evidence {
            Evidence::SlideRegion { slide, .. } => Some(*slide),
            Evidence::ReportLine { .. } | Evidence::Passage { .. } | Evidence::Features { .. } => {
                None
            }
        });
        for slide in in_evidence.chain(new.slide) {
            let sql = "SELECT id FROM slide WHERE id = ?1 AND laboratory_case = ?2";
            if self.one(sql, &[slide.into(), new.case.into()])?.is_none() {
                return Err(RecordError::not_found("slide of this case", slide));
            }
        }
        Ok(())
    }

    fn insert_proposal(&mut self, proposal: &Proposal, digest: Digest) -> Result<()> {
        let tags = serde_json::to_value(&proposal.consent_tags)
            .map_err(|error| RecordError::invalid("consent tags", error.to_string()))?;
        self.execute(
            "INSERT INTO proposal (id, laboratory_case, slide, kind, kind_version, field, \
             headline, bad_slide, content, producer_name, producer_version, producer_digest, \
             producer_licence, confidence, purpose, consent_tags, late, at, proposed_by, digest) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, \
             ?18, ?19, ?20)",
            &[
                proposal.id.into(),
                proposal.case.into(),
                proposal.slide.into(),
                proposal.kind.as_str().into(),
                proposal.kind_version.into(),
                proposal.field.name().into(),
                proposal.headline.as_str().into(),
                proposal.bad_slide.into(),
                canonical(&proposal.content).into(),
                proposal.producer.name.as_str().into(),
                proposal.producer.version.as_str().into(),
                proposal.producer.digest.map(|digest| digest.to_string()).into(),
                proposal.producer.licence.clone().into(),
                proposal.confidence.map(ModelConfidence::value).into(),
                proposal.purpose.name().into(),
                canonical(&tags).into(),
                proposal.late.into(),
                proposal.at.into(),
                proposal.proposed_by.into(),
                digest.to_string().into(),
            ],
        )?;
        for (ordinal, evidence) in (0_i64..).zip(&proposal.evidence) {
            let body = serde_json::to_value(evidence)
                .map_err(|error| RecordError::invalid("evidence", error.to_string()))?;
            self.execute(
                "INSERT INTO evidence (proposal, ordinal, body) VALUES (?1, ?2, ?3)",
                &[proposal.id.into(), ordinal.into(), canonical(&body).into()],
            )?;
        }
        self.execute(
            "INSERT INTO proposal_state (proposal, laboratory_case, kind, state, bad_slide, \
             headline, at) VALUES (?1, ?2, ?3, 'proposed', ?4, ?5, ?6)",
            &[
                proposal.id.into(),
                proposal.case.into(),
                proposal.kind.as_str().into(),
                proposal.bad_slide.into(),
                proposal.headline.as_str().into(),
                proposal.at.into(),
            ],
        )?;
        Ok(())
    }

    fn open_discrepancy(
        &mut self,
        case: &Case,
        proposal: &Proposal,
    ) -> Result<Option<DiscrepancyId>> {
        if !proposal.late {
            return Ok(None);
        }
        let id = DiscrepancyId::fresh(self.now())?;
        self.execute(
            "INSERT INTO discrepancy (id, laboratory_case, version, proposal, opened) \
             SELECT ?1, ?2, coalesce(max(version), 0), ?3, ?4 FROM case_version \
             WHERE laboratory_case = ?2",
            &[id.into(), case.id.into(), proposal.id.into(), proposal.at.into()],
        )?;
        Ok(Some(id))
    }

    pub(crate) fn proposal(&mut self, id: ProposalId) -> Result<ProposalWithState> {
        let rows = self.query(&format!("{SELECT} WHERE p.id = ?1"), &[id.into()])?;
        let row = rows.first().ok_or_else(|| RecordError::not_found("proposal", id))?;
        with_state(row, self.evidence_of(id)?)
    }

    pub(crate) fn proposals_of(&mut self, case: CaseId) -> Result<Vec<ProposalWithState>> {
        let sql = format!("{SELECT} WHERE s.laboratory_case = ?1 ORDER BY s.proposal");
        let rows = self.query(&sql, &[case.into()])?;
        rows.iter()
            .map(|row| {
                let evidence = self.evidence_of(row.parsed(0)?)?;
                with_state(row, evidence)
            })
            .collect()
    }

    fn evidence_of(&mut self, proposal: ProposalId) -> Result<Vec<Evidence>> {
        let sql = "SELECT body FROM evidence WHERE proposal = ?1 ORDER BY ordinal";
        let rows = self.query(sql, &[proposal.into()])?;
        rows.iter()
            .map(|row| {
                serde_json::from_str(row.text(0)?)
                    .map_err(|error| RecordError::damaged("evidence of", proposal, error))
            })
            .collect()
    }

    /// The state as a reader may know it who has not decided yet: that another has, is not shown.
    pub(crate) fn blind(
        &mut self,
        actor: &Actor,
        case: &Case,
        proposal: &mut ProposalWithState,
    ) -> Result<()> {
        let reads = matches!(actor.role(), Role::Pathologist | Role::SecondReader);
        if proposal.state == State::ReadOnce
            && reads
            && !self.has_read(actor, proposal.proposal.id)?
        {
            debug_assert_eq!(case.id, proposal.proposal.case);
            proposal.state = State::Proposed;
        }
        Ok(())
    }
}

const SELECT: &str = "SELECT p.id, s.laboratory_case, p.slide, p.kind, p.kind_version, p.field, \
    p.headline, p.bad_slide, p.content, p.producer_name, p.producer_version, p.producer_digest, \
    p.producer_licence, p.confidence, p.purpose, p.consent_tags, p.late, p.at, p.proposed_by, \
    s.state, s.standing, p.laboratory_case \
    FROM proposal p JOIN proposal_state s ON s.proposal = p.id";

fn with_state(row: &Row, evidence: Vec<Evidence>) -> Result<ProposalWithState> {
    Ok(ProposalWithState {
        proposal: proposal_of(row, evidence)?,
        state: row.parsed(19)?,
        standing: row.optional_text(20)?.map(str::parse).transpose()?,
    })
}

fn proposal_of(row: &Row, evidence: Vec<Evidence>) -> Result<Proposal> {
    let id: ProposalId = row.parsed(0)?;
    let json = |column: usize| -> Result<Json> {
        serde_json::from_str(row.text(column)?)
            .map_err(|error| RecordError::damaged("proposal", id, error))
    };
    let digest = row.optional_text(11)?.map(str::parse).transpose();
    Ok(Proposal {
        id,
        case: row.parsed(1)?,
        put_under: row.parsed(21)?,
        slide: row.optional_text(2)?.map(str::parse).transpose()?,
        kind: row.text(3)?.to_owned(),
        kind_version: u32::try_from(row.integer(4)?)
            .map_err(|error| RecordError::damaged("proposal", id, error))?,
        field: row.parsed(5)?,
        headline: row.text(6)?.to_owned(),
        bad_slide: row.integer(7)? == 1,
        content: json(8)?,
        evidence,
        producer: Producer {
            name: row.text(9)?.to_owned(),
            version: row.text(10)?.to_owned(),
            digest: digest.map_err(|error| RecordError::damaged("proposal", id, error))?,
            licence: row.optional_text(12)?.map(str::to_owned),
        },
        confidence: row.optional_real(13)?.map(ModelConfidence::new).transpose()?,
        purpose: row.parsed(14)?,
        consent_tags: serde_json::from_value(json(15)?)
            .map_err(|error| RecordError::damaged("proposal", id, error))?,
        late: row.integer(16)? == 1,
        at: Moment::from_microseconds(row.integer(17)?),
        proposed_by: row.parsed(18)?,
    })
}

/// The digest of a proposal as it is stored now; `None` when it is gone.
pub(crate) fn proposal_digest(database: &mut dyn Database, id: &str) -> Result<Option<String>> {
    let mut unit = Unit::new(database, Moment::from_microseconds(0));
    match unit.proposal(id.parse()?) {
        Ok(found) => Ok(Some(found.proposal.digest()?.to_string())),
        Err(RecordError::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
