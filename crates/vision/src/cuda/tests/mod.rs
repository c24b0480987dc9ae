//! The GPU engine without a GPU.

mod kernels;
mod network;
mod plans;

use bianque_testkit::surroundings;

use crate::recipe::{Architecture, Recipe};

/// All shipped recipes of transformers.
pub(super) fn transformers() -> Vec<Recipe> {
    let folder = surroundings::crate_folder().join("../../models/recipes");
    let mut recipes: Vec<Recipe> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| Recipe::read(&entry.unwrap().path()).unwrap())
        .filter(|recipe| matches!(recipe.architecture, Architecture::Vit(_)))
        .collect();
    recipes.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(recipes.len() >= 28);
    recipes
}
