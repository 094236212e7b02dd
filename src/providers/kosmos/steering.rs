//! How a test says how a verification ends: tokens in names, and configurations that end by themselves.

use super::store::sessions::Session;
use super::types::{Outcome, Status, reason};

/// How a verification ends, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// How.
    pub outcome: Outcome,
    /// Code of the reason; none for a pass and a review.
    pub reason: Option<&'static str>,
}

impl Verdict {
    /// The usual verdict for an outcome: `IDV0009` for a failure, `IDV0004` where nothing was verified.
    pub(super) fn of(outcome: Outcome, code: Option<&str>) -> Self {
        let usual = match outcome {
            Outcome::Failed => Some("IDV0009"),
            Outcome::NotPerformed => Some("IDV0004"),
            Outcome::Pass | Outcome::Review => None,
        };
        let given = code.and_then(reason).map(|reason| reason.code);
        Self { outcome, reason: usual.map(|usual| given.unwrap_or(usual)) }
    }
}

/// What a token asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// This verdict.
    Always(Verdict),
    /// This verdict for the first attempt, and a pass for later ones.
    Once(Verdict),
    /// An error with this status instead of a verdict.
    Error(u16),
}

/// What the token at the beginning of a text asks for.
pub(super) fn wish(text: &str) -> Option<Wish> {
    let rest = text.strip_prefix("sbx-")?;
    // Longer tokens stand before those that they begin with.
    let after = |token: &str| rest.strip_prefix(token);
    let verdict = |outcome, rest: &str| Verdict::of(outcome, code(rest));
    if let Some(rest) = after("fail-once") {
        return Some(Wish::Once(verdict(Outcome::Failed, rest)));
    }
    if let Some(rest) = after("fail") {
        return Some(Wish::Always(verdict(Outcome::Failed, rest)));
    }
    if let Some(rest) = after("not-performed") {
        return Some(Wish::Always(verdict(Outcome::NotPerformed, rest)));
    }
    if after("error-403").is_some() {
        return Some(Wish::Error(403));
    }
    if after("error-500").is_some() {
        return Some(Wish::Error(500));
    }
    let outcome = if after("pass").is_some() {
        Outcome::Pass
    } else if after("review").is_some() {
        Outcome::Review
    } else {
        return None;
    };
    Some(Wish::Always(Verdict::of(outcome, None)))
}

/// The reason code that follows a token.
fn code(rest: &str) -> Option<&str> {
    rest.strip_prefix('-')?.get(..7)
}

/// Where a configuration takes its sessions without anybody's help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Auto {
    /// The state in which they end.
    pub status: Status,
    /// And the outcome, where that state has one.
    pub outcome: Option<Outcome>,
}

/// Where the configuration with this dvcID takes its sessions.
pub(super) fn auto(dvc_id: &str) -> Option<Auto> {
    let completed = |outcome| Auto { status: Status::Completed, outcome: Some(outcome) };
    let ended = |status| Auto { status, outcome: None };
    match dvc_id {
        "auto_pass" => Some(completed(Outcome::Pass)),
        "auto_fail" => Some(completed(Outcome::Failed)),
        "auto_not_performed" => Some(completed(Outcome::NotPerformed)),
        "auto_review" => Some(completed(Outcome::Review)),
        "auto_expired" => Some(ended(Status::Expired)),
        "auto_abandoned" => Some(ended(Status::Abandoned)),
        "auto_declined" => Some(ended(Status::Declined)),
        _ => None,
    }
}

/// The verdict on the current attempt of a session: what a person chose, then the tokens of its names, then its
/// configuration, then a pass.
pub(super) fn verdict(session: &Session) -> Verdict {
    if session.config.flag("skip") {
        return Verdict { outcome: Outcome::NotPerformed, reason: Some("IDV0010") };
    }
    let pass = Verdict::of(Outcome::Pass, None);
    let chosen = session.chosen.map(|outcome| Verdict::of(outcome, session.chosen_reason.as_deref()));
    let names = [&session.user.uid, &session.user.username, &session.did];
    let token = || names.into_iter().flatten().find_map(|name| wish(name));
    let wished = || match token()? {
        Wish::Always(verdict) => Some(verdict),
        Wish::Once(verdict) => Some(if session.retries == 0 { verdict } else { pass }),
        Wish::Error(_) => None,
    };
    let configured = || auto(&session.dvc_id).and_then(|auto| auto.outcome).map(|outcome| Verdict::of(outcome, None));
    let verdict = chosen.or_else(wished).or_else(configured).unwrap_or(pass);
    let bypassed =
        verdict.outcome == Outcome::Failed && verdict.reason == Some("IDV0012") && session.config.flag("fraudDetectFailureBypass");
    if bypassed { pass } else { verdict }
}

/// Whether names or configuration say how a session ends, beside what a person chooses.
pub(super) fn is_steered(session: &Session) -> bool {
    let names = [&session.user.uid, &session.user.username, &session.did];
    names.into_iter().flatten().any(|name| wish(name).is_some()) || auto(&session.dvc_id).is_some_and(|auto| auto.outcome.is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_token_counts_and_only_published_codes_are_taken() {
        let always = |outcome, reason| Some(Wish::Always(Verdict { outcome, reason }));
        let once = |reason| Some(Wish::Once(Verdict { outcome: Outcome::Failed, reason: Some(reason) }));
        for (text, expected) in [
            ("sbx-pass", always(Outcome::Pass, None)),
            ("sbx-pass-1", always(Outcome::Pass, None)),
            ("sbx-fail", always(Outcome::Failed, Some("IDV0009"))),
            ("sbx-fail-IDV0008-x", always(Outcome::Failed, Some("IDV0008"))),
            ("sbx-fail-IDV0013", always(Outcome::Failed, Some("IDV0009"))),
            ("sbx-fail-IDV00é", always(Outcome::Failed, Some("IDV0009"))),
            ("sbx-fail-once", once("IDV0009")),
            ("sbx-fail-once-IDV0012", once("IDV0012")),
            ("sbx-not-performed", always(Outcome::NotPerformed, Some("IDV0004"))),
            ("sbx-not-performed-IDV0001", always(Outcome::NotPerformed, Some("IDV0001"))),
            ("sbx-review-IDV0001", always(Outcome::Review, None)),
            ("sbx-error-403", Some(Wish::Error(403))),
            ("sbx-error-500x", Some(Wish::Error(500))),
            ("SBX-pass", None),
            ("x-sbx-pass", None),
            ("sbx-", None),
            ("", None),
        ] {
            assert_eq!(wish(text), expected, "{text}");
        }
    }
}
