//! Where a request goes: which world, which provider, and how absolute URLs lead back there.

use std::borrow::Cow;
use std::net::IpAddr;

use http::header::HOST;
use http::{HeaderMap, Uri};

use crate::http::{Links, Site};
use crate::worlds::{DEFAULT, Registry};

/// The header that names a world.
pub const WORLD_HEADER: &str = "understudy-world";

/// First segment of the control API's paths.
pub const CONTROL: &str = "/_understudy";

/// What a listening port stands for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// The provider whose paths it serves, by slug; a gateway to all of them when absent.
    pub provider: Option<&'static str>,
    /// The world that it belongs to.
    pub world: Option<String>,
}

/// What an address leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// A provider, by slug, and the path below its base.
    Provider(&'static str, &'a str),
    /// The control API, and the path below `/_understudy` (without slash at its beginning).
    Control(&'a str),
    /// The gateway's own front page.
    Front,
    /// Nothing that there is.
    Nowhere,
}

/// A request's address, taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address<'a> {
    /// Name of the world; it may not exist.
    pub world: Cow<'a, str>,
    /// What it leads to there.
    pub target: Target<'a>,
    /// Absolute URLs from here.
    pub links: Links,
}

/// Takes an address apart. `scheme` is how the caller speaks to this server, `external` what to use in absolute URLs instead of the host that the caller wrote.
pub fn resolve<'a>(
    registry: &Registry,
    port: &'a Port,
    scheme: &'static str,
    external: Option<&(&'static str, String)>,
    uri: &'a Uri,
    headers: &HeaderMap,
) -> Address<'a> {
    let authority = host(uri, headers);
    let (prefixed, path) = world_prefix(uri.path());
    // A name that is not text is an unknown one; ignoring it would lead to another world.
    let header = headers.get(WORLD_HEADER).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let header = header.as_deref().map(str::trim);
    let named = prefixed.or(header);
    let own = port.world.as_deref().unwrap_or(DEFAULT);
    let world = match (prefixed, header) {
        (Some(name), _) => Cow::from(name),
        (None, Some(name)) => Cow::from(name.to_owned()),
        (None, None) => Cow::from(own),
    };
    // A browser that follows a link sends no header, so links name the world in their path.
    let world_prefix = named.filter(|name| *name != own).map(|name| format!("/~{name}")).unwrap_or_default();

    let (shown_scheme, shown) = external.map_or((scheme, authority), |(scheme, authority)| (*scheme, authority.as_str()));
    let gateway = |prefix: String| Links { scheme: shown_scheme, authority: shown.to_owned(), prefix, real: None };
    let here = |world_prefix: String| Links { scheme, authority: authority.to_owned(), prefix: world_prefix, real: None };

    let host_name = strip_port(authority);
    if let Some((slug, sites, environment)) = real_host(registry, host_name) {
        let links = Links { real: Some((sites, environment)), ..here(world_prefix) };
        return Address { world, target: Target::Provider(slug, path), links };
    }
    if let Some(rest) = path.strip_prefix(CONTROL)
        && (rest.is_empty() || rest.starts_with('/'))
    {
        return Address { world, target: Target::Control(rest.trim_start_matches('/')), links: gateway(world_prefix) };
    }
    let by_host =
        host_name.strip_suffix(".localhost").and_then(|slug| registry.slugs().find(|known| known.eq_ignore_ascii_case(slug)));
    if let Some(slug) = by_host.or(port.provider) {
        return Address { world, target: Target::Provider(slug, path), links: here(world_prefix) };
    }
    if matches!(path, "" | "/") {
        return Address { world, target: Target::Front, links: gateway(world_prefix) };
    }
    let (first, rest) = split_first(path);
    match registry.slugs().find(|slug| *slug == first) {
        Some(slug) => {
            let rest = if rest.is_empty() { "/" } else { rest };
            Address { world, target: Target::Provider(slug, rest), links: gateway(format!("{world_prefix}/{slug}")) }
        }
        None => Address { world, target: Target::Nowhere, links: gateway(world_prefix) },
    }
}

/// The host (and port) that the caller wrote; `localhost` when it wrote none.
pub fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    uri.authority()
        .map(http::uri::Authority::as_str)
        .or_else(|| headers.get(HOST).and_then(|value| value.to_str().ok()))
        .map(|authority| authority.rsplit_once('@').map_or(authority, |(_, host)| host))
        .filter(|authority| !authority.is_empty())
        .unwrap_or("localhost")
}

/// Whether a host name can only mean this machine: `localhost`, a name below it, or a loopback address.
pub fn is_loopback(authority: &str) -> bool {
    let host = strip_port(authority).trim_end_matches('.').to_ascii_lowercase();
    host == "localhost" || host.ends_with(".localhost") || ip(&host).is_some_and(|address| address.is_loopback())
}

/// Whether a host is an address, which nobody's DNS can point elsewhere.
pub fn is_address(authority: &str) -> bool {
    ip(strip_port(authority)).is_some()
}

fn ip(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

/// The host of `host:port`.
pub(crate) fn strip_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && (!host.contains(':') || host.ends_with(']')) => {
            host
        }
        _ => authority,
    }
}

/// `/~name/rest` is (`name`, `/rest`).
fn world_prefix(path: &str) -> (Option<&str>, &str) {
    match path.strip_prefix("/~") {
        Some(rest) => {
            let (name, rest) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
            (Some(name), if rest.is_empty() { "/" } else { rest })
        }
        None => (None, path),
    }
}

/// `/first/rest` is (`first`, `/rest`).
fn split_first(path: &str) -> (&str, &str) {
    let path = path.strip_prefix('/').unwrap_or(path);
    path.find('/').map_or((path, ""), |at| path.split_at(at))
}

fn real_host(registry: &Registry, host: &str) -> Option<(&'static str, &'static [Site], usize)> {
    registry.providers().map(|provider| provider.about()).find_map(|about| {
        about.sites.iter().find_map(|site| {
            let environment = site.hosts.iter().position(|known| known.eq_ignore_ascii_case(host))?;
            Some((about.slug, about.sites, environment))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers;

    /// World, what it leads to, and a link to `/x` at the wallet.
    fn resolve_at(port: &Port, host: &str, path: &str, world: Option<&str>) -> (String, String, String) {
        let registry = Registry::new(providers::all());
        let mut headers = HeaderMap::new();
        headers.insert(HOST, host.parse().unwrap());
        if let Some(world) = world {
            headers.insert(WORLD_HEADER, world.parse().unwrap());
        }
        let uri = path.parse().unwrap();
        let address = resolve(&registry, port, "http", None, &uri, &headers);
        let link = address.links.url("wallet", "/x");
        (address.world.into_owned(), format!("{:?}", address.target), link)
    }

    #[test]
    fn every_spelling_of_an_address_is_understood() {
        let gateway = Port::default();
        let own = Port { provider: Some("verified"), world: None };
        let provider = |path| Target::Provider("verified", path);
        for (port, host, path, header, world, target, link) in [
            (&gateway, "localhost:1", "/verified/a/b", None, "default", provider("/a/b"), "http://localhost:1/verified/x"),
            (&gateway, "localhost:1", "/verified", None, "default", provider("/"), "http://localhost:1/verified/x"),
            (&gateway, "127.0.0.1:1", "/~w/verified/a", None, "w", provider("/a"), "http://127.0.0.1:1/~w/verified/x"),
            (&gateway, "localhost", "/verified/a", Some("w"), "w", provider("/a"), "http://localhost/~w/verified/x"),
            (&gateway, "localhost", "/~v/verified/a", Some("w"), "v", provider("/a"), "http://localhost/~v/verified/x"),
            (&gateway, "verified.localhost:1", "/a", None, "default", provider("/a"), "http://verified.localhost:1/x"),
            (&gateway, "verified.localhost:1", "/~w/a", None, "w", provider("/a"), "http://verified.localhost:1/~w/x"),
            (
                &gateway,
                "core-api.sandbox-verifiedinc.com",
                "/a",
                None,
                "default",
                provider("/a"),
                "http://wallet.sandbox-verifiedinc.com/x",
            ),
            (&gateway, "core-api.verified.inc:8443", "/~w/a", None, "w", provider("/a"), "http://wallet.verified.inc:8443/~w/x"),
            (&own, "localhost:2", "/a", None, "default", provider("/a"), "http://localhost:2/x"),
            (&own, "localhost:2", "/verified/a", None, "default", provider("/verified/a"), "http://localhost:2/x"),
            (&gateway, "localhost", "/", None, "default", Target::Front, "http://localhost/x"),
            (&gateway, "localhost", "/~w", None, "w", Target::Front, "http://localhost/~w/x"),
            (&gateway, "localhost", "/nobody/a", None, "default", Target::Nowhere, "http://localhost/x"),
            (&gateway, "localhost", "/_understudy/health", None, "default", Target::Control("health"), "http://localhost/x"),
            (&own, "localhost", "/~w/_understudy/clock", None, "w", Target::Control("clock"), "http://localhost/~w/x"),
            (&gateway, "localhost", "/_understudyx", None, "default", Target::Nowhere, "http://localhost/x"),
        ] {
            let found = resolve_at(port, host, path, header);
            assert_eq!(found, (world.to_owned(), format!("{target:?}"), link.to_owned()), "{host} {path} {header:?}");
        }
    }

    #[test]
    fn a_port_of_a_world_means_that_world_and_its_links_stay_there() {
        let port = Port { provider: Some("verified"), world: Some("w".to_owned()) };
        assert_eq!(resolve_at(&port, "localhost:2", "/a", None).2, "http://localhost:2/x");
        assert_eq!(resolve_at(&port, "localhost:2", "/a", None).0, "w");
        assert_eq!(resolve_at(&port, "localhost:2", "/~default/a", None).2, "http://localhost:2/~default/x");
    }

    #[test]
    fn only_names_of_this_machine_are_loopback() {
        for host in ["localhost", "LOCALHOST:1", "a.localhost", "127.0.0.1:80", "127.9.9.9", "[::1]:5", "[::1]", "localhost."] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["example.com", "localhost.example.com", "10.0.0.1", "127.0.0.1.example.com", "[::2]", "", "evil:localhost"] {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
