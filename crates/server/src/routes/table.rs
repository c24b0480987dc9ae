//! Every address, to whom it is open, and what it takes and gives: the router and the interface's
//! description are both made of this table.

use axum::{
    http::Method,
    routing::{delete, get, post, put},
};
use bianque_record::Action;

use super::{
    accounts, audit, bulk, cases, comparison, consent, decisions, deep_zoom, dicomweb as dicom,
    exports, findings, health, iiif, imports, improvement, metrics, register, released, report,
    route::{Route, route},
    session, sign_on, site, slides, store, unaided, views, web, worklist,
};
use crate::{
    access::Access::{Everybody, LoggedIn, May, Metrics, Slide},
    web_app,
};

/// Every address.
pub(crate) fn table() -> Vec<Route> {
    let families = [
        people(),
        site_routes(),
        registering(),
        reading(),
        signing(),
        improving(),
        slide_routes(),
        dicomweb(),
        dicomweb_instances(),
        page(),
    ];
    families.into_iter().flatten().collect()
}

fn people() -> Vec<Route> {
    let manage = May(Action::ManageAccounts);
    vec![
        route!(GET "/health", Everybody, "Whether the process answers", health::alive)
            .gives::<serde_json::Value>(),
        route!(GET "/ready", Everybody, "Whether it can do its work", health::ready)
            .gives::<serde_json::Value>(),
        route!(GET "/metrics", Metrics, "Counters for Prometheus", metrics::show)
            .gives_bytes("text/plain"),
        route!(GET "/api/v1/openapi.json", Everybody, "This description", crate::open_api::show)
            .gives::<serde_json::Value>(),
        route!(GET "/api/v1/session", Everybody, "Who is logged in", session::show)
            .gives::<session::SessionDocument>(),
        route!(POST "/api/v1/session", Everybody, "Logs in", session::open)
            .takes::<session::Login>()
            .gives::<session::SessionDocument>(),
        route!(PUT "/api/v1/session/role", LoggedIn, "Goes on in another role",
            session::change_role)
        .takes::<session::NewRole>()
        .gives::<session::SessionDocument>(),
        route!(DELETE "/api/v1/session", LoggedIn, "Logs out", session::close),
        route!(GET "/api/v1/session/provider", Everybody,
            "Sends a browser to the site's identity provider", sign_on::begin)
        .asks::<sign_on::Beginning>()
        .leads_to("text/html"),
        route!(GET "/api/v1/session/provider/return", Everybody,
            "Takes back whom the identity provider sends", sign_on::finish)
        .asks::<sign_on::Return>()
        .leads_to("text/html"),
        route!(POST "/api/v1/first-administrator", Everybody,
            "Makes the first administrator by the one-time link", session::first_administrator)
        .takes::<session::FirstAdministrator>(),
        route!(POST "/api/v1/password", Everybody, "Sets a password by a one-time link",
            session::set_password)
        .takes::<session::PasswordLink>(),
        route!(GET "/api/v1/users", manage, "Every account", accounts::users)
            .gives::<Vec<accounts::UserLine>>(),
        route!(POST "/api/v1/users", manage, "Makes an account", accounts::add_user)
            .takes::<accounts::NewUser>()
            .gives::<accounts::UserLink>(),
        route!(PUT "/api/v1/users/{user}/roles", manage, "Gives an account roles",
            accounts::set_roles)
        .takes::<accounts::Roles>(),
        route!(PUT "/api/v1/users/{user}/active", manage, "Closes or opens an account",
            accounts::set_active)
        .takes::<accounts::Activity>(),
        route!(POST "/api/v1/users/{user}/link", manage, "A new link for a password",
            accounts::password_link)
        .gives::<accounts::UserLink>(),
        route!(GET "/api/v1/service-tokens", manage, "Every program's token", accounts::tokens)
            .gives::<Vec<accounts::TokenLine>>(),
        route!(POST "/api/v1/service-tokens", manage, "Issues a token", accounts::issue_token)
            .takes::<accounts::NewToken>()
            .gives::<accounts::IssuedToken>(),
        route!(DELETE "/api/v1/service-tokens/{token}", manage, "Revokes a token",
            accounts::revoke_token),
    ]
}

fn site_routes() -> Vec<Route> {
    let worklist = May(Action::ReadWorklist);
    let audit = May(Action::ReadAudit);
    vec![
        route!(GET "/api/v1/settings", LoggedIn, "The site's settings", site::settings)
            .gives::<site::SiteSettings>(),
        route!(PUT "/api/v1/settings", May(Action::ManageAccounts), "Changes the settings",
            site::set_settings)
        .takes::<site::SiteSettings>(),
        route!(GET "/api/v1/labels", LoggedIn, "What regions may be called", site::labels)
            .gives::<Vec<site::LabelLine>>(),
        route!(GET "/api/v1/readers", worklist, "Staff by name", site::readers)
            .gives::<Vec<site::ReaderLine>>(),
        route!(GET "/api/v1/events", worklist, "What changes, as server-sent events",
            site::events)
        .gives_bytes("text/event-stream"),
        route!(GET "/api/v1/cost", worklist, "What experts' decisions take", site::cost)
            .gives::<Vec<site::CostLine>>(),
        route!(GET "/api/v1/cost/readings", worklist,
            "How readings with and without machines compare", unaided::compare)
        .gives::<unaided::ReadingsDocument>(),
        route!(GET "/api/v1/audit", audit, "What was done, the newest first", audit::list)
            .asks::<audit::AuditFilter>()
            .gives::<audit::AuditDocument>(),
        route!(GET "/api/v1/audit/verify", audit, "Whether the audit's chain holds",
            audit::verify)
        .asks::<audit::VerifyRequest>()
        .gives::<audit::VerifyDocument>(),
    ]
}

fn registering() -> Vec<Route> {
    let register = May(Action::Register);
    vec![
        route!(GET "/api/v1/unattached", register,
            "Cases of one slide that may be put together", register::unattached)
        .asks::<register::UnattachedFilter>()
        .gives::<register::UnattachedDocument>(),
        route!(GET "/api/v1/case-list", register,
            "How the list of cases in the folder of slides stands", register::case_list)
        .gives::<register::CaseListDocument>(),
        route!(POST "/api/v1/cases", register, "Makes one case of slides",
            register::put_together)
        .takes::<register::NewCaseBody>()
        .gives::<register::CaseName>(),
        route!(POST "/api/v1/cases/{case}/slides", register, "Puts slides into a case",
            register::put_in)
        .takes::<register::MoreSlides>(),
        route!(DELETE "/api/v1/cases/{case}/slides/{slide}", register,
            "Takes a slide out into a case of its own", register::take_out)
        .gives::<register::CaseName>(),
    ]
}

fn reading() -> Vec<Route> {
    let (read, decide) = (May(Action::ReadCase), May(Action::DecideDiagnosis));
    let assign = May(Action::Assign);
    vec![
        route!(GET "/api/v1/worklist", May(Action::ReadWorklist), "What waits to be read",
            worklist::list)
        .asks::<worklist::WorklistFilter>()
        .gives::<worklist::WorklistDocument>(),
        route!(GET "/api/v1/cases/{case}", read, "A case and its slides", cases::one)
            .gives::<cases::CaseDocument>(),
        route!(POST "/api/v1/cases/{case}/assignment", assign, "Sets urgency and reader",
            cases::assign)
        .takes::<cases::Assignment>(),
        route!(PUT "/api/v1/cases/{case}/requester", assign, "Sets which clinician asked for it",
            released::set_requester)
        .takes::<released::Requester>(),
        route!(POST "/api/v1/cases/{case}/second-reading", assign, "Has a case read by two",
            cases::read_twice),
        route!(POST "/api/v1/cases/{case}/reveal", decide,
            "Shows a reader who has looked what machines say", cases::reveal)
        .gives::<serde_json::Value>(),
        route!(POST "/api/v1/cases/{case}/reading", decide,
            "Fixes what a reader has found before machines speak", unaided::commit)
        .takes::<unaided::NewReading>()
        .gives::<unaided::FixedReading>(),
        route!(GET "/api/v1/cases/{case}/findings", read, "What is said of a case",
            findings::list)
        .gives::<findings::FindingsDocument>(),
        route!(POST "/api/v1/cases/{case}/findings", decide, "A region drawn by a person",
            findings::draw)
        .takes::<findings::DrawnRegion>()
        .gives::<findings::FindingDocument>(),
        route!(POST "/api/v1/cases/{case}/slides/{slide}/geojson", decide,
            "Regions that a person drew in another program, as GeoJSON", imports::geo_json)
        .takes::<serde_json::Value>()
        .takes_at_most(imports::LARGEST)
        .gives::<imports::Imported>(),
        route!(GET "/api/v1/findings/{finding}/decisions", read, "Who decided what",
            decisions::list)
        .gives::<Vec<decisions::DecisionLine>>(),
        // Which role decides depends on what the finding bears on: the record says.
        route!(POST "/api/v1/findings/{finding}/decision", read, "Decides about a finding",
            decisions::decide)
        .takes::<decisions::Decide>()
        .gives::<decisions::Decided>(),
        route!(POST "/api/v1/findings/{finding}/adjudication", May(Action::Adjudicate),
            "Settles what two read differently", decisions::adjudicate)
        .takes::<decisions::Decide>()
        .gives::<decisions::Decided>(),
        route!(POST "/api/v1/decisions/{decision}/amendment", read,
            "Puts a decision in the place of one that stands", decisions::amend)
        .takes::<decisions::Decide>()
        .gives::<decisions::Decided>(),
        route!(GET "/api/v1/cases/{case}/comparison", May(Action::Adjudicate),
            "How two readers agree", comparison::show)
        .gives::<comparison::ComparisonDocument>(),
        route!(GET "/api/v1/cases/{case}/slides/{slide}/views", read,
            "What the reader has had on the screen", views::list)
        .gives::<views::Views>(),
        route!(POST "/api/v1/cases/{case}/slides/{slide}/views", read, "Keeps a batch of views",
            views::keep)
        .takes::<views::Views>(),
        route!(GET "/api/v1/cases/{case}/slides/{slide}/annotations", read,
            "Sets of points by the million", bulk::list)
        .gives::<bulk::Sets>(),
        route!(POST "/api/v1/cases/{case}/slides/{slide}/annotations", May(Action::Propose),
            "Puts a set of points: BNA1, their number, coordinates, classes", bulk::put)
        .asks::<bulk::NewSet>()
        .takes_bytes("application/octet-stream", bulk::FORM)
        .takes_at_most(bulk::LARGEST)
        .gives::<serde_json::Value>(),
        route!(GET "/api/v1/cases/{case}/slides/{slide}/annotations/{set}/points", read,
            "A set's points in the same form", bulk::points)
        .gives_bytes("application/octet-stream"),
        route!(GET "/api/v1/cases/{case}/slides/{slide}/heatmap.png", read,
            "A grey map of probabilities", cases::heatmap)
        .gives_bytes("image/png"),
        route!(GET "/api/v1/cases/{case}/slides/{slide}/crop.jpeg", read,
            "The slide's worst place", cases::worst_place)
        .gives_bytes("image/jpeg"),
    ]
}

fn signing() -> Vec<Route> {
    let sign = May(Action::SignOut);
    vec![
        route!(GET "/api/v1/cases/{case}/report", May(Action::ReadCase),
            "The report: a preview, or what was signed", report::show)
        .asks::<report::VersionFilter>()
        .gives::<report::ReportDocument>(),
        route!(POST "/api/v1/cases/{case}/sign-out", sign, "Signs a case", report::sign_out)
            .takes::<report::SignOutBody>()
            .gives::<report::SignedDocument>(),
        route!(POST "/api/v1/cases/{case}/reopen", sign, "Opens a signed case again",
            report::reopen)
        .takes::<report::ReasonBody>(),
        route!(GET "/api/v1/cases/{case}/discrepancies", May(Action::ReadWorklist),
            "Questions that late proposals raised", report::discrepancies)
        .gives::<Vec<report::DiscrepancyLine>>(),
        route!(GET "/api/v1/discrepancies", May(Action::ReadWorklist),
            "Questions that are still open, the oldest first; at most 100",
            report::open_discrepancies)
        .gives::<Vec<report::DiscrepancyLine>>(),
        route!(POST "/api/v1/discrepancies/{discrepancy}/close", sign, "Closes a discrepancy",
            report::close_discrepancy)
        .takes::<report::ReasonBody>(),
        route!(GET "/api/v1/released", May(Action::ReadReleased),
            "Signed cases: a clinician's own, those of patients who agree to research",
            released::list)
        .asks::<released::ReleasedFilter>()
        .gives::<released::ReleasedDocument>(),
        route!(GET "/api/v1/released/{case}", May(Action::ReadReleased),
            "What is signed of a case", released::one)
        .gives::<released::SignedReport>(),
        // Fact and proposal need different permissions: the record says.
        route!(GET "/api/v1/cases/{case}/exports/{format}", LoggedIn,
            "A case for other programs; what is not signed is marked, or refused",
            exports::write)
        .asks::<exports::ExportFilter>()
        .gives_bytes("application/geo+json")
        .or("application/json")
        .or("application/dicom"),
    ]
}

fn improving() -> Vec<Route> {
    let (see, consent) = (May(Action::ActivateHead), May(Action::RecordConsent));
    vec![
        route!(GET "/api/v1/improvement", see, "Heads refitted to decisions, and which is in use",
            improvement::show)
        .gives::<improvement::ImprovementDocument>(),
        route!(POST "/api/v1/improvement", May(Action::Improve),
            "Begins to refit the head to all decisions that stand; nothing comes into use by it",
            improvement::begin),
        route!(GET "/api/v1/improvement/heads/{head}", see,
            "A refitted head with the decisions behind it", improvement::one)
        .gives::<improvement::HeadDocument>(),
        route!(PUT "/api/v1/improvement/active", see,
            "Puts a refitted head, or the task's own, into use", improvement::activate)
        .takes::<improvement::WantedHead>(),
        route!(GET "/api/v1/cases/{case}/consent", consent, "What the patient has agreed to",
            consent::list)
        .gives::<Vec<consent::ConsentLine>>(),
        route!(POST "/api/v1/cases/{case}/consent", consent,
            "Writes down what the patient agrees to", consent::note)
        .takes::<consent::NewConsent>(),
    ]
}

fn slide_routes() -> Vec<Route> {
    let register = May(Action::Register);
    vec![
        route!(GET "/api/v1/slides", register, "Every slide of the folder", slides::list)
            .gives::<Vec<slides::FolderSlide>>(),
        route!(GET "/api/v1/slides/{slide}", Slide, "What a slide says of itself", slides::one)
            .gives::<slides::SlideFactsDocument>(),
        route!(GET "/api/v1/slides/{slide}/thumbnail", Slide, "The whole slide, small",
            slides::thumbnail)
        .gives_picture(),
        route!(GET "/deepzoom/{descriptor}", Slide, "Deep Zoom descriptor",
            deep_zoom::descriptor)
        .gives_bytes("application/xml"),
        route!(GET "/deepzoom/{files}/{level}/{tile}", Slide, "Deep Zoom tile", deep_zoom::tile)
            .gives_picture(),
        route!(GET "/iiif/3/{slide}", Slide, "IIIF base address", iiif::base)
            .leads_to("application/ld+json"),
        route!(GET "/iiif/3/{slide}/info.json", Slide, "IIIF image information",
            iiif::information)
        .gives_standard("application/ld+json"),
        route!(GET "/iiif/3/{slide}/{region}/{size}/{rotation}/{ending}", Slide, "IIIF image",
            iiif::image)
        .gives_picture()
        .or("image/png"),
    ]
}

const STUDY: &str = "/dicomweb/studies/{study}";
const SERIES: &str = "/dicomweb/studies/{study}/series/{series}";
const INSTANCES: &str = "/dicomweb/studies/{study}/series/{series}/instances";
const JSON: &str = "application/dicom+json";

/// An address under an instance.
macro_rules! of_instance {
    ($rest:literal) => {
        concat!("/dicomweb/studies/{study}/series/{series}/instances/{instance}", $rest)
    };
}

fn dicomweb() -> Vec<Route> {
    let register = May(Action::Register);
    vec![
        route!(GET "/dicomweb/studies", register, "QIDO-RS studies", dicom::studies)
            .asks::<dicom::SearchParameters>()
            .gives_standard(JSON),
        route!(POST "/dicomweb/studies", May(Action::Propose),
            "STOW-RS: annotations, which become proposals", store::store)
        .takes_bytes("multipart/related", store::FORM)
        .takes_at_most(store::LARGEST)
        .gives_standard(JSON)
        .or_answers(202, JSON)
        .or_answers(409, JSON),
        route!(GET "/dicomweb/series", register, "QIDO-RS series", dicom::all_series)
            .asks::<dicom::SearchParameters>()
            .gives_standard(JSON),
        route!(GET "/dicomweb/instances", register, "QIDO-RS instances", dicom::all_instances)
            .asks::<dicom::SearchParameters>()
            .gives_standard(JSON),
        route!(GET STUDY, Slide, "WADO-RS files of a study", dicom::study)
            .gives_bytes("multipart/related")
            .or("application/dicom"),
        route!(GET "/dicomweb/studies/{study}/series", Slide, "QIDO-RS series of a study",
            dicom::series)
        .asks::<dicom::SearchParameters>()
        .gives_standard(JSON),
        route!(GET "/dicomweb/studies/{study}/instances", Slide, "QIDO-RS instances of a study",
            dicom::study_instances)
        .asks::<dicom::SearchParameters>()
        .gives_standard(JSON),
        route!(GET "/dicomweb/studies/{study}/metadata", Slide, "WADO-RS metadata of a study",
            dicom::study_metadata)
        .gives_standard(JSON),
        route!(GET "/dicomweb/studies/{study}/thumbnail", Slide, "WADO-RS thumbnail of a study",
            dicom::study_thumbnail)
        .asks::<dicom::Window>()
        .gives_picture()
        .or("image/png"),
        route!(GET SERIES, Slide, "WADO-RS files of a series", dicom::retrieved_series)
            .gives_bytes("multipart/related")
            .or("application/dicom"),
        route!(GET INSTANCES, Slide, "QIDO-RS instances of a series", dicom::instances)
            .asks::<dicom::SearchParameters>()
            .gives_standard(JSON),
        route!(GET "/dicomweb/studies/{study}/series/{series}/metadata", Slide,
            "WADO-RS metadata of a series", dicom::series_metadata)
        .gives_standard(JSON),
        route!(GET "/dicomweb/studies/{study}/series/{series}/thumbnail", Slide,
            "WADO-RS thumbnail of a series", dicom::series_thumbnail)
        .asks::<dicom::Window>()
        .gives_picture()
        .or("image/png"),
    ]
}

fn dicomweb_instances() -> Vec<Route> {
    vec![
        route!(GET of_instance!(""), Slide, "WADO-RS file of an instance", dicom::instance)
            .gives_bytes("multipart/related")
            .or("application/dicom"),
        route!(GET of_instance!("/metadata"), Slide, "WADO-RS metadata of an instance",
            dicom::instance_metadata)
        .gives_standard(JSON),
        route!(GET of_instance!("/bulkdata/{*way}"), Slide, "WADO-RS bulk data of an instance",
            dicom::bulk_data)
        .gives_bytes("multipart/related")
        .or("application/octet-stream"),
        route!(GET of_instance!("/rendered"), Slide, "WADO-RS rendered instance",
            dicom::rendered_instance)
        .asks::<dicom::Window>()
        .gives_picture()
        .or("image/png"),
        route!(GET of_instance!("/thumbnail"), Slide, "WADO-RS thumbnail of an instance",
            dicom::instance_thumbnail)
        .asks::<dicom::Window>()
        .gives_picture()
        .or("image/png"),
        route!(GET of_instance!("/frames/{frames}"), Slide, "WADO-RS frames", dicom::frames)
            .gives_bytes("multipart/related"),
        route!(GET of_instance!("/frames/{frames}/rendered"), Slide, "WADO-RS rendered frame",
            dicom::rendered)
        .gives_picture()
        .or("image/png"),
        route!(GET of_instance!("/frames/{frames}/thumbnail"), Slide, "WADO-RS thumbnail of a frame",
            dicom::frame_thumbnail)
        .gives_picture()
        .or("image/png"),
    ]
}

fn page() -> Vec<Route> {
    let file = |route: Route| {
        let route = route.gives_bytes("application/octet-stream").or_unchanged();
        web_app::MEDIA_TYPES.iter().fold(route, |route, (_, kind)| route.or(kind))
    };
    vec![
        route!(GET "/", Everybody, "The web app", web::page)
            .gives_bytes("text/html")
            .or_unchanged(),
        file(route!(GET "/{name}", Everybody, "A file beside the page", web::beside)),
        file(route!(GET "/assets/{*path}", Everybody, "A file of the web app", web::asset)),
    ]
}
