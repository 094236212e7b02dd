//! Where a person goes after the wallet, and with what.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use url::Url;

use super::types::{Brand, Flow, FlowState};
use crate::http::wire::uri_component;
use crate::pages;

/// Whether a browser can be sent to a URL: an absolute one of a scheme that does not run or show what the URL itself contains.
pub(super) fn is_possible(url: &str) -> bool {
    Url::parse(url).is_ok() && pages::linkable(url)
}

/// What the brand is told: which uuid to read, and whether the person opted out.
pub(super) fn parameters(flow: &Flow) -> Vec<(&'static str, String)> {
    let opted_out = flow.state == FlowState::Declined;
    let mut parameters = Vec::new();
    if let Some(uuid) = &flow.one_click {
        parameters.push(("1ClickUuid", uuid.clone()));
        parameters.push(("optedOut", opted_out.to_string()));
        return parameters;
    }
    if opted_out {
        parameters.push(("optedOut", "true".to_owned()));
    }
    if let Some(uuid) = &flow.outcome {
        parameters.push(("sharedCredentialsUuid", uuid.clone()));
        if let Some(tracking_id) = &flow.tracking_id {
            parameters.push(("verified", tracking_id.clone()));
        }
    }
    parameters
}

/// The address that the browser is sent to: the one in the wallet's address, or else of the call, or else the brand's own; with the
/// parameters. None when there is none at all.
pub(super) fn target(flow: &Flow, brand: &Brand) -> Option<String> {
    let url = flow.seen_redirect_url.as_ref().or(flow.redirect_url.as_ref()).or(brand.redirect_url.as_ref())?;
    Some(with_parameters(url, &parameters(flow)))
}

/// Sets query parameters of a URL; the rest of it stays as it is, unless it has to be encoded to stand in a header.
fn with_parameters(url: &str, parameters: &[(&str, String)]) -> String {
    let is_plain = url.bytes().all(|byte| byte.is_ascii_graphic());
    let encoded = if is_plain { None } else { Url::parse(url).ok().map(String::from) };
    let url = encoded.as_deref().unwrap_or(url);
    let (url, fragment) = url.split_once('#').map_or((url, None), |(url, fragment)| (url, Some(fragment)));
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let name_of = |pair: &str| -> String {
        let name = pair.split('=').next().unwrap_or_default();
        percent_decode_str(name).decode_utf8_lossy().into_owned()
    };
    let kept = query.split('&').filter(|pair| !pair.is_empty() && !parameters.iter().any(|(name, _)| *name == name_of(pair)));
    let set = parameters.iter().map(|(name, value)| format!("{name}={}", uri_component(value)));
    let query: Vec<Cow<'_, str>> = kept.map(Cow::from).chain(set.map(Cow::from)).collect();
    let fragment = fragment.map(|fragment| format!("#{fragment}")).unwrap_or_default();
    format!("{path}?{}{fragment}", query.join("&"))
}

#[cfg(test)]
mod tests {
    use super::with_parameters;

    #[test]
    fn parameters_are_set_and_everything_else_is_kept() {
        let parameters = [("1ClickUuid", "u".to_owned()), ("optedOut", "false".to_owned())];
        for (url, expected) in [
            ("https://app.example/done", "https://app.example/done?1ClickUuid=u&optedOut=false"),
            ("https://app.example/done?x=1", "https://app.example/done?x=1&1ClickUuid=u&optedOut=false"),
            ("https://app.example/?optedOut=true&x=a%20b#top", "https://app.example/?x=a%20b&1ClickUuid=u&optedOut=false#top"),
            ("https://app.example/?1%43lickUuid=old", "https://app.example/?1ClickUuid=u&optedOut=false"),
            ("myapp://done", "myapp://done?1ClickUuid=u&optedOut=false"),
        ] {
            assert_eq!(with_parameters(url, &parameters), expected);
        }
        assert_eq!(
            with_parameters("https://a.example", &[("verified", "a b&c".to_owned())]),
            "https://a.example?verified=a%20b%26c"
        );
    }
}
