//! How strictly one workload keeps the policy while its surroundings move into the mesh.

use std::fmt;

use super::{Flow, Ground, Verdict};
use crate::policy::{Matcher, Policy, RuleName, Ruling};
use crate::{Label, Timestamp};

/// How strictly a workload keeps the policy. Never more than this one workload's own affair: nothing in the policy, and
/// nothing that a peer says, makes it permissive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Nothing passes but what the policy allows.
    #[default]
    Strict,
    /// Until then a party without a certificate passes, to the workload and from it, where no rule speaks of it. A rule
    /// that denies it still does, also one that denies `any`, and a workload of the highest level stays strict.
    Permissive {
        /// From then on the workload is strict.
        until: Timestamp,
    },
}

/// What comes of a mode for one workload at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Strict, as was asked for.
    Strict,
    /// Permissive.
    Permissive {
        /// From then on it is strict.
        until: Timestamp,
    },
    /// Strict again.
    Ended {
        /// Since then.
        at: Timestamp,
    },
    /// Strict although something else was asked for: the highest level is never permissive.
    HighestLevel,
    /// Strict although something else was asked for: the mesh does not know the level.
    UnknownLevel,
}

impl Mode {
    /// What it comes to for a workload with this label.
    pub fn standing(self, own: &Label, policy: &Policy, now: Timestamp) -> Standing {
        let levels = policy.levels();
        match self {
            Self::Strict => Standing::Strict,
            Self::Permissive { until } if now >= until => Standing::Ended { at: until },
            Self::Permissive { .. } if levels.named(&own.level).is_none() => Standing::UnknownLevel,
            Self::Permissive { .. } if levels.highest().name == own.level => Standing::HighestLevel,
            Self::Permissive { until } => Standing::Permissive { until },
        }
    }

    /// When it ends by itself, if it does after `now`.
    pub fn ends_after(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Permissive { until } if until > now => Some(until),
            Self::Permissive { .. } | Self::Strict => None,
        }
    }

    /// What it makes of a verdict: the pardon for a connection that the policy does not allow, if there is one.
    pub(super) fn pardon<'a>(
        self,
        verdict: &Verdict<'_>,
        flow: &Flow<'_>,
        policy: &'a Policy,
        now: Timestamp,
    ) -> Option<Pardon<'a>> {
        if self == Self::Strict || verdict.allow || !matches!(verdict.rule, Ground::Default { .. }) {
            return None;
        }
        // Who decides always has a certificate, so the one side that has one here is the workload whose mode this is.
        let ((None, Some(own)) | (Some(own), None)) = (flow.client.label(), flow.server.label()) else { return None };
        if !self.standing(own, policy, now).is_permissive() {
            return None;
        }
        let ruling = ruling_on_anybody(flow, policy, now);
        let denied = matches!(ruling.decided, Some((_, false)));
        (!denied).then_some(Pardon { would_deny: ruling.would_deny })
    }
}

/// That a connection passes which the policy does not allow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pardon<'a> {
    /// The audited denial that, once enforced, would refuse it.
    pub(super) would_deny: Option<&'a RuleName>,
}

/// What the rules say if `any` means who has no certificate too. Elsewhere it does not; but what nobody may who has
/// proved to be somebody, nobody may by leaving the proof at home.
fn ruling_on_anybody<'a>(flow: &Flow<'_>, policy: &'a Policy, now: Timestamp) -> Ruling<'a> {
    let means = |matcher: &Matcher, party| *matcher == Matcher::Any || matcher.matches(party, policy.levels());
    policy.rules().ask(flow.port, now, |rule| means(rule.from(), flow.client) && means(rule.to(), flow.server))
}

impl Standing {
    /// Whether a party without a certificate passes where no rule speaks of it.
    pub const fn is_permissive(self) -> bool {
        matches!(self, Self::Permissive { .. })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strict => f.write_str("strict"),
            Self::Permissive { until } => write!(f, "permissive until {until}"),
        }
    }
}
