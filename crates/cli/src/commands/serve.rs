//! `bianque serve`.

use std::{sync::atomic::Ordering, time::Duration};

use bianque_server::{Server, Settings};

use super::Outcome;
use crate::{arguments::ServeArguments, interrupt, terminal::Terminal};

/// How often Ctrl-C is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(crate) fn run(arguments: &ServeArguments, terminal: &Terminal) -> anyhow::Result<Outcome> {
    let stop = interrupt::flag()?;
    terminal.note("reading the slides once");
    let settings = Settings { folder: arguments.folder.clone(), listen: arguments.listen };
    let server = Server::new(settings)?;
    terminal.note(&format!(
        "{} slides at http://{}/api/v1/slides\nNo login: whoever uses this machine sees every \
         slide of the folder. For research use until a site validates it. Ctrl-C ends.",
        server.slides(),
        server.address()
    ));
    server.serve(async move {
        while !stop.load(Ordering::SeqCst) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })?;
    Ok(Outcome::Done)
}
