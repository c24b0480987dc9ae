//! What is said to a client when its request cannot be met.

use axum::{
    Json,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use bianque_record::RecordError;
use bianque_slide::SlideError;
use serde::Serialize;

/// Why a request is not met, by who must act.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// What the address names does not exist.
    NotFound(&'static str),
    /// The client asks for what makes no sense; it is told what would.
    Request(String),
    /// The client takes no form in which the answer can be had.
    NotAcceptable(&'static str),
    /// The slide's file is broken, gone or not readable; the site must act.
    Slide(SlideError),
    /// Nobody is logged in, or the login is refused.
    LogIn,
    /// It was tried too often; after so many seconds it may be tried again.
    TooOften {
        /// What.
        what: String,
        /// When again.
        seconds: u32,
    },
    /// The role may not do this.
    Forbidden(String),
    /// The request does not show that it comes from our own page.
    NotOwnPage,
    /// It contradicts what is recorded; the client must look again.
    Conflict(String),
    /// The machine lacks something; trying again later may help.
    Unavailable(String),
    /// A fault of the program.
    Fault(&'static str),
}

/// The body of a refusal, as RFC 9457 has it.
#[derive(Serialize)]
struct Problem {
    title: &'static str,
    status: u16,
    detail: String,
}

impl From<SlideError> for Refusal {
    fn from(error: SlideError) -> Self {
        match error {
            SlideError::Request(what) => Self::Request(what),
            other => Self::Slide(other),
        }
    }
}

impl From<RecordError> for Refusal {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::LoginRefused => Self::LogIn,
            RecordError::Locked { .. } => Self::TooOften { what: error.to_string(), seconds: 60 },
            RecordError::Forbidden { .. } | RecordError::NoConsent { .. } => {
                Self::Forbidden(error.to_string())
            }
            RecordError::Invalid { .. } => Self::Request(error.to_string()),
            RecordError::NotFound { what, .. } => Self::NotFound(what),
            RecordError::Transition { .. } | RecordError::Conflict(_) => {
                Self::Conflict(error.to_string())
            }
            RecordError::Busy(_) => Self::Unavailable("the record is busy: try again".to_owned()),
            RecordError::Full(_) => {
                Self::Unavailable("the disk is full; nothing was half done".to_owned())
            }
            RecordError::Damaged { what, .. } => {
                tracing::error!(what, "what is stored is damaged");
                Self::Fault("what is stored is damaged: an administrator must verify the audit")
            }
            // Paths and the words of a database stay on this side.
            RecordError::Database { .. }
            | RecordError::Newer { .. }
            | RecordError::ForeignMigration { .. }
            | RecordError::Objects { .. }
            | RecordError::File { .. } => {
                tracing::error!(%error, "the record failed");
                Self::Unavailable("the record cannot be used now".to_owned())
            }
        }
    }
}

impl Refusal {
    fn parts(&self) -> (StatusCode, &'static str, String) {
        match self {
            Self::NotFound(what) => (StatusCode::NOT_FOUND, "Not found", format!("no such {what}")),
            Self::Request(what) => (StatusCode::BAD_REQUEST, "Bad request", what.clone()),
            Self::NotAcceptable(what) => {
                (StatusCode::NOT_ACCEPTABLE, "Not acceptable", (*what).to_owned())
            }
            Self::Slide(error) => slide_parts(error),
            Self::LogIn => {
                let what = "log in; name, password, token or link is wrong, used or too old";
                (StatusCode::UNAUTHORIZED, "Log in", what.to_owned())
            }
            Self::TooOften { what, .. } => {
                (StatusCode::TOO_MANY_REQUESTS, "Too many tries", what.clone())
            }
            Self::Forbidden(what) => (StatusCode::FORBIDDEN, "Not allowed", what.clone()),
            Self::NotOwnPage => {
                let what = "the header X-CSRF-Token is missing or is another session's";
                (StatusCode::FORBIDDEN, "Not from our own page", what.to_owned())
            }
            Self::Conflict(what) => (StatusCode::CONFLICT, "Look again", what.clone()),
            Self::Unavailable(what) => {
                (StatusCode::SERVICE_UNAVAILABLE, "Try again later", what.clone())
            }
            Self::Fault(what) => {
                (StatusCode::INTERNAL_SERVER_ERROR, "Fault of the program", (*what).to_owned())
            }
        }
    }
}

/// A refusal that a layer or an extractor has put in words of its own: those that the description
/// promises.
pub(crate) fn problem(status: StatusCode, said: &str) -> Response {
    let detail = match status {
        StatusCode::METHOD_NOT_ALLOWED => "this address does not take this method",
        StatusCode::PAYLOAD_TOO_LARGE => "the body is larger than this address takes",
        StatusCode::SERVICE_UNAVAILABLE => "it took too long: try again later",
        _ if said.trim().is_empty() => "the request cannot be met",
        _ => said.trim(),
    };
    let title = status.canonical_reason().unwrap_or("Refused");
    let problem = Problem { title, status: status.as_u16(), detail: detail.to_owned() };
    (status, [(header::CONTENT_TYPE, PROBLEM)], Json(problem)).into_response()
}

/// The media type of a refusal.
pub(crate) const PROBLEM: &str = "application/problem+json";

impl Refusal {
    /// What is said, without the rest.
    pub(crate) fn words(&self) -> String {
        self.parts().2
    }
}

/// Paths of files stay on this side: a file's name may name a patient.
fn slide_parts(error: &SlideError) -> (StatusCode, &'static str, String) {
    let unreadable = |what: String| (StatusCode::UNPROCESSABLE_ENTITY, "Slide not readable", what);
    match error {
        SlideError::Io { source, .. } => {
            (StatusCode::GONE, "Slide gone", format!("the slide's file cannot be read: {source}"))
        }
        SlideError::NotASlide { why, .. } => unreadable(format!("the file is no slide: {why}")),
        SlideError::Broken { what, .. } => unreadable(format!("the slide is broken: {what}")),
        SlideError::Unsupported { what, .. } => {
            unreadable(format!("the slide uses what is not supported: {what}"))
        }
        SlideError::Tile { .. } | SlideError::Associated { .. } | SlideError::NoMpp => {
            unreadable(error.to_string())
        }
        SlideError::Request(what) => (StatusCode::BAD_REQUEST, "Bad request", what.clone()),
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, title, detail) = self.parts();
        let problem = Problem { title, status: status.as_u16(), detail };
        let kind = [(header::CONTENT_TYPE, PROBLEM)];
        let mut response = (status, kind, Json(problem)).into_response();
        if let Self::TooOften { seconds, .. } = self {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if matches!(self, Self::LogIn) {
            // RFC 9110, section 15.5.2: a 401 says how to come in.
            let scheme = header::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_path_of_a_file_is_told() {
        let error = SlideError::Broken {
            path: "/slides/Zhang San 19600101.svs".into(),
            what: "tile 3 is cut off".to_owned(),
        };
        let (status, _, detail) = Refusal::from(error).parts();
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(detail.contains("cut off") && !detail.contains("Zhang"), "{detail}");
    }
}
