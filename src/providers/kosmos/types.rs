//! The words of the wire: enumerations, reason codes, configurations.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::fields::Object;

/// Kind of document that a session is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum DocumentType {
    /// Driver's licence.
    #[serde(rename = "dl_object")]
    Licence,
    /// Passport.
    #[serde(rename = "ppt_object")]
    Passport,
    /// Identity card.
    #[serde(rename = "idcard_object")]
    IdCard,
}

/// As they are spelled in sessions.
pub(super) const DOCUMENT_TYPES: &[&str] = &["dl_object", "ppt_object", "idcard_object"];

impl DocumentType {
    /// As it is spelled in sessions.
    pub(super) fn of_object(name: &str) -> Option<Self> {
        [Self::Licence, Self::Passport, Self::IdCard].into_iter().find(|kind| kind.object() == name)
    }

    /// From the short name, in any case.
    pub(super) fn of_short(name: &str) -> Option<Self> {
        [Self::Licence, Self::Passport, Self::IdCard].into_iter().find(|kind| kind.short().eq_ignore_ascii_case(name))
    }

    /// The name of the result's key.
    pub(super) fn object(self) -> &'static str {
        match self {
            Self::Licence => "dl_object",
            Self::Passport => "ppt_object",
            Self::IdCard => "idcard_object",
        }
    }

    /// The short name.
    pub(super) fn short(self) -> &'static str {
        match self {
            Self::Licence => "dl",
            Self::Passport => "ppt",
            Self::IdCard => "idcard",
        }
    }

    /// The short name in capitals.
    pub(super) fn upper(self) -> &'static str {
        match self {
            Self::Licence => "DL",
            Self::Passport => "PPT",
            Self::IdCard => "IDCARD",
        }
    }

    /// The certificate that says that the document is authentic.
    pub(super) fn authentication(self) -> &'static str {
        match self {
            Self::Licence => "dl_authenticate",
            Self::Passport => "ppt_authenticate",
            Self::IdCard => "idcard_authenticate",
        }
    }

    /// Whether it has a back that is photographed.
    pub(super) fn has_back(self) -> bool {
        self != Self::Passport
    }
}

/// State of a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum Status {
    Pending,
    InProgress,
    Expired,
    Abandoned,
    Completed,
    Declined,
}

impl Status {
    /// As it is spelled on the wire.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::InProgress => "INPROGRESS",
            Self::Expired => "EXPIRED",
            Self::Abandoned => "ABANDONED",
            Self::Completed => "COMPLETED",
            Self::Declined => "DECLINED",
        }
    }
}

/// How a verification ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum Outcome {
    Pass,
    Failed,
    NotPerformed,
    Review,
}

impl Outcome {
    /// As `completionStatus` and the filters of lists spell it.
    pub(super) fn completion(self) -> &'static str {
        match self {
            Self::Pass => "COMPLETED_PASS",
            Self::Failed => "COMPLETED_FAILED",
            Self::NotPerformed => "COMPLETED_NOT_PERFORMED",
            Self::Review => "REVIEW",
        }
    }

    /// As `responseStatus` spells it.
    pub(super) fn response(self) -> &'static str {
        match self {
            Self::Pass => "SUCCESS",
            Self::Failed | Self::NotPerformed => "FAILED",
            Self::Review => "REVIEW",
        }
    }

    /// As `sessionResult` spells it.
    pub(super) fn session_result(self) -> &'static str {
        match self {
            Self::Pass => "SUCCESS",
            Self::Failed => "FAILED",
            Self::NotPerformed => "NOT_PERFORMED",
            Self::Review => "REVIEW",
        }
    }
}

/// Privilege of a license.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Level {
    System,
    Service,
    ServiceExt,
    Community,
}

/// A published reason for an outcome that is no pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reason {
    /// `IDVnnnn`.
    pub code: &'static str,
    /// What it means.
    pub message: &'static str,
}

/// All published reasons. `IDV0013` exists but was never published.
const REASONS: &[Reason] = &[
    Reason { code: "IDV0001", message: "Image quality check failed" },
    Reason { code: "IDV0002", message: "Verification partially completed" },
    Reason { code: "IDV0003", message: "Verification was completed only on front" },
    Reason { code: "IDV0004", message: "Extraction of document failed" },
    Reason { code: "IDV0005", message: "Incorrect document type presented" },
    Reason { code: "IDV0006", message: "Unsupported document was presented" },
    Reason { code: "IDV0007", message: "Data check failed" },
    Reason { code: "IDV0008", message: "Document liveness check failed" },
    Reason { code: "IDV0009", message: "Document validity check failed" },
    Reason { code: "IDV0010", message: "Module failed" },
    Reason { code: "IDV0011", message: "Document expired" },
    Reason { code: "IDV0012", message: "One or more fraud check failed" },
    Reason { code: "IDV0014", message: "All retry attempts exhausted" },
    Reason { code: "IDV0015", message: "Document is not allowed" },
    Reason { code: "IDV0016", message: "Session ended without image upload" },
];

/// The reason with this code.
pub(super) fn reason(code: &str) -> Option<Reason> {
    REASONS.iter().copied().find(|reason| reason.code == code)
}

/// The codes that a failed attempt can be given.
pub(super) fn failure_codes() -> impl Iterator<Item = Reason> {
    ["IDV0009", "IDV0007", "IDV0008", "IDV0011", "IDV0012"].into_iter().filter_map(reason)
}

/// Checks that a configuration can ask for.
pub(super) const CHECKS: &[&str] =
    &["document_liveness_front", "document_liveness_back", "selfie_liveness", "face_compare", "fraud_detection"];

/// The `config` of a verification. It was checked when it came in; unknown keys are kept and ignored.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Config(pub Object);

impl Config {
    /// A truth value; false unless given.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.0.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    /// A text.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A number.
    pub(super) fn number(&self, name: &str) -> Option<f64> {
        self.0.get(name).and_then(Value::as_f64)
    }

    /// The checks that it asks for, in its order.
    pub(super) fn checks(&self) -> impl Iterator<Item = &str> {
        self.0.get("checks").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    }

    /// Whether a selfie is among the required captures.
    pub(super) fn wants_selfie(&self) -> bool {
        self.checks().any(|check| matches!(check, "selfie_liveness" | "face_compare"))
    }

    /// Whether images are uploaded to a bucket.
    pub(super) fn high_resolution(&self) -> bool {
        self.flag("useHighResolutionImages")
    }

    /// How often a failed attempt may be repeated; 0 unless given.
    pub(super) fn max_retries(&self) -> i64 {
        self.number("maxRetries").map_or(0, whole)
    }

    /// Minutes as milliseconds.
    pub(super) fn minutes_ms(&self, name: &str, default: f64) -> i64 {
        whole((self.number(name).unwrap_or(default) * 60_000.0).round())
    }
}

/// A number that was checked to be small, without its fraction.
#[expect(clippy::cast_possible_truncation, reason = "a cast from float saturates, and the numbers were checked when they came in")]
pub(super) fn whole(number: f64) -> i64 {
    number as i64
}

/// Name and identity of the person that a session is about, as most answers show them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct User {
    pub uid: Option<String>,
    pub username: Option<String>,
    pub firstname: Option<String>,
    pub lastname: Option<String>,
}
