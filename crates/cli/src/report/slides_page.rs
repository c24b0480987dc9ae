//! `evaluation.html`: the page of `web/report/slides.html` with an evaluation inside.

use anyhow::Context;
use serde::Serialize;

const PAGE: &str = include_str!("../../../../web/report/slides.html");
const STYLE: &str = concat!(
    include_str!("../../../../web/report/report.css"),
    include_str!("../../../../web/report/slides.css"),
);
const SCRIPT: &str = include_str!("../../../../web/report/slides.js");

/// The self-contained page of what `evaluation.json` holds.
pub(crate) fn slides_page<T: Serialize>(document: &T) -> anyhow::Result<String> {
    // Inside a script element only `<` could end it or open a comment.
    let data = serde_json::to_string(document)?.replace('<', "\\u003c");
    let (before, rest) = PAGE.split_once("/*{{style}}*/").context("page without style")?;
    let (between, rest) = rest.split_once("{{evaluation}}").context("page without data")?;
    let (last, after) = rest.split_once("/*{{script}}*/").context("page without script")?;
    Ok([before, STYLE, between, &data, last, SCRIPT, after].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_the_page() {
        let html = slides_page(&serde_json::json!({ "classes": ["</script><script>x"] })).unwrap();
        assert!(html.contains("\\u003c/script>\\u003cscript>x") && !html.contains("{{"));
    }
}
