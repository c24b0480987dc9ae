//! Recipes: the shipped ones, malformed ones, and weights that do not fit.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::path::PathBuf;

use bianque_testkit::surroundings;
use bianque_vision::{Architecture, Permission, Purpose, Recipe, load, load_with_weights};
use serde_json::{Value, json};

fn shipped() -> PathBuf {
    surroundings::crate_folder().join("../../models/recipes")
}

fn fixture() -> PathBuf {
    surroundings::crate_folder().join("tests/fixtures/learned")
}

/// The fixture's recipe with one value changed.
fn changed(pointer: &str, value: Value) -> Value {
    let text = std::fs::read_to_string(fixture().join("recipe.json")).unwrap();
    let mut recipe: Value = serde_json::from_str(&text).unwrap();
    *recipe.pointer_mut(pointer).unwrap() = value;
    recipe
}

fn pooler(dim: u32, heads: u32) -> Value {
    json!({"attentional": {"dim": dim, "heads": heads, "norm_eps": 1e-5, "weights": "torch"}})
}

/// What loading a recipe with the fixture's weights says.
fn complaint(recipe: &Value) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.json");
    std::fs::write(&path, recipe.to_string()).unwrap();
    std::fs::copy(fixture().join("weights.safetensors"), folder.path().join("weights.safetensors"))
        .unwrap();
    load(&path).err().map(|error| error.to_string()).unwrap_or_default()
}

#[test]
fn every_shipped_recipe_has_the_published_size() {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(shipped()).unwrap() {
        let path = entry.unwrap().path();
        let recipe = Recipe::read(&path).unwrap();
        let Architecture::Vit(vit) = &recipe.architecture else { continue };
        let published = recipe.published.as_ref().expect("how it was published");
        let actual = vit.parameters(recipe.input.size) as f64 / 1e6;
        let tolerance = if published.parameters > 1000.0 { 0.5 } else { 0.15 };
        let off = (actual - published.parameters).abs();
        assert!(off <= tolerance, "{}: {actual} M, not {} M", recipe.name, published.parameters);
        assert_eq!(path.file_stem().unwrap().to_str(), Some(recipe.name.as_str()));
        names.push(recipe.name.clone());
    }
    assert!(names.len() >= 28, "only {names:?}");
}

/// Copies of these weights are about in other forms; the recipes say what a person does with one.
#[test]
fn what_depends_on_the_copy_of_a_file_is_listed() {
    for name in ["kaiko-s8", "kaiko-s16", "kaiko-b8", "kaiko-b16"] {
        let recipe = Recipe::read(&shipped().join(format!("{name}.json"))).unwrap();
        let unconfirmed = recipe.published.unwrap().unconfirmed;
        assert!(unconfirmed.iter().any(|text| text.contains("layer_scale")), "{unconfirmed:?}");
    }
}

#[test]
fn only_open_licences_allow_a_run_for_patients() {
    let mut allowed: Vec<String> = std::fs::read_dir(shipped())
        .unwrap()
        .map(|entry| Recipe::read(&entry.unwrap().path()).unwrap())
        .filter(|recipe| recipe.permits(Purpose::Clinical) == Permission::Allowed)
        .map(|recipe| recipe.name)
        .collect();
    allowed.sort();
    let open = ["h-optimus-0", "hibou-b", "hibou-l", "midnight-12k", "openmidnight", "virchow"];
    assert_eq!(allowed, open);
}

#[test]
fn impossible_recipes_say_what_is_wrong() {
    for (pointer, value, says) in [
        ("/schema", json!(2), "schema 2"),
        ("/weights", json!("../weights.safetensors"), "beside the recipe"),
        ("/input/size", json!(50), "multiple of the patch"),
        ("/input/size", json!(4_000_000_000_u32), "input.size"),
        ("/input/mpp", json!(0.0), "input.mpp"),
        ("/input/filter", json!("nearest"), "nearest"),
        ("/input/normalise/std", json!([0.2, 0.0, 0.2]), "normalise"),
        ("/architecture/patch", json!(0), "patch"),
        ("/architecture/heads", json!(5), "heads"),
        ("/architecture/heads", json!(0), "heads"),
        ("/architecture/depth", json!(1_000_000), "depth"),
        ("/architecture/registers", json!(u64::MAX), "registers"),
        ("/architecture/norm_eps", json!(0.0), "norm_eps"),
        ("/architecture/position", json!({"kind": "rope", "base": 0.5}), "base"),
        ("/architecture/ffn/hidden", json!(0), "ffn.hidden"),
        ("/architecture/pooling", json!("max"), "max"),
        ("/architecture/pooling", pooler(7, 2), "7"),
        ("/architecture/pooling", pooler(0, 0), "pooler"),
        ("/licence", json!(7), "string"),
    ] {
        let said = complaint(&changed(pointer, value));
        assert!(said.starts_with("recipe") && said.contains(says), "{pointer}: {said}");
    }
}

#[test]
fn weights_of_another_network_are_refused_by_name() {
    let other = format!("blake3:{}", "0".repeat(64));
    let mut with_digest = changed("/version", json!("x"));
    with_digest["digest"] = json!(other);
    assert!(complaint(&with_digest).contains(&other));
    for (pointer, value, says) in [
        ("/architecture/depth", json!(3), "blocks.2.norm1.weight"),
        ("/architecture/depth", json!(1), "blocks.1."),
        ("/architecture/layer_scale", json!(false), "ls1.gamma"),
        ("/architecture/registers", json!(0), "pos_embed"),
        ("/architecture/ffn/hidden", json!(100), "mlp.fc1.weight"),
        ("/architecture/ffn", json!({"kind": "swi_glu", "hidden": 96}), "mlp.fc2.weight"),
        ("/architecture/position", json!({"kind": "rope", "base": 100.0}), "pos_embed"),
        ("/architecture/position/prefix_rows", json!("none"), "pos_embed"),
        ("/architecture/patch", json!(12), "patch_embed.proj.weight"),
    ] {
        let said = complaint(&changed(pointer, value));
        assert!(said.starts_with("weights") && said.contains(says), "{pointer}: {said}");
    }
}

#[test]
fn a_digest_and_a_file_elsewhere_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let weights = fixture().join("weights.safetensors");
    let digest = bianque_core::Digest::of(&std::fs::read(&weights).unwrap());
    let mut recipe = changed("/version", json!("x"));
    recipe["digest"] = json!(digest.to_string());
    let path = folder.path().join("recipe.json");
    std::fs::write(&path, recipe.to_string()).unwrap();
    assert!(load(&path).err().unwrap().to_string().contains("cannot read"));
    let encoder = load_with_weights(&path, &weights).unwrap();
    assert_eq!(encoder.producer().digest, Some(digest));
    assert_eq!(encoder.producer().licence.as_deref(), Some("CC0-1.0"));
}

#[test]
fn tiles_and_buffers_of_another_size_are_refused() {
    let encoder = load(&fixture().join("recipe.json")).unwrap();
    let tile = |size| bianque_core::RgbImage::filled(size, size, [200; 3]);
    let mut out = vec![0.0; encoder.dimension()];
    assert!(encoder.encode(&[tile(48)], &mut out).is_ok());
    assert!(encoder.encode(&[tile(56)], &mut out).is_err());
    assert!(encoder.encode(&[tile(48)], &mut out[1..]).is_err());
    assert!(encoder.encode(&[], &mut []).is_ok());
}
