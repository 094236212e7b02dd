//! The page at a session's address: a person's way through the screens, without a script.
//!
//! What is shown follows from the session alone, so going back, reloading and coming again later are harmless. The page acts through
//! the functions that the API's handlers call. What it captures it keeps until the person has chosen an outcome, and submits then.

use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::{CONTENT_SECURITY_POLICY, HeaderName, LOCATION};
use serde_json::Value;

use super::error::Error;
use super::lifecycle::{self, Actor};
use super::multipart::Fields;
use super::results::response_status;
use super::simulations::submit_missing;
use super::steering;
use super::store;
use super::store::sessions::{self, Capture, Session};
use super::submissions::{submit_document, submit_verification};
use super::types::{DocumentType, Outcome, Reason, Status, failure_codes, reason};
use crate::http::{Reply, Req, reply};
use crate::pages::{Brand, Colour, Form, Page, Shell};
use crate::world::Cx;

/// What a page may load: nothing but its own style.
pub(super) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'";

/// The service that the pages stand in for.
const SERVICE: &str = "1Kosmos";

/// Seconds after which a page that waits goes on by itself.
const WAIT_S: u32 = 1;
/// Seconds after which a result leads back to the app that asked for it.
const LEAVE_S: u32 = 3;

/// Frames a page's content.
macro_rules! framed {
    ($page:ident, $title:expr) => {
        impl Page for $page<'_> {
            fn shell(&self) -> Shell<'_> {
                let title: fn(&Self) -> std::borrow::Cow<'_, str> = $title;
                Shell { brand: Some(brand(self.tenant)), ..Shell::new(SERVICE, title(self)) }
            }
        }
    };
}

/// Who the person is asked to prove themselves to, and with what.
#[derive(Template)]
#[template(path = "providers/kosmos/pages/welcome.html", config = "src/pages/askama.toml")]
struct Welcome<'a> {
    tenant: &'a str,
    firstname: Option<&'a str>,
    document: &'a str,
    selfie: bool,
    form: Form<'a>,
    error: Option<&'a str>,
}
framed!(Welcome, |_| "Start your verification".into());

/// A photo is taken.
#[derive(Template)]
#[template(path = "providers/kosmos/pages/capture.html", config = "src/pages/askama.toml")]
struct Take<'a> {
    tenant: &'a str,
    heading: &'a str,
    hint: &'a str,
    screen: &'a str,
    step: usize,
    steps: usize,
    form: Form<'a>,
    error: Option<&'a str>,
}
framed!(Take, |page| page.heading.into());

/// How the sandbox is to end the attempt.
#[derive(Template)]
#[template(path = "providers/kosmos/pages/outcome.html", config = "src/pages/askama.toml")]
struct Choose<'a> {
    tenant: &'a str,
    steered: bool,
    codes: Vec<Reason>,
    form: Form<'a>,
    error: Option<&'a str>,
}
framed!(Choose, |_| "Choose the outcome".into());

/// The verification takes a moment.
#[derive(Template)]
#[template(path = "providers/kosmos/pages/processing.html", config = "src/pages/askama.toml")]
struct Processing<'a> {
    tenant: &'a str,
    next: &'a str,
    wait_s: u32,
}
framed!(Processing, |_| "Processing".into());

/// The attempt failed, and there may be another.
#[derive(Template)]
#[template(path = "providers/kosmos/pages/retry.html", config = "src/pages/askama.toml")]
struct Again<'a> {
    tenant: &'a str,
    reason: &'a str,
    left: i64,
    retry: Form<'a>,
    cancel: Form<'a>,
}
framed!(Again, |_| "Try again".into());

/// How it ended.
#[derive(Template)]
#[template(path = "providers/kosmos/pages/result.html", config = "src/pages/askama.toml")]
struct Ended<'a> {
    tenant: &'a str,
    heading: &'a str,
    text: &'a str,
    word: &'a str,
    good: bool,
    reason: Option<Reason>,
    callback: Option<String>,
    leave_s: u32,
}
framed!(Ended, |page| page.heading.into());

/// There is nothing to do here.
#[derive(Template)]
#[template(path = "providers/kosmos/pages/gone.html", config = "src/pages/askama.toml")]
struct Gone<'a> {
    tenant: &'a str,
}
framed!(Gone, |_| "This session is no longer available".into());

fn brand(name: &str) -> Brand<'_> {
    Brand { name, colour: Colour::parse("#0b6e4f").unwrap_or_default() }
}

/// Where a person is in a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Screen {
    Welcome,
    Front,
    Back,
    Selfie,
    Outcome,
    Processing,
    Retry,
    Over,
}

impl Screen {
    /// Follows from the session.
    fn of(cx: &Cx<'_>, session: &Session) -> Result<Self, Error> {
        let has = |kind| sessions::capture(cx.db, &session.id, kind).map(|capture| capture.is_some());
        Ok(match session.status {
            Status::Pending => Self::Welcome,
            Status::InProgress if session.awaiting_retry => Self::Retry,
            Status::InProgress if lifecycle::is_captured(cx, session)? => Self::Processing,
            Status::InProgress => {
                let document = has("document")?;
                let selfie = has("selfie_liveness")? || has("page_selfie")? || !session.config.wants_selfie();
                if !document && !has("page_front")? {
                    Self::Front
                } else if !document && session.document_type.has_back() && !has("page_back")? {
                    Self::Back
                } else if !selfie {
                    Self::Selfie
                } else {
                    Self::Outcome
                }
            }
            _ => Self::Over,
        })
    }

    /// Its name in the history, and that of the capture that is made there.
    fn capture(self) -> Option<(&'static str, &'static str, &'static str)> {
        match self {
            Self::Front => Some(("FRONT", "page_front", "E_IDV_DOCUMENTCAPTURE")),
            Self::Back => Some(("BACK", "page_back", "E_IDV_DOCUMENTCAPTURE")),
            Self::Selfie => Some(("SELFIE", "page_selfie", "E_IDV_SELFIECAPTURE")),
            _ => None,
        }
    }
}

/// `GET /idproofing/session/{sessionId}`: the screen at which the person is.
///
/// 200 with it, also when the session is over; 404 for an unknown session.
pub(super) fn show(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let Some(session) = sessions::session(cx.db, &req.param("sessionId"))? else {
        return page(StatusCode::NOT_FOUND, &Gone { tenant: SERVICE });
    };
    if session.status == Status::Pending {
        let event = Actor::of(req).does(cx, "E_IDV_INITIALIZATION", Some("WELCOME".to_owned()));
        sessions::add_event(cx.db, &session.id, &event)?;
    }
    draw(cx, req, &session, None)
}

/// `POST /idproofing/session/{sessionId}`: what the person does there, as the form field `action` says.
///
/// 303 to the next screen; 400 with the same screen when something is missing; 404 for an unknown session.
pub(super) fn act(cx: &mut Cx<'_>, req: &Req) -> Result<Reply, Error> {
    let Some(mut session) = sessions::session(cx.db, &req.param("sessionId"))? else {
        return page(StatusCode::NOT_FOUND, &Gone { tenant: SERVICE });
    };
    let fields = Fields::of(req);
    let actor = Actor::of(req);
    let screen = Screen::of(cx, &session)?;
    let session = &mut session;
    let next = match (fields.text("action").as_str(), screen) {
        ("start", Screen::Welcome) => {
            if fields.text("consent").is_empty() {
                return draw(cx, req, session, Some("Tick the box to agree before you start."));
            }
            let consent = actor.does(cx, "E_IDV_USER_CONSENT", Some("WELCOME".to_owned()));
            sessions::add_event(cx.db, &session.id, &consent)?;
            lifecycle::start(cx, session, &actor)?;
            ""
        }
        ("decline", Screen::Welcome) => {
            lifecycle::decline(cx, session, &actor)?;
            "?screen=result"
        }
        ("capture", Screen::Front | Screen::Back | Screen::Selfie)
            if fields.text("screen") == screen.capture().map_or("", |at| at.0) =>
        {
            let bytes = fields.bytes("image");
            let sample = fields.text("use") == "sample";
            if bytes.is_empty() && !sample {
                return draw(cx, req, session, Some("Choose a photo first, or use the sample image."));
            }
            let image = (!sample).then(|| STANDARD.encode(bytes));
            keep(cx, session, screen, image, &actor)?;
            ""
        }
        ("finish", Screen::Outcome) => {
            let Some((outcome, code)) = choice(&fields) else {
                return draw(cx, req, session, Some("Choose how the attempt ends."));
            };
            session.chosen = outcome;
            session.chosen_reason = code;
            let event = actor.does(cx, "E_IDV_DOCUMENT_SUBMISSION", Some("PROCESSING".to_owned()));
            sessions::add_event(cx.db, &session.id, &event)?;
            submit(cx, session)?;
            "?screen=processing"
        }
        ("retry", Screen::Retry) => {
            lifecycle::retry(cx, session, &actor)?;
            ""
        }
        ("cancel", Screen::Retry) => {
            lifecycle::cancel_retry(cx, session, &actor)?;
            "?screen=result"
        }
        // A form that was sent twice, or from a page that is not up to date: the page as it is now says where the person is.
        _ => "",
    };
    let location = req.links.url("api", &format!("/idproofing/session/{}{next}", session.id));
    Ok(reply::empty(StatusCode::SEE_OTHER).header(LOCATION, location))
}

/// Keeps a photo until the whole is submitted.
fn keep(cx: &Cx<'_>, session: &Session, screen: Screen, image: Option<String>, actor: &Actor) -> Result<(), Error> {
    if let Some((name, kind, activity)) = screen.capture() {
        let capture = Capture { front: image, ..Capture::default() };
        sessions::put_capture(cx.db, &session.id, kind, &capture)?;
        sessions::add_event(cx.db, &session.id, &actor.does(cx, activity, Some(name.to_owned())))?;
    }
    Ok(())
}

/// Submits what was kept, as the capture app would.
fn submit(cx: &mut Cx<'_>, session: &mut Session) -> Result<(), Error> {
    sessions::save(cx.db, session)?;
    let kept = |kind| sessions::capture(cx.db, &session.id, kind);
    let (front, back, selfie) = (kept("page_front")?, kept("page_back")?, kept("page_selfie")?);
    let image = |capture: Option<Capture>| capture.and_then(|capture| capture.front);
    if let Some(front) = front {
        let capture = Capture { front: front.front, back: image(back), face: None };
        submit_document(cx, session, &capture)?;
    }
    if let Some(selfie) = selfie {
        submit_verification(cx, session, "selfie_liveness", &selfie)?;
    }
    if session.status == Status::InProgress && !session.awaiting_retry {
        submit_missing(cx, session)?;
    }
    Ok(())
}

/// The outcome that a person chose, with its code; none in it where the session's own steering is to count.
fn choice(fields: &Fields) -> Option<(Option<Outcome>, Option<String>)> {
    let outcome = match fields.text("outcome").as_str() {
        "pass" => Outcome::Pass,
        "fail" => Outcome::Failed,
        "review" => Outcome::Review,
        "not_performed" => Outcome::NotPerformed,
        "steered" => return Some((None, None)),
        _ => return None,
    };
    let code = Some(fields.text("code")).filter(|code| outcome == Outcome::Failed && reason(code).is_some());
    Some((Some(outcome), code))
}

fn draw(cx: &Cx<'_>, req: &Req, session: &Session, error: Option<&str>) -> Result<Reply, Error> {
    let tenant = store::tenant(cx.db, &session.tenant_id)?.map(|tenant| tenant.name);
    let tenant = tenant.as_deref().unwrap_or(SERVICE);
    let address = req.links.url("api", &format!("/idproofing/session/{}", session.id));
    let form = |action: &'static str| Form { hidden: vec![("action".into(), action.into())], ..Form::post(address.clone()) };
    let asked = req.query("screen");
    let asked = asked.as_deref().unwrap_or_default();
    let status = if error.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let document = match session.document_type {
        DocumentType::Licence => "driver’s license",
        DocumentType::Passport => "passport",
        DocumentType::IdCard => "identity card",
    };
    let settled = Screen::of(cx, session)?;
    // An outcome that was there at once is still waited for, once.
    let waits = asked == "processing" && matches!(settled, Screen::Over | Screen::Retry);
    match settled {
        Screen::Processing | Screen::Over | Screen::Retry if waits || settled == Screen::Processing => {
            let next = format!("{address}?screen={}", if waits { "result" } else { "processing" });
            page(status, &Processing { tenant, next: &next, wait_s: WAIT_S })
        }
        Screen::Welcome => {
            let firstname = session.user.firstname.as_deref();
            page(
                status,
                &Welcome { tenant, firstname, document, selfie: session.config.wants_selfie(), form: form("start"), error },
            )
        }
        Screen::Front | Screen::Back | Screen::Selfie => {
            let (name, ..) = settled.capture().unwrap_or_default();
            let back = session.document_type.has_back();
            let (heading, hint, step) = match settled {
                Screen::Front if back => ("Front of your document", "Lay it flat, with all four corners in the picture.", 1),
                Screen::Front => {
                    ("Photo page of your passport", "Open it flat, with the two lines at the bottom in the picture.", 1)
                }
                Screen::Back => ("Back of your document", "Turn it over. The barcode must be sharp.", 2),
                _ => ("Your selfie", "Look straight ahead, in even light, without glasses.", 2 + usize::from(back)),
            };
            let steps = 1 + usize::from(back) + usize::from(session.config.wants_selfie());
            let mut form = form("capture");
            form.hidden.push(("screen".into(), name.into()));
            page(status, &Take { tenant, heading, hint, screen: name, step, steps, form, error })
        }
        Screen::Outcome => {
            let steered = steering::is_steered(session);
            page(status, &Choose { tenant, steered, codes: failure_codes().collect(), form: form("finish"), error })
        }
        Screen::Retry => {
            let why = session.attempt_reason.as_deref().and_then(reason).map_or("The verification failed", |why| why.message);
            let left = session.config.max_retries() - session.retries;
            page(status, &Again { tenant, reason: why, left, retry: form("retry"), cancel: form("cancel") })
        }
        Screen::Over if asked == "result" => page(status, &ended(session, tenant)),
        Screen::Over | Screen::Processing => page(status, &Gone { tenant }),
    }
}

fn ended<'a>(session: &Session, tenant: &'a str) -> Ended<'a> {
    let (heading, text) = match (session.status, session.result) {
        (Status::Completed, Some(Outcome::Pass)) => ("You are verified", "That is all. You can close this page."),
        (Status::Completed, Some(Outcome::Review)) => {
            ("Your documents are in review", "A person will look at them. You can close this page.")
        }
        (Status::Completed, Some(Outcome::NotPerformed)) => ("You could not be verified", "Your document could not be read."),
        (Status::Completed, _) => ("You were not verified", "Your document or your selfie did not pass."),
        (Status::Declined, _) => ("You declined", "Nothing was shared. You can close this page."),
        _ => ("This session has ended", "It took too long. Ask for a new link."),
    };
    let good = matches!(session.result, Some(Outcome::Pass | Outcome::Review));
    Ended {
        tenant,
        heading,
        text,
        word: session.result.map_or(session.status.name(), Outcome::completion),
        good,
        reason: session.reason.as_deref().and_then(reason),
        callback: callback(session),
        leave_s: LEAVE_S,
    }
}

/// The address to which the result leads on, if the session's metadata name one of the web.
fn callback(session: &Session) -> Option<String> {
    let target = session.workflow_metadata.as_ref()?.get("callbackUrl").and_then(Value::as_str)?;
    let mut target = url::Url::parse(target).ok().filter(|target| matches!(target.scheme(), "http" | "https"))?;
    target.query_pairs_mut().append_pair("sessionId", &session.id).append_pair("status", response_status(session, false));
    Some(target.into())
}

fn page<T: Template>(status: StatusCode, page: &T) -> Result<Reply, Error> {
    let html = page.render().map_err(|error| {
        tracing::error!(provider = "1kosmos", %error, "a page could not be drawn");
        Error::from(crate::http::Problem::Internal)
    })?;
    let reply = reply::html(status, html).header(CONTENT_SECURITY_POLICY, POLICY);
    Ok(reply.header(HeaderName::from_static("cache-control"), "no-store"))
}
