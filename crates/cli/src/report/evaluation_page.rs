//! `evaluation.html`: the pages of `web/report` with an evaluation inside.

use anyhow::Context;
use serde::Serialize;

const STYLE: &str = concat!(
    include_str!("../../../../web/report/report.css"),
    include_str!("../../../../web/report/slides.css"),
);
const PLOTS: &str = include_str!("../../../../web/report/plots.js");

/// A page without its data.
struct Frame {
    page: &'static str,
    script: &'static str,
}

const SLIDES: Frame = Frame {
    page: include_str!("../../../../web/report/slides.html"),
    script: include_str!("../../../../web/report/slides.js"),
};
const LESIONS: Frame = Frame {
    page: include_str!("../../../../web/report/lesions.html"),
    script: include_str!("../../../../web/report/lesions.js"),
};

/// The self-contained page of an evaluation of slides or of tiles.
pub(crate) fn slides_page<T: Serialize>(document: &T) -> anyhow::Result<String> {
    SLIDES.with(document)
}

/// The self-contained page of an evaluation of lesions.
pub(crate) fn lesions_page<T: Serialize>(document: &T) -> anyhow::Result<String> {
    LESIONS.with(document)
}

impl Frame {
    fn with<T: Serialize>(&self, document: &T) -> anyhow::Result<String> {
        // Inside a script element only `<` could end it or open a comment.
        let data = serde_json::to_string(document)?.replace('<', "\\u003c");
        let (before, rest) = self.page.split_once("/*{{style}}*/").context("no style's place")?;
        let (between, rest) = rest.split_once("{{evaluation}}").context("no data's place")?;
        let (last, after) = rest.split_once("/*{{script}}*/").context("no script's place")?;
        Ok([before, STYLE, between, &data, last, PLOTS, self.script, after].concat())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_the_page() {
        let document = serde_json::json!({ "classes": ["</script><script>x"] });
        for html in [slides_page(&document).unwrap(), lesions_page(&document).unwrap()] {
            assert!(html.contains("\\u003c/script>\\u003cscript>x") && !html.contains("{{"));
            assert!(html.contains("const Plots"));
        }
    }
}
