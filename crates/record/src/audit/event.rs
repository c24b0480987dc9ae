//! What the audit speaks of.

/// What was done or tried.
#[derive(Copy, Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// The chain began.
    ChainOpened,
    /// Somebody logged in.
    Login,
    /// Somebody logged out.
    Logout,
    /// Somebody went on in another role.
    RoleChanged,
    /// An account was made.
    AccountAdded,
    /// An account was given roles.
    RolesSet,
    /// An account was closed or opened again.
    AccountActivity,
    /// The accounts or tokens were listed.
    AccountsRead,
    /// A one-time link was issued.
    LinkIssued,
    /// A one-time link was used.
    LinkUsed,
    /// A program's token was issued.
    ServiceTokenIssued,
    /// A program's token was revoked.
    ServiceTokenRevoked,
    /// The audit was read or exported.
    AuditRead,
    /// A patient's pseudonym was registered.
    PatientAdded,
    /// A patient agreed to a purpose or took that back.
    ConsentRecorded,
    /// A case was registered.
    CaseAdded,
    /// A specimen, block or slide was registered.
    MaterialAdded,
    /// A slide was put into another case.
    SlideMoved,
    /// A case was given an urgency, a reader or a way of reading.
    CaseAssigned,
    /// A case was read.
    CaseRead,
    /// A page of the worklist was read.
    WorklistRead,
    /// A proposal was put.
    ProposalAdded,
    /// A DICOM instance was stored; its content became proposals.
    InstanceStored,
    /// Proposals were read.
    ProposalsRead,
    /// A reader decided.
    Decided,
    /// A third settled what two read differently.
    Adjudicated,
    /// A decision was amended.
    Amended,
    /// Decisions were read or compared.
    DecisionsRead,
    /// A case was signed.
    SignedOut,
    /// A signed case was opened again.
    Reopened,
    /// A discrepancy was closed.
    DiscrepancyClosed,
    /// Discrepancies were listed.
    DiscrepanciesRead,
    /// Signed content was read.
    ReleasedRead,
    /// Signed content left.
    ReleasedExported,
    /// Unconfirmed content left.
    UnconfirmedExported,
    /// A reader fixed what was found without machines.
    ReadingCommitted,
    /// A reader who had looked first was shown what machines say.
    Revealed,
    /// The pictures of a slide were opened.
    SlideOpened,
    /// Signed or stored DICOM documents of a slide were listed or read.
    DocumentsRead,
    /// Slides of the folder were listed or searched.
    SlidesListed,
    /// A reader's views of a slide were read.
    ViewsRead,
    /// A slide was examined to the end.
    Examined,
    /// A deed was refused before it was begun.
    ActionRefused,
    /// A setting of the site was changed.
    SettingChanged,
    /// Decisions were read as lessons for a head.
    LessonsRead,
    /// A head was refitted to decisions.
    HeadRefitted,
    /// A head was put into use.
    HeadActivated,
}

impl Event {
    /// Stable name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ChainOpened => "chain.opened",
            Self::Login => "login",
            Self::Logout => "logout",
            Self::RoleChanged => "role.changed",
            Self::AccountAdded => "account.added",
            Self::RolesSet => "account.roles",
            Self::AccountActivity => "account.activity",
            Self::AccountsRead => "accounts.read",
            Self::LinkIssued => "link.issued",
            Self::LinkUsed => "link.used",
            Self::ServiceTokenIssued => "service-token.issued",
            Self::ServiceTokenRevoked => "service-token.revoked",
            Self::AuditRead => "audit.read",
            Self::PatientAdded => "patient.added",
            Self::ConsentRecorded => "consent.recorded",
            Self::CaseAdded => "case.added",
            Self::MaterialAdded => "material.added",
            Self::SlideMoved => "slide.moved",
            Self::CaseAssigned => "case.assigned",
            Self::CaseRead => "case.read",
            Self::WorklistRead => "worklist.read",
            Self::ProposalAdded => "proposal.added",
            Self::InstanceStored => "instance.stored",
            Self::ProposalsRead => "proposals.read",
            Self::Decided => "decision.made",
            Self::Adjudicated => "decision.adjudicated",
            Self::Amended => "decision.amended",
            Self::DecisionsRead => "decisions.read",
            Self::SignedOut => "case.signed",
            Self::Reopened => "case.reopened",
            Self::DiscrepancyClosed => "discrepancy.closed",
            Self::DiscrepanciesRead => "discrepancies.read",
            Self::ReleasedRead => "released.read",
            Self::ReleasedExported => "released.exported",
            Self::UnconfirmedExported => "unconfirmed.exported",
            Self::ReadingCommitted => "reading.committed",
            Self::Revealed => "proposals.revealed",
            Self::SlideOpened => "slide.opened",
            Self::DocumentsRead => "documents.read",
            Self::SlidesListed => "slides.listed",
            Self::ViewsRead => "views.read",
            Self::Examined => "slide.examined",
            Self::ActionRefused => "action.refused",
            Self::SettingChanged => "setting.changed",
            Self::LessonsRead => "lessons.read",
            Self::HeadRefitted => "head.refitted",
            Self::HeadActivated => "head.activated",
        }
    }
}

/// What it was done to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Object {
    pub(super) kind: &'static str,
    pub(super) id: String,
}

impl Object {
    pub(crate) fn new(kind: &'static str, id: impl ToString) -> Self {
        Self { kind, id: id.to_string() }
    }
}
