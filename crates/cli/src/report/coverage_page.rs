//! The page of the coverage table: `web/coverage` with the table inside.

use anyhow::Context;
use bianque_lesion::Coverage;
use serde::Serialize;

const PAGE: &str = include_str!("../../../../web/coverage/coverage.html");
const STYLE: &str = include_str!("../../../../web/coverage/coverage.css");
const SCRIPT: &str = concat!(
    include_str!("../../../../web/coverage/words.js"),
    include_str!("../../../../web/coverage/coverage.js"),
);

/// What the page's script reads.
#[derive(Serialize)]
struct Page<'a> {
    program_version: &'static str,
    #[serde(flatten)]
    coverage: &'a Coverage,
}

/// The self-contained page.
pub(crate) fn coverage_page(coverage: &Coverage) -> anyhow::Result<String> {
    let page = Page { program_version: env!("CARGO_PKG_VERSION"), coverage };
    // Inside a script element only `<` could end it or open a comment.
    let data = serde_json::to_string(&page)?.replace('<', "\\u003c");
    let (before, rest) = PAGE.split_once("/*{{style}}*/").context("page without style")?;
    let (between, rest) = rest.split_once("{{coverage}}").context("page without data")?;
    let (last, after) = rest.split_once("/*{{script}}*/").context("page without script")?;
    Ok([before, STYLE, between, &data, last, SCRIPT, after].concat())
}
