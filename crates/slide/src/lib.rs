//! Any vendor's whole-slide image as one pyramid: raw tile bytes first, pixels second.
