//! Arguments of `bianque serve`.

use std::path::PathBuf;

use clap::Args;

use super::UseArguments;
use crate::commands::{LogArguments, SignOnArguments};

#[derive(Args)]
#[command(after_help = "Examples:
  bianque serve --folder slides/ --keep site/
  bianque serve --folder slides/ --demo                     no login, on this machine only
  bianque serve --folder slides/ --listen 0.0.0.0:8443 --certificate site.pem --key site.key
  bianque serve --folder slides/ --listen 127.0.0.1:9000 --behind-proxy
  bianque serve --folder slides/ --behind-proxy --public-address https://slides.example \
      --oidc-issuer https://id.example/realms/hospital --oidc-client bianque --oidc-secret secret.txt

Each slide of the folder becomes a case, named by its content, and is examined in the background;
what is found waits in the worklist for a person. The first start prints an address that makes the
administrator. Also serves Deep Zoom, IIIF Image 3 and DICOMweb; /api/v1/openapi.json describes all
of it. Ctrl-C ends it after the answers under way.")]
pub(crate) struct ServeArguments {
    /// The folder of slides; new ones are found while the server runs.
    #[arg(long, value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Where record and outputs are kept [default: `site` in the program's data folder].
    #[arg(long, value_name = "DIR")]
    pub(crate) keep: Option<PathBuf>,
    /// The record: a SQLite file or a PostgreSQL URL [default: record.db in --keep].
    #[arg(long, value_name = "FILE|URL")]
    pub(crate) database: Option<bianque_record::database::Location>,
    /// Where heatmaps, crops, features of heads and other large outputs are kept: a folder, or a bucket
    /// of an S3 service, which AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID and
    /// AWS_SECRET_ACCESS_KEY describe [default: objects in --keep].
    #[arg(long, value_name = "DIR|s3://BUCKET/PREFIX")]
    pub(crate) objects: Option<bianque_record::objects::ObjectPlace>,
    /// Where to listen.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    pub(crate) listen: std::net::SocketAddr,
    /// No login: whoever uses this machine is a pathologist. Loopback addresses only.
    #[arg(long)]
    pub(crate) demo: bool,
    /// The server's certificate chain, as PEM.
    #[arg(long, value_name = "PEM", requires = "key")]
    pub(crate) certificate: Option<PathBuf>,
    /// Its private key, as PEM.
    #[arg(long, value_name = "PEM", requires = "certificate")]
    pub(crate) key: Option<PathBuf>,
    /// A proxy in front of the server speaks TLS to the clients.
    #[arg(long, conflicts_with = "certificate")]
    pub(crate) behind_proxy: bool,
    /// An origin whose pages may see answers by a program's token, such as another viewer's:
    /// `https://slim.example`. Repeatable; none unless named.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) allow_origin: Vec<bianque_server::Origin>,
    /// The task that looks for lesions.
    #[arg(long, value_name = "TASK", default_value = "colon")]
    pub(crate) task: String,
    #[command(flatten)]
    pub(crate) used: UseArguments,
    /// The organ that the folder's slides are from; a clinical purpose needs it.
    #[arg(long)]
    pub(crate) organ: Option<String>,
    /// Microns per level-0 pixel of slides that state none.
    #[arg(long, value_name = "UM")]
    pub(crate) mpp: Option<f64>,
    /// A file with the quality thresholds that this site changes; see `bianque check`.
    #[arg(long, value_name = "TOML")]
    pub(crate) thresholds: Option<PathBuf>,
    /// Make cases of new slides, but examine none.
    #[arg(long)]
    pub(crate) no_examination: bool,
    #[command(flatten)]
    pub(crate) sign_on: SignOnArguments,
    #[command(flatten)]
    pub(crate) log: LogArguments,
}
