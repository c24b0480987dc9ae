//! Settings of a site: small values by name. What they mean is said by whoever reads them.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::{
    Record, RecordError, Result,
    audit::{Event, Object},
    canonical::canonical,
    identity::Label,
    people::{Action, Actor},
    store::Audited,
};

impl Record {
    /// The site's settings.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn settings_of_site(&self) -> Result<BTreeMap<String, Json>> {
        self.reading(|unit| {
            let rows = unit.query("SELECT name, value FROM site_setting ORDER BY name", &[])?;
            rows.iter()
                .map(|row| {
                    let name = row.text(0)?;
                    let value = serde_json::from_str(row.text(1)?)
                        .map_err(|error| RecordError::damaged("setting", name, error))?;
                    Ok((name.to_owned(), value))
                })
                .collect()
        })
    }

    /// Changes a setting of the site.
    ///
    /// # Errors
    /// When the actor may not, or the value is longer than 4000 bytes.
    pub fn set_setting(&self, actor: &Actor, name: &Label, value: &Json) -> Result<()> {
        let text = canonical(value);
        if text.len() > 4000 {
            return Err(RecordError::invalid("setting", "it is longer than 4000 bytes"));
        }
        self.deed(actor, Action::ManageAccounts, Event::SettingChanged, |unit| {
            unit.execute(
                "INSERT INTO site_setting (name, value, at, set_by) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (name) DO UPDATE SET value = ?2, at = ?3, set_by = ?4",
                &[name.into(), text.into(), unit.now().into(), actor.user().into()],
            )?;
            Ok(Audited::new((), Object::new("setting", name), json!({ "value": value })))
        })
    }
}
