//! The log of `bianque serve`, on standard error.

use std::io;

use clap::{Args, ValueEnum};
use tracing_subscriber::{filter::LevelFilter, fmt};

/// What is logged, and how.
#[derive(Args)]
pub(crate) struct LogArguments {
    /// What is logged: `info` has a line a request, `debug` one a tile too. Never a patient's name, an
    /// address with its ids, or a password.
    #[arg(long, value_name = "LEVEL", env = "BIANQUE_LOG", default_value = "info")]
    log: LogLevel,
    /// How lines are written.
    #[arg(long, value_name = "FORM", env = "BIANQUE_LOG_FORM", default_value = "text")]
    log_form: LogForm,
}

#[derive(Copy, Clone, ValueEnum)]
enum LogLevel {
    Off,
    Error,
    Warn,
    Info,
    Debug,
}

#[derive(Copy, Clone, ValueEnum)]
enum LogForm {
    /// For people.
    Text,
    /// For programs: an object a line.
    Json,
}

impl From<LogLevel> for LevelFilter {
    fn from(level: LogLevel) -> Self {
        match level {
            LogLevel::Off => Self::OFF,
            LogLevel::Error => Self::ERROR,
            LogLevel::Warn => Self::WARN,
            LogLevel::Info => Self::INFO,
            LogLevel::Debug => Self::DEBUG,
        }
    }
}

/// Begins to write the log. Libraries' own words are left out below `warn`: what they say is not
/// ours to keep free of names.
pub(super) fn begin(arguments: &LogArguments) {
    use tracing_subscriber::{Layer, filter, layer::SubscriberExt, util::SubscriberInitExt};

    let level = LevelFilter::from(arguments.log);
    let ours = filter::Targets::new()
        .with_default(level.min(LevelFilter::WARN))
        .with_targets([("bianque_server", level), ("bianque_cli", level)]);
    let lines = fmt::layer().with_writer(io::stderr);
    let lines = match arguments.log_form {
        LogForm::Text => lines.with_ansi(false).boxed(),
        LogForm::Json => lines.json().flatten_event(true).boxed(),
    };
    // A log that somebody else has begun in this process stays.
    let _ = tracing_subscriber::registry().with(lines.with_filter(ours)).try_init();
}
