//! The page behind a verification link, and what all pages have in common.

use askama::Template;
use http::StatusCode;
use serde_json::Value;

use super::error::Error;
use super::types::{Colour, VerificationReport, VerificationStatus};
use super::verification;
use crate::http::{Reply, Req, reply};
use crate::pages::{Brand, Colour as BrandColour, Page, Shell};
use crate::world::Cx;

/// The service that the pages stand in for.
const SERVICE: &str = "5N ID";

/// The shell of a page.
pub(super) fn shell(title: &str, failed: bool) -> Shell<'_> {
    let colour = BrandColour::parse("#0f766e").unwrap_or_default();
    Shell { brand: Some(Brand { name: SERVICE, colour }), failed, ..Shell::new(SERVICE, title) }
}

/// A page as a reply.
pub(super) fn page(status: StatusCode, page: &impl Template) -> Result<Reply, Error> {
    let html = page.render().map_err(|error| Error::Internal(error.to_string()))?;
    Ok(reply::private(reply::html(status, html)))
}

/// Says one thing.
#[derive(Debug, Template)]
#[template(path = "providers/five_north/pages/message.html", config = "src/pages/askama.toml")]
pub(super) struct MessagePage<'a> {
    /// What happened.
    pub title: &'a str,
    /// What it means.
    pub text: &'a str,
}

impl Page for MessagePage<'_> {
    fn shell(&self) -> Shell<'_> {
        shell(self.title, true)
    }
}

/// What a credential is worth now. Ids for tests are in `data-testid`.
#[derive(Debug, Template)]
#[template(path = "providers/five_north/pages/verification.html", config = "src/pages/askama.toml")]
struct VerificationPage<'a> {
    report: &'a VerificationReport,
}

impl Page for VerificationPage<'_> {
    fn shell(&self) -> Shell<'_> {
        shell(self.title(), false)
    }
}

impl VerificationPage<'_> {
    fn title(&self) -> &'static str {
        match self.report.status {
            VerificationStatus::Strong => "Verified recently",
            VerificationStatus::Moderate => "Verified some time ago",
            VerificationStatus::Weak => "Verified long ago",
            VerificationStatus::Archived => "No longer valid",
            VerificationStatus::Revoked => "Revoked",
            VerificationStatus::Expired => "Expired",
            VerificationStatus::NotFound => "No such credential",
        }
    }

    /// As the API has it.
    fn status(&self) -> &'static str {
        match self.report.status {
            VerificationStatus::Strong => "strong",
            VerificationStatus::Moderate => "moderate",
            VerificationStatus::Weak => "weak",
            VerificationStatus::Archived => "archived",
            VerificationStatus::Revoked => "revoked",
            VerificationStatus::Expired => "expired",
            VerificationStatus::NotFound => "not_found",
        }
    }

    /// As the API has it.
    fn color(&self) -> &'static str {
        match self.report.color {
            Colour::Green => "green",
            Colour::Amber => "amber",
            Colour::Red => "red",
        }
    }

    /// The drawing in the light.
    fn icon(&self) -> &'static str {
        match self.report.color {
            Colour::Green => "check",
            Colour::Amber => "info",
            Colour::Red => "warning",
        }
    }

    /// What the credential says, member by member.
    fn data(&self) -> Vec<(&str, String)> {
        let members = self.report.credential_data.iter().flatten();
        let shown = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        members.map(|(key, value)| (key.as_str(), shown(value))).collect()
    }
}

/// `GET /verify/{token}`: shows a person what the credential behind a link is worth now.
///
/// 200 with the page; 404 with one that says so when no living link has the token.
pub(super) fn verification(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    if let Some(report) = verification::report(cx, &req.param("token"))? {
        return page(StatusCode::OK, &VerificationPage { report: &report });
    }
    let text = "Links are short-lived. Ask whoever gave you this one for a new link.";
    page(StatusCode::NOT_FOUND, &MessagePage { title: "Verification link not found or expired", text })
}
