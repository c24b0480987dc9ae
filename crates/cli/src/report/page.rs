//! `report.html`: the page of `web/report` with the report and its pictures inside.

use anyhow::Context;
use serde::Serialize;

use super::Report;

const PAGE: &str = include_str!("../../../../web/report/report.html");
const STYLE: &str = include_str!("../../../../web/report/report.css");
const SCRIPT: &str = include_str!("../../../../web/report/report.js");

/// The pictures of a page, as `data:` addresses.
#[derive(Serialize)]
pub(crate) struct Images {
    pub(crate) thumbnail: String,
    pub(crate) heat: String,
    /// The layer of attention, where it was asked for.
    pub(crate) attention: Option<String>,
    /// Per finding of the check, where it has a place.
    pub(crate) quality: Vec<Option<String>>,
    /// Per region, per evidence tile.
    pub(crate) evidence: Vec<Vec<String>>,
}

/// What the page's script reads.
#[derive(Serialize)]
pub(crate) struct Page<'a> {
    pub(crate) report: &'a Report,
    pub(crate) images: Images,
}

impl Page<'_> {
    /// The self-contained page.
    pub(crate) fn html(&self) -> anyhow::Result<String> {
        // Inside a script element only `<` could end it or open a comment.
        let data = serde_json::to_string(self)?.replace('<', "\\u003c");
        let (before, rest) = PAGE.split_once("/*{{style}}*/").context("page without style")?;
        let (between, rest) = rest.split_once("{{report}}").context("page without report")?;
        let (last, after) = rest.split_once("/*{{script}}*/").context("page without script")?;
        Ok([before, STYLE, between, &data, last, SCRIPT, after].concat())
    }
}
