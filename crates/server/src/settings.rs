//! How the server is set up.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use bianque_record::{database::Location, objects::ObjectPlace};

use crate::{cross_origin::Origin, examine::Examiner, improve::Improver, sign_on::SingleSignOn};

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
        }
    }

    /// Where the record is.
    pub(crate) fn location(&self) -> Location {
        let file = || Location::Sqlite(self.data.join("record.db"));
        self.database.clone().unwrap_or_else(file)
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
