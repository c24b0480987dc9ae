//! Whole files: documents as they are, levels frame by frame, so that no answer is ever held whole.

use std::{io, sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes},
    extract::{self, Path},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use bianque_core::Digest;
use bianque_record::identity::Token;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use super::{State, Study, metadata::images};
use crate::{
    access::Caller,
    answer::Refusal,
    dicomweb::{
        accept::{self, Form},
        document::Document,
        instance::JPEG_BASELINE,
        part10::EXPLICIT_LITTLE_ENDIAN,
        whole,
    },
};

/// A client that takes nothing for so long is given up.
const PATIENCE: Duration = Duration::from_secs(60);

type Chunks = mpsc::Sender<Result<Bytes, io::Error>>;

/// `/studies/STUDY`.
pub(crate) async fn study(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path(study): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    retrieve(state, &caller, &study, None, None, &headers).await
}

/// `/studies/STUDY/series/SERIES`.
pub(crate) async fn series(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((study, series)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    retrieve(state, &caller, &study, Some(&series), None, &headers).await
}

/// `/studies/STUDY/series/SERIES/instances/INSTANCE`.
pub(crate) async fn instance(
    extract::State(state): extract::State<State>,
    caller: Caller,
    Path((study, series, instance)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    retrieve(state, &caller, &study, Some(&series), Some(&instance), &headers).await
}

/// What is to be sent.
struct Plan {
    study: Study,
    levels: Vec<usize>,
    documents: Vec<Document>,
    /// The line between parts, where there are parts.
    boundary: Option<String>,
}

async fn retrieve(
    state: State,
    caller: &Caller,
    study: &str,
    series: Option<&str>,
    instance: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Refusal> {
    let study = Study::of(&state, caller, study).await?;
    series.map_or(Ok(()), |series| study.require_series(series))?;
    let is_wanted = |of: &str, uid: &str| {
        series.is_none_or(|series| series == of) && instance.is_none_or(|instance| instance == uid)
    };
    let own = study.series.series.as_str();
    let levels = study.series.instances.iter().enumerate();
    let levels: Vec<_> = levels.filter(|(_, level)| is_wanted(own, level.uid.as_str())).collect();
    levels.iter().try_for_each(|(_, level)| whole::can_be_had(level))?;
    let levels: Vec<usize> = levels.into_iter().map(|(place, _)| place).collect();
    let documents = study.documents.iter();
    let documents: Vec<Document> =
        documents.filter(|document| is_wanted(&document.series, &document.uid)).cloned().collect();
    let syntax = if levels.is_empty() { EXPLICIT_LITTLE_ENDIAN } else { JPEG_BASELINE };
    let form = accept::takes_files(headers, &[syntax])?;
    match (levels.len() + documents.len(), form) {
        (0, _) => return Err(Refusal::NotFound("instance")),
        (1, _) | (_, Form::Parts) => {}
        (_, Form::Single) => {
            let why =
                "several instances can be had as multipart/related; type=\"application/dicom\"";
            return Err(Refusal::NotAcceptable(why));
        }
    }
    let boundary = match form {
        Form::Single => None,
        // A line that nobody can guess stands in no file.
        Form::Parts => Some(format!("bianque-{}", &mark()?)),
    };
    send(state, Plan { study, levels, documents, boundary }).await
}

fn mark() -> Result<String, Refusal> {
    let digest = Digest::of(Token::fresh()?.reveal().as_bytes()).to_string();
    Ok(digest.rsplit(':').next().and_then(|digits| digits.get(..32)).unwrap_or_default().to_owned())
}

async fn send(state: State, plan: Plan) -> Result<Response, Refusal> {
    let busy = |_| Refusal::Unavailable("other files are being sent: try again".to_owned());
    let place = Arc::clone(&state.sending).try_acquire_owned().map_err(busy)?;
    let kind = match &plan.boundary {
        None => "application/dicom".to_owned(),
        Some(boundary) => {
            format!("multipart/related; type=\"application/dicom\"; boundary={boundary}")
        }
    };
    let (chunks, taken) = mpsc::channel(2);
    tokio::spawn(async move {
        let _place = place;
        if let Err(refusal) = send_all(&state, &plan, &chunks).await {
            tracing::warn!(why = refusal.words(), "a file could not be sent to its end");
            // An answer that breaks off is seen as broken; one that ends would not be.
            let broken = io::Error::other("the file could not be read to its end");
            let _ = tokio::time::timeout(PATIENCE, chunks.send(Err(broken))).await;
        }
    });
    let body = Body::from_stream(ReceiverStream::new(taken));
    Ok(([(header::CONTENT_TYPE, kind)], body).into_response())
}

async fn give(chunks: &Chunks, bytes: Vec<u8>) -> Result<(), Refusal> {
    let sent = tokio::time::timeout(PATIENCE, chunks.send(Ok(bytes.into()))).await;
    match sent {
        Ok(Ok(())) => Ok(()),
        _ => Err(Refusal::Unavailable("the client takes no more".to_owned())),
    }
}

async fn send_all(state: &State, plan: &Plan, chunks: &Chunks) -> Result<(), Refusal> {
    for (_, uid, set) in images(state, &plan.study, plan.levels.clone()).await? {
        begin(plan, JPEG_BASELINE, chunks).await?;
        let instance = plan.study.series.instance(&uid)?.clone();
        give(chunks, whole::beginning(set, &instance)?).await?;
        let mut number = 1;
        while number <= instance.frames() {
            let own = instance.clone();
            let work = move |opened: &crate::library::OpenedSlide| {
                whole::next(opened.slide(), &own, number)
            };
            let (bytes, after) = state.on_opened(plan.study.key, work).await?;
            give(chunks, bytes).await?;
            number = after;
        }
        give(chunks, whole::END.to_vec()).await?;
        end(plan, chunks).await?;
    }
    for document in &plan.documents {
        begin(plan, EXPLICIT_LITTLE_ENDIAN, chunks).await?;
        give(chunks, plan.study.file(state, document).await?).await?;
        end(plan, chunks).await?;
    }
    match &plan.boundary {
        Some(boundary) => give(chunks, format!("--{boundary}--\r\n").into_bytes()).await,
        None => Ok(()),
    }
}

async fn begin(plan: &Plan, syntax: &str, chunks: &Chunks) -> Result<(), Refusal> {
    let Some(boundary) = &plan.boundary else { return Ok(()) };
    let head = format!(
        "--{boundary}\r\nContent-Type: application/dicom; transfer-syntax={syntax}\r\n\r\n"
    );
    give(chunks, head.into_bytes()).await
}

async fn end(plan: &Plan, chunks: &Chunks) -> Result<(), Refusal> {
    if plan.boundary.is_none() {
        return Ok(());
    }
    give(chunks, b"\r\n".to_vec()).await
}
