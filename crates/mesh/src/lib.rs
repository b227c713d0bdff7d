//! What a mesh is made of: names, labels, policy, cutoffs and services.
//!
//! Nothing in this crate waits, reads a clock, throws dice, opens a file or a socket: it computes on values it is
//! given, so that every decision can be repeated in a test, in a simulation and in an audit. `clippy.toml` beside this
//! crate forbids the rest, and `ci/check-dependencies` proves that no runtime is linked.

pub mod cutoff;
pub mod decide;
pub mod directory;
pub mod label;
pub mod name;
pub mod policy;
pub mod probe;
pub mod service;
pub mod time;

pub use cutoff::{Credential, Cutoff, CutoffSet, ParseReasonError, Reason, Subject};
pub use decide::{
    Direction, Flow, Ground, Mode, Party, Permit, PermitGround, Refusal, RefusalKind, Standing, Verdict, decide,
    decide_egress,
};
pub use directory::{Entry, Mismatch, Resolution};
pub use label::{Category, Label, Level, LevelName, Levels, LevelsError, ParseLabelError};
pub use name::{
    ControlRole, Epoch, InstanceId, NodeEpoch, NodeName, OperatorName, Purpose, Serial, ServiceName, SpiffeId,
    SpkiDigest, TrustDomain, WorkloadName,
};
pub use policy::{
    Clause, Conditions, Document, MeshDefault, ParsePatternError, ParsePeriodError, ParseRuleNameError, Period, Policy,
    PolicyError, Problem, RuleDocument, RuleName, Selector, Staleness, StalenessDocument,
};
pub use service::{Endpoint, Service, ServiceError, ServicePort};
pub use time::{ParseTimestampError, Timestamp};
