//! One address with its method: to whom it is open, what it takes and gives.

use axum::{http::Method, routing::MethodRouter};
use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::State;
use crate::access::Access;

/// The largest body unless a route takes more: an outline of 20,000 points and a thousand views.
const LARGEST_BODY: usize = 2 << 20;

type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// What an answer is.
#[derive(Copy, Clone)]
pub(crate) enum Answer {
    /// JSON of this form.
    Json(SchemaOf),
    /// JSON of a form that another standard sets.
    Standard(&'static str),
    /// Bytes of a media type.
    Bytes(&'static str),
    /// Another address, where an answer of this media type is.
    Elsewhere(&'static str),
    /// Nothing but that it was done.
    Nothing,
}

/// What a request carries.
#[derive(Copy, Clone)]
pub(crate) enum RequestBody {
    /// JSON of this form.
    Json(SchemaOf),
    /// Bytes of a media type, and what they are.
    Bytes(&'static str, &'static str),
}

/// An answer beside the usual one: its status and its media type, if it has one.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Further(pub(crate) u16, pub(crate) Option<&'static str>);

/// An address with a method.
pub(crate) struct Route {
    pub(crate) method: Method,
    pub(crate) path: &'static str,
    pub(crate) access: Access,
    /// What it does, for the description.
    pub(crate) summary: &'static str,
    pub(crate) body: Option<RequestBody>,
    pub(crate) query: Option<SchemaOf>,
    pub(crate) answer: Answer,
    pub(crate) further: Vec<Further>,
    /// The largest body, in bytes.
    pub(crate) largest: usize,
    pub(crate) handler: MethodRouter<State>,
}

fn schema<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// Query parameters are written out one by one, so they need the whole form.
fn whole<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

impl Route {
    pub(super) fn new(
        method: Method,
        path: &'static str,
        access: Access,
        summary: &'static str,
        handler: MethodRouter<State>,
    ) -> Self {
        let answer = Answer::Nothing;
        let largest = LARGEST_BODY;
        Self {
            method,
            path,
            access,
            summary,
            body: None,
            query: None,
            answer,
            further: Vec::new(),
            largest,
            handler,
        }
    }

    pub(super) fn takes<T: JsonSchema>(mut self) -> Self {
        self.body = Some(RequestBody::Json(schema::<T>));
        self
    }

    pub(super) fn takes_bytes(mut self, media_type: &'static str, what: &'static str) -> Self {
        self.body = Some(RequestBody::Bytes(media_type, what));
        self
    }

    pub(super) fn asks<T: JsonSchema>(mut self) -> Self {
        self.query = Some(whole::<T>);
        self
    }

    pub(super) fn gives<T: JsonSchema>(mut self) -> Self {
        self.answer = Answer::Json(schema::<T>);
        self
    }

    pub(super) fn gives_bytes(mut self, media_type: &'static str) -> Self {
        self.answer = Answer::Bytes(media_type);
        self
    }

    /// A picture that clients may keep: `304` where they have it.
    pub(super) fn gives_picture(self) -> Self {
        self.gives_bytes("image/jpeg").or_unchanged()
    }

    /// Another media type of the same answer.
    pub(super) fn or(self, media_type: &'static str) -> Self {
        self.or_answers(200, media_type)
    }

    /// An answer of another status.
    pub(super) fn or_answers(mut self, status: u16, media_type: &'static str) -> Self {
        self.further.push(Further(status, Some(media_type)));
        self
    }

    /// That the client has it already.
    pub(super) fn or_unchanged(mut self) -> Self {
        self.further.push(Further(304, None));
        self
    }

    pub(super) fn leads_to(mut self, media_type: &'static str) -> Self {
        self.answer = Answer::Elsewhere(media_type);
        self
    }

    pub(super) fn takes_at_most(mut self, bytes: usize) -> Self {
        self.largest = bytes;
        self
    }

    pub(super) fn gives_standard(mut self, media_type: &'static str) -> Self {
        self.answer = Answer::Standard(media_type);
        self
    }
}

macro_rules! route {
    (GET $path:expr, $access:expr, $summary:expr, $handler:expr) => {
        Route::new(Method::GET, $path, $access, $summary, get($handler))
    };
    (POST $path:expr, $access:expr, $summary:expr, $handler:expr) => {
        Route::new(Method::POST, $path, $access, $summary, post($handler))
    };
    (PUT $path:expr, $access:expr, $summary:expr, $handler:expr) => {
        Route::new(Method::PUT, $path, $access, $summary, put($handler))
    };
    (DELETE $path:expr, $access:expr, $summary:expr, $handler:expr) => {
        Route::new(Method::DELETE, $path, $access, $summary, delete($handler))
    };
}

pub(super) use route;
