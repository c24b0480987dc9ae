//! A task's folder: `task.json` and `head.safetensors`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use bianque_core::Digest;
use serde::{Deserialize, Serialize};

use super::{
    EncoderReference, HEAD_FILE, Label, RESEARCH_USE, SeenTiles, TASK_FILE, Task, TileSettings,
    slide::is_slide_task,
};
use crate::{
    error::{LesionError, Result},
    files::{at, read_bounded, write_whole},
    head::{head_from_bytes, head_to_bytes},
    regions::RegionSettings,
};

const SCHEMA: u32 = 1;
const MAX_DESCRIPTION: u64 = 4 << 20;
const MAX_HEAD: u64 = 1 << 30;
const MAX_LABELS: usize = 4096;

/// `task.json`, field by field.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    schema: u32,
    name: String,
    version: String,
    title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    title_zh: Option<String>,
    organ: String,
    notice: String,
    intended_use: String,
    licence: String,
    trained_on: String,
    encoder: EncoderReference,
    tiles: TileSettings,
    labels: Vec<Label>,
    regions: RegionSettings,
    calibration: Calibration,
    head: HeadReference,
    #[serde(default)]
    measured: serde_json::Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    training_tiles: Option<SeenTiles>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Calibration {
    temperature: f64,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HeadReference {
    file: String,
    digest: Digest,
}

pub(super) fn load(folder: &Path) -> Result<Task> {
    let path = folder.join(TASK_FILE);
    let wrong = |what: String| LesionError::Task { path: path.clone(), what };
    let text = read_bounded(&path, MAX_DESCRIPTION)?;
    // The schema first: another version's fields would only confuse.
    let value: serde_json::Value =
        serde_json::from_slice(&text).map_err(|e| wrong(format!("no JSON: {e}")))?;
    match value.get("schema").and_then(serde_json::Value::as_u64) {
        Some(schema) if schema == u64::from(SCHEMA) => {}
        Some(schema) => return Err(wrong(format!("schema {schema} is not known; {SCHEMA} is"))),
        None if is_slide_task(folder)? => {
            let what = "it judges whole slides: name it by --slide-task, or measure it by \
                        `bianque evaluate slides --run`";
            return Err(wrong(what.into()));
        }
        None => return Err(wrong("has no 'schema': it is no task".into())),
    }
    let description: Description =
        serde_json::from_value(value).map_err(|e| wrong(e.to_string()))?;
    if description.head.file != HEAD_FILE {
        return Err(wrong(format!("the head's file must be '{HEAD_FILE}'")));
    }
    let head_path = folder.join(HEAD_FILE);
    let bytes = read_bounded(&head_path, MAX_HEAD)?;
    let head_digest = Digest::of(&bytes);
    if head_digest != description.head.digest {
        let what =
            format!("its digest is {head_digest}, the task names {}", description.head.digest);
        return Err(LesionError::Head { path: head_path, what });
    }
    let head =
        head_from_bytes(&bytes).map_err(|what| LesionError::Head { path: head_path, what })?;
    let task = Task {
        name: description.name,
        version: description.version,
        title: description.title,
        title_zh: description.title_zh,
        organ: description.organ,
        encoder: description.encoder,
        tiles: description.tiles,
        labels: description.labels,
        regions: description.regions,
        temperature: description.calibration.temperature,
        intended_use: description.intended_use,
        licence: description.licence,
        trained_on: description.trained_on,
        measured: description.measured,
        training_tiles: description.training_tiles,
        head,
        head_digest,
    };
    check(&task, &path)?;
    Ok(task)
}

pub(super) fn save(task: &Task, folder: &Path) -> Result<()> {
    let path = folder.join(TASK_FILE);
    check(task, &path)?;
    let head_path = folder.join(HEAD_FILE);
    let bytes = head_to_bytes(&task.head)
        .map_err(|what| LesionError::Head { path: head_path.clone(), what })?;
    let description = Description {
        schema: SCHEMA,
        name: task.name.clone(),
        version: task.version.clone(),
        title: task.title.clone(),
        title_zh: task.title_zh.clone(),
        organ: task.organ.clone(),
        notice: RESEARCH_USE.into(),
        intended_use: task.intended_use.clone(),
        licence: task.licence.clone(),
        trained_on: task.trained_on.clone(),
        encoder: task.encoder.clone(),
        tiles: task.tiles.clone(),
        labels: task.labels.clone(),
        regions: task.regions.clone(),
        calibration: Calibration { temperature: task.temperature },
        head: HeadReference { file: HEAD_FILE.into(), digest: Digest::of(&bytes) },
        measured: task.measured.clone(),
        training_tiles: task.training_tiles.clone(),
    };
    let mut text = serde_json::to_string_pretty(&description)
        .map_err(|e| LesionError::Task { path: path.clone(), what: e.to_string() })?;
    text.push('\n');
    fs::create_dir_all(folder).map_err(at(folder))?;
    write_whole(&head_path, &bytes)?;
    write_whole(&path, text.as_bytes())
}

fn check(task: &Task, path: &Path) -> Result<()> {
    let path: PathBuf = path.to_owned();
    let what = contradiction(task);
    what.map_or(Ok(()), |what| Err(LesionError::Task { path, what }))
}

fn contradiction(task: &Task) -> Option<String> {
    let texts = [
        ("name", &task.name),
        ("version", &task.version),
        ("title", &task.title),
        ("intended_use", &task.intended_use),
        ("licence", &task.licence),
        ("trained_on", &task.trained_on),
    ];
    if let Some((field, _)) = texts.iter().find(|(_, text)| text.trim().is_empty()) {
        return Some(format!("'{field}' is empty: say it"));
    }
    let classes = task.head.classes();
    if task.labels.len() != classes || classes > MAX_LABELS {
        return Some(format!("{} labels for a head of {classes} classes", task.labels.len()));
    }
    let names: BTreeSet<&str> = task.labels.iter().map(|label| label.name.as_str()).collect();
    if names.len() != classes || names.contains("") {
        return Some("labels need names, each its own".into());
    }
    if !task.labels.iter().any(|label| label.lesion) {
        return Some("no label is a lesion: there would be nothing to outline".into());
    }
    if !(task.temperature.is_finite() && task.temperature > 0.0) {
        return Some(format!("temperature {} is not positive", task.temperature));
    }
    if let Some(what) = task.tiles.fault() {
        return Some(what);
    }
    task.regions.check().err().map(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::task::tests::task;

    #[test]
    fn what_is_saved_is_loaded_and_bytes_are_stable() {
        let folder = tempfile::tempdir().unwrap();
        let task = task();
        task.save(folder.path()).unwrap();
        assert_eq!(Task::load(folder.path()).unwrap(), task);
        let text = fs::read_to_string(folder.path().join(TASK_FILE)).unwrap();
        assert!(text.contains("For research use until a site validates it"));
        Task::load(folder.path()).unwrap().save(folder.path()).unwrap();
        assert_eq!(fs::read_to_string(folder.path().join(TASK_FILE)).unwrap(), text);
    }

    fn changed(change: impl FnOnce(&mut Value)) -> Result<Task> {
        let folder = tempfile::tempdir().unwrap();
        task().save(folder.path()).unwrap();
        let path = folder.path().join(TASK_FILE);
        let mut value: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        change(&mut value);
        fs::write(&path, value.to_string()).unwrap();
        Task::load(folder.path())
    }

    #[test]
    fn malformed_descriptions_are_refused() {
        assert!(changed(|_| ()).is_ok());
        let changes: [fn(&mut Value); 12] = [
            |v| v["schema"] = json!(2),
            |v| v["schema"] = json!("1"),
            |v| v["name"] = json!(" "),
            |v| v["labels"][0]["name"] = json!("carcinoma"),
            |v| v["labels"][1]["lesion"] = json!(false),
            |v| v["labels"] = json!([]),
            |v| v["tiles"]["mpp"] = json!(0),
            |v| v["tiles"]["steps"] = json!(99),
            |v| v["regions"]["low"] = json!(0.99),
            |v| v["calibration"]["temperature"] = json!(-1),
            |v| v["encoder"]["digest"] = json!("blake3:7"),
            |v| v["surprise"] = json!(1),
        ];
        for (index, change) in changes.into_iter().enumerate() {
            let error = changed(change).unwrap_err();
            assert!(matches!(error, LesionError::Task { .. }), "{index}: {error}");
        }
        assert!(matches!(
            changed(|v| v["head"]["digest"] = json!(Digest::of(b"other"))),
            Err(LesionError::Head { .. })
        ));
        assert!(changed(|v| v["head"]["file"] = json!("/etc/passwd")).is_err());
    }

    #[test]
    fn the_tiles_that_it_was_made_of_travel_with_it_and_may_be_unknown() {
        let folder = tempfile::tempdir().unwrap();
        let seen = Digest::of(b"tile");
        let own = Task { training_tiles: Some(SeenTiles::of([seen].iter())), ..task() };
        own.save(folder.path()).unwrap();
        assert_eq!(Task::load(folder.path()).unwrap(), own);
        task().save(folder.path()).unwrap();
        let text = fs::read_to_string(folder.path().join(TASK_FILE)).unwrap();
        assert!(!text.contains("training_tiles"), "older programs read it");
        assert_eq!(Task::load(folder.path()).unwrap().training_tiles, None);
    }

    #[test]
    fn a_truncated_or_missing_head_is_said() {
        let folder = tempfile::tempdir().unwrap();
        task().save(folder.path()).unwrap();
        let head = folder.path().join(HEAD_FILE);
        let bytes = fs::read(&head).unwrap();
        fs::write(&head, &bytes[..bytes.len() / 2]).unwrap();
        assert!(matches!(Task::load(folder.path()), Err(LesionError::Head { .. })));
        fs::remove_file(&head).unwrap();
        assert!(matches!(Task::load(folder.path()), Err(LesionError::Io { .. })));
        assert!(Task::load(&folder.path().join("nowhere")).is_err());
    }

    #[test]
    fn a_task_without_a_lesion_is_not_saved() {
        let folder = tempfile::tempdir().unwrap();
        let mut task = task();
        task.labels[1].lesion = false;
        assert!(task.save(folder.path()).is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
