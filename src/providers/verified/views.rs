//! What the wallet shows a person: one struct a page, data in, HTML out.
//!
//! Names and ids are kept stable for tests. A field's controls are named as its dotted short type and have the id
//! `field-` and that name with dashes: `address.line1` is `#field-address-line1`. Buttons: `#verify`, `#continue`,
//! `#share`, `#decline`. What is wrong is `#error` for the page and `#error-address-line1` for a field.

use askama::Template;
use askama::filters::HtmlSafe;

use crate::pages::{Brand, Form, Page, Shell};

/// The service that the wallet stands in for.
const SERVICE: &str = "Verified Inc. wallet";

/// Name of the hidden inputs of a consent form that list, by [`Field::name`], the items that can be left out.
pub(crate) const OFFERED: &str = "offered";
/// Name of the checkboxes of a consent form: the offered items that are to be shared. An offered item that is not
/// among them is left out; a form that offers nothing, such as one sent without a browser, leaves out nothing.
pub(crate) const SELECTED: &str = "selected";
/// What stands before a field's name in the name of the selector among several known values.
pub(crate) const CHOICE: &str = "choice.";
/// What such a selector says when the value is typed instead.
pub(crate) const OTHER: &str = "other";

/// Asks for the verification code (`#code`, `#verify`), and offers to go on without one (`#decline`).
///
/// The form sends `code`: six digits, with or without a hyphen in the middle. It is posted by hosted flows; the flow
/// of a brand's own page sends a GET form to the same address, with the query so far as hidden fields.
#[derive(Debug, Template)]
#[template(path = "providers/verified/pages/code.html", config = "src/pages/askama.toml")]
pub(crate) struct CodePage<'a> {
    /// For whom the person signs in.
    pub brand: Brand<'a>,
    /// Where the code went.
    pub sent_to: Destination<'a>,
    /// Where the code goes.
    pub form: Form<'a>,
    /// Why the last code was refused.
    pub error: Option<&'a str>,
    /// Receives the refusal, where a person may refuse without the code.
    pub decline: Option<Form<'a>>,
    /// What its button says.
    pub decline_label: &'a str,
    /// A line for the developer, such as where the sandbox keeps its messages.
    pub sandbox_tip: Option<&'a str>,
}

/// Where a verification code was sent, as shown to the person.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Destination<'a> {
    /// A text message to this number, in national form.
    Phone(&'a str),
    /// A mail to this address.
    Email(&'a str),
}

impl Page for CodePage<'_> {
    fn shell(&self) -> Shell<'_> {
        shell("Enter your code", Some(self.brand), self.error.is_some())
    }
}

/// Asks who the person is on the first visit: `birthDate` (`#birthDate`, `YYYY-MM-DD`) or `ssn4` (`#ssn4`); the other
/// is sent empty (`#continue`).
#[derive(Debug, Template)]
#[template(path = "providers/verified/pages/identity.html", config = "src/pages/askama.toml")]
pub(crate) struct IdentityPage<'a> {
    /// For whom the person signs in.
    pub brand: Brand<'a>,
    /// Where the answer goes.
    pub form: Form<'a>,
    /// The date as it was typed before, `YYYY-MM-DD`, or nothing.
    pub birth_date: &'a str,
    /// Why the last answer was refused.
    pub error: Option<&'a str>,
}

impl Page for IdentityPage<'_> {
    fn shell(&self) -> Shell<'_> {
        shell("Confirm it’s you", Some(self.brand), self.error.is_some())
    }
}

/// Shows what is about to be shared and asks for consent (`#share`, `#decline`).
#[derive(Debug, Template)]
#[template(path = "providers/verified/pages/consent.html", config = "src/pages/askama.toml")]
pub(crate) struct ConsentPage<'a> {
    /// Who asks.
    pub brand: Brand<'a>,
    /// `1-Click Signup`, or the request's description.
    pub heading: &'a str,
    /// A line under the heading, such as `Make sure everything is correct:`.
    pub description: Option<&'a str>,
    /// Where the data comes from.
    pub source: &'a str,
    /// What is asked for, in the order of the requests.
    pub fields: &'a [Field],
    /// What was wrong with the form sent before; the mistakes of `fields` are listed under it.
    pub error: Option<&'a str>,
    /// Receives the data to share.
    pub share: Form<'a>,
    /// What the main button says: `1-Click Signup` or `Share`.
    pub share_label: &'a str,
    /// Receives the refusal.
    pub decline: Form<'a>,
    /// What the other button says: `Enter info manually instead` or `Decline`.
    pub decline_label: &'a str,
    /// The brand's terms, linked from the legal sentence.
    pub terms_url: Option<&'a str>,
    /// The brand's privacy policy, linked from the legal sentence.
    pub privacy_url: Option<&'a str>,
}

impl Page for ConsentPage<'_> {
    fn shell(&self) -> Shell<'_> {
        shell(self.heading, Some(self.brand), self.error.is_some())
    }
}

impl ConsentPage<'_> {
    /// A field as HTML.
    fn item<'b>(&'b self, field: &'b Field) -> FieldView<'b> {
        FieldView { field, brand: self.brand.name, part: false }
    }

    /// Whether any item is marked with `*`.
    fn requires(&self) -> bool {
        self.fields.iter().any(|field| field.required)
    }

    /// Every field that has a mistake, at any depth, in the order of the page.
    fn mistakes(&self) -> Vec<&Field> {
        fn collect<'b>(fields: &'b [Field], mistakes: &mut Vec<&'b Field>) {
            for field in fields {
                if field.error.is_some() {
                    mistakes.push(field);
                }
                if let FieldKind::Group(parts) = &field.kind {
                    collect(parts, mistakes);
                }
            }
        }
        let mut mistakes = Vec::new();
        collect(self.fields, &mut mistakes);
        mistakes
    }
}

/// A requested credential on the consent page, or a part of a composite one.
#[derive(Debug, Clone)]
pub(crate) struct Field {
    /// Dotted short type, such as `birthDate` or `address.line1`; it names the form's fields.
    pub name: String,
    /// Title of the type; the page writes that of a request in capitals.
    pub label: String,
    /// Whether it is marked with `*`.
    pub required: bool,
    /// Whether its box is ticked; `None` where there is no box, because it is required or is a part.
    pub selected: Option<bool>,
    /// The known values, readable: none, one, or several to select from.
    pub values: Vec<Choice>,
    /// Which of several values is selected, by [`Choice::value`], or [`OTHER`]; the first when absent.
    pub chosen: Option<String>,
    /// Whether and how a value can be typed.
    pub kind: FieldKind,
    /// Why the brand asks, in its words; shown on requests, not on parts.
    pub description: Option<String>,
    /// What was wrong with the value sent before.
    pub error: Option<String>,
}

/// Whether and how the value of a field can be typed.
///
/// Where there are several known values to select from, what is typed counts only if the selector says [`OTHER`], and
/// it starts empty.
#[derive(Debug, Clone)]
pub(crate) enum FieldKind {
    /// It cannot: the only known value is shown as text.
    Fixed,
    /// In one control that starts with `value`.
    Input {
        /// What kind of control.
        control: Control,
        /// What stands in it, in the form that the control sends.
        value: String,
    },
    /// In the parts of a composite, each shown on its own.
    Group(Vec<Field>),
}

/// The control that a value is typed in.
#[derive(Debug, Clone)]
pub(crate) enum Control {
    /// Any text.
    Text,
    /// A mail address.
    Email,
    /// A phone number, in national form or E.164.
    Phone,
    /// A day: the value is `YYYY-MM-DD`, the browser shows it in the person's own way.
    Date,
    /// A social security number, with or without dashes.
    Ssn,
    /// A selector. A value that is not among the options is offered as it is.
    Select(Vec<Choice>),
}

/// A value that can be selected.
#[derive(Debug, Clone)]
pub(crate) struct Choice {
    /// What the form sends: an option's value, or the id of the credential that holds a known value.
    pub value: String,
    /// What the person reads, such as `August 1, 1989`.
    pub label: String,
}

/// Says that the flow is over: its outcome was decided before, or there is no address to send the browser to.
#[derive(Debug, Template)]
#[template(path = "providers/verified/pages/done.html", config = "src/pages/askama.toml")]
pub(crate) struct DonePage<'a> {
    /// Whom the flow was for.
    pub brand: Brand<'a>,
    /// What happened, such as `You’re all set`.
    pub title: &'a str,
    /// The same in a sentence.
    pub text: &'a str,
    /// How it goes on.
    pub next: Next<'a>,
}

/// How a finished flow goes on.
#[derive(Debug, Clone)]
pub(crate) enum Next<'a> {
    /// With a link (`#continue`) to the brand's redirect URL, parameters included.
    Redirect(&'a str),
    /// Not at all: no redirect URL is known, so the page shows the names and values that it would have been given
    /// (`#parameters`, values as `#parameter-optedOut`).
    Parameters(&'a [(&'a str, &'a str)]),
}

impl Page for DonePage<'_> {
    fn shell(&self) -> Shell<'_> {
        shell(self.title, Some(self.brand), false)
    }
}

/// Says why there is nothing to do here: an expired flow, an unknown or used link, too many wrong codes.
#[derive(Debug, Template)]
#[template(path = "providers/verified/pages/message.html", config = "src/pages/askama.toml")]
pub(crate) struct MessagePage<'a> {
    /// Whom the flow was for, if it is known.
    pub brand: Option<Brand<'a>>,
    /// The heading.
    pub title: &'a str,
    /// What happened (`#message`).
    pub text: &'a str,
    /// What to do about it.
    pub hint: Option<&'a str>,
    /// Whether it is a refusal or a piece of information.
    pub tone: Tone,
}

/// How a message is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Something ended or is not there.
    Neutral,
    /// Something was refused.
    Refusal,
}

impl Page for MessagePage<'_> {
    fn shell(&self) -> Shell<'_> {
        shell(self.title, self.brand, false)
    }
}

fn shell<'a>(title: &'a str, brand: Option<Brand<'a>>, failed: bool) -> Shell<'a> {
    Shell { brand, failed, ..Shell::new(SERVICE, title) }
}

/// A field in its place: it contains itself, as composites do, which an included template could not.
#[derive(Debug, Template)]
#[template(path = "providers/verified/pages/field.html", config = "src/pages/askama.toml")]
struct FieldView<'a> {
    field: &'a Field,
    brand: &'a str,
    /// Whether it is a part of a composite rather than a request.
    part: bool,
}

/// It is a template itself, and has escaped what it shows.
impl HtmlSafe for FieldView<'_> {}

impl<'a> FieldView<'a> {
    /// A part of this composite as HTML.
    fn part(&self, field: &'a Field) -> FieldView<'a> {
        FieldView { field, brand: self.brand, part: true }
    }

    /// The ids of what explains the control, for `aria-describedby`; empty if nothing does.
    fn described_by(&self) -> String {
        let id = self.field.id();
        let on_file = self.field.on_file().is_some().then(|| format!("value-{id}"));
        let error = self.field.error.is_some().then(|| format!("error-{id}"));
        let note = (!self.part && self.field.description.is_some()).then(|| format!("note-{id}"));
        [on_file, error, note].into_iter().flatten().collect::<Vec<_>>().join(" ")
    }
}

impl Field {
    /// Its name as ids spell it: `address-line1`.
    fn id(&self) -> String {
        self.name.replace('.', "-")
    }

    /// The id of the element that the list of mistakes leads to.
    fn target(&self) -> String {
        let id = self.id();
        match &self.kind {
            _ if self.selecting() && self.chosen.as_deref() != Some(OTHER) => format!("choice-{id}"),
            FieldKind::Input { .. } => format!("field-{id}"),
            FieldKind::Fixed | FieldKind::Group(_) => format!("item-{id}"),
        }
    }

    /// Whether the person selects among several known values.
    fn selecting(&self) -> bool {
        self.values.len() > 1
    }

    /// Whether a value can be typed.
    fn typed(&self) -> bool {
        !matches!(self.kind, FieldKind::Fixed)
    }

    /// The id of the control that the label belongs to, if there is exactly one.
    fn labelled(&self) -> Option<String> {
        if self.selecting() {
            return Some(format!("choice-{}", self.id()));
        }
        matches!(self.kind, FieldKind::Input { .. }).then(|| format!("field-{}", self.id()))
    }

    /// Whether the selector starts with this value.
    fn chooses(&self, value: &str) -> bool {
        match &self.chosen {
            Some(chosen) => chosen == value,
            None => self.values.first().is_some_and(|first| first.value == value),
        }
    }

    /// The only known value, as the person reads it.
    fn readable(&self) -> Option<&str> {
        match self.values.as_slice() {
            [only] => Some(&only.label),
            _ => None,
        }
    }

    /// The known value, where its controls do not show it as it is: a date appears in the browser's own way, and a composite in the
    /// old form has no parts to show.
    fn on_file(&self) -> Option<&str> {
        match &self.kind {
            FieldKind::Input { control: Control::Date, .. } => self.readable(),
            FieldKind::Group(parts) if parts.iter().all(|part| part.values.is_empty()) => self.readable(),
            _ => None,
        }
    }

    /// Whether it wants a line of its own among the parts of a composite.
    fn wide(&self) -> bool {
        matches!(self.kind, FieldKind::Group(_)) || matches!(self.last_name(), "line1" | "line2" | "country")
    }

    /// What a browser may fill in, by the short type.
    fn autocomplete(&self) -> &'static str {
        match self.last_name() {
            "email" => "email",
            "phone" => "tel",
            "firstName" => "given-name",
            "middleName" => "additional-name",
            "lastName" => "family-name",
            "birthDate" => "bday",
            "line1" => "address-line1",
            "line2" => "address-line2",
            "city" => "address-level2",
            "state" => "address-level1",
            "zipCode" => "postal-code",
            "country" => "country",
            _ => "off",
        }
    }

    fn last_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }
}

impl Control {
    /// The `type` of the input.
    fn input_type(&self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Phone => "tel",
            Self::Date => "date",
            Self::Text | Self::Ssn | Self::Select(_) => "text",
        }
    }

    /// Whether `value` is not among the options of this selector.
    fn lacks(&self, value: &str) -> bool {
        match self {
            Self::Select(options) => !value.is_empty() && options.iter().all(|option| option.value != value),
            _ => false,
        }
    }
}
