//! How the server is set up.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use bianque_record::{database::Location, objects::ObjectPlace};

use crate::{
    connections::ConnectionLimits, cross_origin::Origin, examine::Examiner, improve::Improver,
    sign_on::SingleSignOn,
};

/// How the server is set up.
#[derive(Clone)]
pub struct Settings {
    /// The folder whose slides are served; it is looked at again every few seconds.
    pub folder: PathBuf,
    /// Where the record and outputs are kept.
    pub data: PathBuf,
    /// The record, where it is not a file in [`Settings::data`].
    pub database: Option<Location>,
    /// Large outputs, where they are not in the folder `objects` of [`Settings::data`].
    pub objects: Option<ObjectPlace>,
    /// Where to listen. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether everybody who reaches the server is a pathologist without a login. Only on a
    /// loopback address, only with slides that anybody may see.
    pub demo: bool,
    /// The certificate and key by which the server speaks TLS.
    pub certificate: Option<CertificateFiles>,
    /// Whether a proxy in front of the server speaks TLS to the clients.
    pub behind_proxy: bool,
    /// Origins whose pages may see answers, by a program's token: other programs' viewers.
    pub allow_origins: Vec<Origin>,
    /// The site's identity provider, if people log in by it.
    pub single_sign_on: Option<SingleSignOn>,
    /// What regions may be called.
    pub labels: Vec<ControlledLabel>,
    /// What examines new slides, if anything.
    pub examiner: Option<Arc<dyn Examiner>>,
    /// What improves the head by which slides are examined, if anything.
    pub improver: Option<Arc<dyn Improver>>,
    /// How many connections there may be and how long they may say nothing, where it is not as usual.
    pub connections: Option<ConnectionLimits>,
}

impl Settings {
    /// A server over `folder` that keeps its record in `data`, needs a login and examines nothing.
    #[must_use]
    pub fn new(folder: PathBuf, data: PathBuf, listen: SocketAddr) -> Self {
        Self {
            folder,
            data,
            database: None,
            objects: None,
            listen,
            demo: false,
            certificate: None,
            behind_proxy: false,
            allow_origins: Vec::new(),
            single_sign_on: None,
            labels: ControlledLabel::usual(),
            examiner: None,
            improver: None,
            connections: None,
        }
    }

    /// Where the record is.
    pub(crate) fn location(&self) -> Location {
        let file = || Location::Sqlite(self.data.join("record.db"));
        self.database.clone().unwrap_or_else(file)
    }

    /// The limits of connections.
    pub(crate) fn connections(&self) -> ConnectionLimits {
        let usual = if self.behind_proxy {
            ConnectionLimits::BEHIND_PROXY
        } else {
            ConnectionLimits::DIRECT
        };
        self.connections.unwrap_or(usual)
    }

    /// Where large outputs are.
    pub(crate) fn objects(&self) -> ObjectPlace {
        let folder = || ObjectPlace::Folder(self.data.join("objects"));
        self.objects.clone().unwrap_or_else(folder)
    }
}

/// Where a certificate and its key lie, as PEM.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How grave it is for the patient that a region is what its label says; the graver, the later.
#[derive(Copy, Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// Healthy tissue, or no tissue.
    NoLesion,
    /// Inflammation, necrosis and whatever else is neither of the two below.
    OtherLesion,
    /// Adenoma and dysplasia: what may become malignant.
    Premalignant,
    /// A malignant tumour.
    Malignant,
}

impl Gravity {
    /// The gravity of a task's label, by the list of [`ControlledLabel::usual`] and the names of the
    /// shipped tasks. A lesion of another name counts as malignant: what nobody here knows must not
    /// stand behind what is known to be milder.
    #[must_use]
    pub fn of(name: &str, lesion: bool) -> Self {
        match name {
            _ if !lesion => Self::NoLesion,
            "adenoma" | "dysplasia" => Self::Premalignant,
            "inflammation" | "necrosis" | "other-lesion" => Self::OtherLesion,
            _ => Self::Malignant,
        }
    }
}

/// What a region may be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlledLabel {
    /// Stable name.
    pub name: String,
    /// For people.
    pub english: String,
    /// For people, in Chinese.
    pub chinese: String,
    /// Colour in viewers.
    pub color: [u8; 3],
    /// Whether it is a lesion.
    pub lesion: bool,
    /// How grave it is: graver findings stand first.
    pub gravity: Gravity,
}

impl ControlledLabel {
    /// Labels that a person may draw with whatever task runs.
    #[must_use]
    pub fn usual() -> Vec<Self> {
        let label = |name: &str, english: &str, chinese: &str, color, lesion| Self {
            name: name.to_owned(),
            english: english.to_owned(),
            chinese: chinese.to_owned(),
            color,
            lesion,
            gravity: Gravity::of(name, lesion),
        };
        vec![
            label("carcinoma", "Carcinoma", "癌", [178, 24, 43], true),
            label("adenoma", "Adenoma", "腺瘤", [214, 120, 40], true),
            label("dysplasia", "Dysplasia", "异型增生", [196, 154, 34], true),
            label("inflammation", "Inflammation", "炎症", [120, 94, 170], true),
            label("necrosis", "Necrosis", "坏死", [92, 92, 92], true),
            label("other-lesion", "Other lesion", "其他病变", [0, 110, 150], true),
            label("normal", "Normal", "正常", [76, 143, 106], false),
            label("artefact", "Artefact", "人工假象", [140, 140, 140], false),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_label_has_its_gravity_and_no_unknown_lesion_is_mild() {
        let of = |name: &str| {
            let label = ControlledLabel::usual().into_iter().find(|label| label.name == name);
            label.unwrap().gravity
        };
        assert_eq!(of("carcinoma"), Gravity::Malignant);
        assert_eq!(
            (of("adenoma"), of("dysplasia")),
            (Gravity::Premalignant, Gravity::Premalignant)
        );
        for mild in ["inflammation", "necrosis", "other-lesion"] {
            assert_eq!(of(mild), Gravity::OtherLesion, "{mild}");
        }
        assert_eq!((of("normal"), of("artefact")), (Gravity::NoLesion, Gravity::NoLesion));
        assert_eq!(Gravity::of("adenocarcinoma", true), Gravity::Malignant);
        assert_eq!(Gravity::of("a site's own tumour", true), Gravity::Malignant);
        assert_eq!(Gravity::of("healthy", false), Gravity::NoLesion);
        assert!(Gravity::Malignant > Gravity::Premalignant);
        assert!(Gravity::Premalignant > Gravity::OtherLesion);
    }
}
