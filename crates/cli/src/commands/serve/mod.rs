//! `bianque serve`.

mod examiner;
mod improver;
mod lessons;
mod log;
mod measures;
mod sign_on;
mod task_in_use;

use std::{path::PathBuf, sync::Arc, sync::atomic::Ordering, time::Duration};

use anyhow::Context;
use bianque_lesion::Task;
use bianque_server::{CertificateFiles, ControlledLabel, Server, Settings, SingleSignOn};

use self::{examiner::TaskExaminer, improver::TaskImprover, task_in_use::TaskInUse};
pub(crate) use self::{log::LogArguments, sign_on::SignOnArguments};
use super::{Outcome, check, run::SiteSlides};
use crate::{
    arguments::{RunPurpose, ServeArguments},
    data_folder::DataFolder,
    interrupt,
    models::Models,
    terminal::Terminal,
};

/// How often Ctrl-C is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(100);

pub(crate) fn run(
    arguments: &ServeArguments,
    models: &Models,
    data: &DataFolder,
    terminal: &Terminal,
) -> anyhow::Result<Outcome> {
    log::begin(&arguments.log);
    let stop = interrupt::flag()?;
    let data = match &arguments.keep {
        Some(folder) => folder.clone(),
        None if arguments.demo => data.demo_site()?,
        None => data.site()?,
    };
    let mut settings = Settings::new(arguments.folder.clone(), data.clone(), arguments.listen);
    settings.database = arguments.database.clone();
    settings.objects = arguments.objects.clone();
    settings.demo = arguments.demo;
    settings.behind_proxy = arguments.behind_proxy;
    settings.allow_origins = arguments.allow_origin.clone();
    settings.certificate = certificate(arguments);
    settings.single_sign_on = single_sign_on(arguments)?;
    if !arguments.no_examination {
        let task = TaskInUse::load(models, &arguments.task, &arguments.used, terminal)?;
        let (task, features) = (Arc::new(task), data.join("features"));
        let site = site_slides(arguments, task.own(), terminal)?;
        let examiner = TaskExaminer::new(Arc::clone(&task), features.clone(), site)?;
        settings.improver = Some(Arc::new(TaskImprover::new(task, features)?));
        add_labels(&mut settings.labels, examiner.labels());
        settings.examiner = Some(Arc::new(examiner));
    }
    terminal.note("reading the slides once");
    let tls = settings.certificate.is_some();
    let server = Server::new(settings).context("the server does not start")?;
    let scheme = if tls { "https" } else { "http" };
    let base = format!("{scheme}://{}", server.address());
    terminal.note(&format!("{} slides at {base}/", server.slides()));
    if arguments.demo {
        terminal.note(
            "DEMO: NO LOGIN. Whoever uses this machine is a pathologist here and sees every slide \
             of the folder. Only for slides that anybody may see.",
        );
    }
    if let Some(link) = server.first_administrator_link() {
        terminal.note(&format!(
            "There is no administrator yet. This address makes the first one; it works once, \
             within a day:\n{base}{link}"
        ));
    }
    terminal.note("For research use until a site validates it. Ctrl-C ends.");
    server.serve(async move {
        while !stop.load(Ordering::SeqCst) {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    })?;
    Ok(Outcome::Done)
}

/// What is said of the folder's slides; says where a task will look at what it was not made for.
fn site_slides(
    arguments: &ServeArguments,
    task: &Task,
    terminal: &Terminal,
) -> anyhow::Result<SiteSlides> {
    let named = arguments.organ.as_deref();
    anyhow::ensure!(
        named.is_some() || arguments.used.purpose == RunPurpose::Research,
        "--purpose clinical needs --organ: the task {} is for {}, and nothing else says what the slides \
         are from",
        task.name,
        task.organ
    );
    if !named.is_some_and(|organ| organ.eq_ignore_ascii_case(&task.organ)) {
        terminal.note(&format!(
            "the task {} is for {}; it looks at every slide of the folder, which {}. Its findings on \
             other organs mean nothing",
            task.name,
            task.organ,
            named.map_or("nobody has named (--organ)".to_owned(), |organ| format!("is {organ}"))
        ));
    }
    let mpp = arguments.mpp.filter(|mpp| bianque_core::Mpp::PLAUSIBLE.contains(mpp));
    anyhow::ensure!(
        mpp == arguments.mpp,
        "--mpp must be between {} and {} um/px",
        bianque_core::Mpp::PLAUSIBLE.start(),
        bianque_core::Mpp::PLAUSIBLE.end()
    );
    let check = check::settings(arguments.thresholds.as_deref())?;
    Ok(SiteSlides { organ: arguments.organ.clone(), mpp, check })
}

fn certificate(arguments: &ServeArguments) -> Option<CertificateFiles> {
    let files = arguments.certificate.clone().zip(arguments.key.clone());
    files.map(|(certificate, key): (PathBuf, PathBuf)| CertificateFiles { certificate, key })
}

/// The site's identity provider, as the arguments name it.
fn single_sign_on(arguments: &ServeArguments) -> anyhow::Result<Option<SingleSignOn>> {
    let named = &arguments.sign_on;
    let (Some(issuer), Some(client), Some(public)) =
        (&named.oidc_issuer, &named.oidc_client, &named.public_address)
    else {
        return Ok(None);
    };
    let secret = named.oidc_secret.as_ref().map(|file| {
        let read = std::fs::read_to_string(file);
        let read = read.with_context(|| format!("cannot read the secret {}", file.display()));
        read.map(|text| text.trim().to_owned())
    });
    Ok(Some(SingleSignOn {
        issuer: issuer.clone(),
        client: client.clone(),
        secret: secret.transpose()?,
        name_claim: named.oidc_name.into(),
        called: named.oidc_called.clone(),
        public_address: public.clone(),
    }))
}

/// The task's labels come first; those that everybody may draw follow.
fn add_labels(usual: &mut Vec<ControlledLabel>, own: Vec<ControlledLabel>) {
    usual.retain(|label| own.iter().all(|first| first.name != label.name));
    usual.splice(0..0, own);
}
