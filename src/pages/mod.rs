//! The shell, style and components of every page that a person sees.
//!
//! A page is a struct with `#[derive(Template)]` whose template extends `pages/base.html` and fills the block
//! `content` (a card in the middle of the window) or, where a card is too small, the block `page`. The struct
//! implements `Page`, which tells the base what stands around the content:
//!
//! ```ignore
//! #[derive(Template)]
//! #[template(path = "providers/acme/pages/hello.html", config = "src/pages/askama.toml")]
//! pub(crate) struct HelloPage<'a> {
//!     pub brand: Brand<'a>,
//! }
//!
//! impl Page for HelloPage<'_> {
//!     fn shell(&self) -> Shell<'_> {
//!         Shell { brand: Some(self.brand), ..Shell::new("Acme", "Hello") }
//!     }
//! }
//!
//! let html = HelloPage { brand }.render()?;
//! ```
//!
//! Pages need no script, no font and no image from anywhere: the style is inlined, the icons are drawn in place, and
//! a brand's logo is its initial on its colour. They are made for the policy `default-src 'none'; style-src
//! 'unsafe-inline'; img-src data:; base-uri 'none'; frame-ancestors 'none'`.

use std::borrow::Cow;

mod colour;

pub(crate) use colour::Colour;

/// What the base layout shows around the content of a page.
#[derive(Debug, Clone)]
pub(crate) struct Shell<'a> {
    /// Title of the window, to which the brand's name is added.
    pub title: Cow<'a, str>,
    /// The service that the page stands in for, as the sandbox ribbon names it.
    pub service: &'a str,
    /// On whose behalf the page speaks; Understudy's own look when there is nobody.
    pub brand: Option<Brand<'a>>,
    /// Whether the page reports a mistake, which its title then says first.
    pub failed: bool,
}

impl<'a> Shell<'a> {
    /// The shell of a page without a brand that reports no mistake.
    pub(crate) fn new(service: &'a str, title: impl Into<Cow<'a, str>>) -> Self {
        Self { title: title.into(), service, brand: None, failed: false }
    }

    /// The colour that buttons, links and the focus ring are derived from.
    pub(crate) fn colour(&self) -> Colour {
        self.brand.map_or_else(Colour::default, |brand| brand.colour)
    }
}

/// A page that the base layout can frame.
pub(crate) trait Page {
    /// What stands around this page's content.
    fn shell(&self) -> Shell<'_>;
}

/// The company that a page speaks for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Brand<'a> {
    /// Name as shown to people.
    pub name: &'a str,
    /// Primary colour.
    pub colour: Colour,
}

impl Brand<'_> {
    /// What its mark shows: the first letter or digit of its name, in capitals.
    pub(crate) fn initial(&self) -> String {
        self.name.chars().find(|c| c.is_alphanumeric()).map_or_else(|| "•".into(), |c| c.to_uppercase().collect())
    }
}

/// Where a form goes, and what it carries besides the fields that a person sees.
#[derive(Debug, Clone)]
pub(crate) struct Form<'a> {
    /// URL that receives the form. A GET form replaces its query.
    pub action: Cow<'a, str>,
    /// How the form is sent.
    pub method: Method,
    /// Names and values of hidden fields, in order.
    pub hidden: Vec<(Cow<'a, str>, Cow<'a, str>)>,
}

impl<'a> Form<'a> {
    /// A form that is posted to `action` with nothing hidden.
    pub(crate) fn post(action: impl Into<Cow<'a, str>>) -> Self {
        Self { action: action.into(), method: Method::Post, hidden: Vec::new() }
    }

    /// A form that asks for `action` with `query` and its visible fields as the query.
    pub(crate) fn get(action: impl Into<Cow<'a, str>>, query: Vec<(Cow<'a, str>, Cow<'a, str>)>) -> Self {
        Self { action: action.into(), method: Method::Get, hidden: query }
    }
}

/// How a form is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    /// The fields become the query of the address.
    Get,
    /// The fields become the body, URL-encoded.
    Post,
}

impl Method {
    /// As the `method` attribute spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
        }
    }
}

/// Whether an address that came from outside may become a link: every scheme may (apps have their own), but for
/// those that would run or show what the address itself contains.
pub(crate) fn linkable(url: &str) -> bool {
    // Browsers ignore control characters and blanks when they read a scheme.
    let scheme: String =
        url.chars().filter(|c| !c.is_ascii_control() && *c != ' ').take_while(|c| *c != ':').flat_map(char::to_lowercase).collect();
    !matches!(scheme.as_str(), "javascript" | "data" | "vbscript")
}

#[cfg(test)]
mod tests {
    use super::{Brand, Colour, linkable};

    #[test]
    fn a_link_may_have_any_scheme_but_those_that_carry_their_own_content() {
        for url in ["https://app.example/done?x=javascript:1", "myapp://done", "/request/1", "localhost:7020/data"] {
            assert!(linkable(url), "{url}");
        }
        for url in ["javascript:alert(1)", " JavaScript:alert(1)", "java\nscript:alert(1)", "data:text/html,x"] {
            assert!(!linkable(url), "{url}");
        }
    }

    #[test]
    fn a_mark_shows_the_first_letter_of_the_name() {
        for (name, initial) in [("Hooli", "H"), ("\"éclair\"", "É"), ("5N", "5"), ("", "•")] {
            assert_eq!(Brand { name, colour: Colour::default() }.initial(), initial, "{name}");
        }
    }
}
