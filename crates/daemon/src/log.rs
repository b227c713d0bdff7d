//! The log: one JSON object per line on standard error, filtered by a directive such as `info` or `bulkhead_ca=debug`.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

/// Sets up the log of this process; `directives` come from a flag or its environment variable.
pub fn start(directives: &str) -> Result<(), LogError> {
    let refuse = |source| LogError::Directives { directives: directives.to_owned(), source };
    let filter = EnvFilter::builder().parse(directives).map_err(refuse)?;
    let lines = tracing_subscriber::fmt().json().flatten_event(true).with_current_span(false).with_span_list(false);
    lines.with_env_filter(filter).with_writer(std::io::stderr).try_init().map_err(|_| LogError::Twice)
}

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum LogError {
    #[error("`{directives}` says not what to log; `info` or `warn,bulkhead_ca=debug` would")]
    Directives { directives: String, source: ParseError },
    #[error("the log of this process was set up before")]
    Twice,
}
