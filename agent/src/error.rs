//! Everything that can end a command, for the one place that prints it.

use std::io;

use crate::join::JoinError;
use crate::run::RunError;
use crate::state::StateError;
use crate::token::TokenError;

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the message of each variant is its documentation")]
pub enum AgentError {
    #[error(transparent)]
    Token(#[from] TokenError),
    #[error(transparent)]
    State(#[from] StateError),
    #[error(transparent)]
    Join(#[from] JoinError),
    #[error(transparent)]
    Run(#[from] RunError),
    #[error("cannot listen for signals")]
    Signal(#[source] io::Error),
}

impl AgentError {
    /// What a person can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Token(error) => Some(error.hint().into()),
            Self::State(error) => error.hint(),
            Self::Join(error) => error.hint(),
            Self::Run(error) => error.hint(),
            Self::Signal(_) => None,
        }
    }
}
