//! Absolute URLs as the caller can open them.

/// A service that the real provider runs under host names of its own.
#[derive(Debug, PartialEq, Eq)]
pub struct Site {
    /// Its name inside the provider (`api`, `wallet`).
    pub name: &'static str,
    /// Its real host names, one an environment (sandbox first), in the same order for each site of the provider.
    pub hosts: &'static [&'static str],
}

/// Builds absolute URLs from the address that the caller used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Links {
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Host and port, as the caller wrote them.
    pub authority: String,
    /// What stands before the provider's own paths: `/~<world>` and the provider's slug, each where needed.
    pub prefix: String,
    /// For a caller that used a real host name: the provider's sites and which of their host names it was.
    pub real: Option<(&'static [Site], usize)>,
}

impl Links {
    /// Links of a provider at the gateway, from those of the gateway itself.
    #[must_use]
    pub fn provider(&self, slug: &str) -> Self {
        Self { prefix: format!("{}/{slug}", self.prefix), ..self.clone() }
    }

    /// The URL of `path` (which begins with a slash) at one of the provider's sites.
    pub fn url(&self, site: &str, path: &str) -> String {
        let real_host = self.real.and_then(|(sites, environment)| {
            let site = sites.iter().find(|known| known.name == site)?;
            site.hosts.get(environment).or_else(|| site.hosts.first())
        });
        let Self { scheme, authority, prefix, .. } = self;
        match real_host {
            Some(host) => match authority.rsplit_once(':') {
                Some((_, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => {
                    format!("{scheme}://{host}:{port}{prefix}{path}")
                }
                _ => format!("{scheme}://{host}{prefix}{path}"),
            },
            None => format!("{scheme}://{authority}{prefix}{path}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITES: &[Site] = &[
        Site { name: "api", hosts: &["api.sandbox.example", "api.example"] },
        Site { name: "wallet", hosts: &["wallet.sandbox.example", "wallet.example"] },
    ];

    #[test]
    fn links_follow_the_address_of_the_caller() {
        let gateway = Links { scheme: "http", authority: "localhost:11111".to_owned(), prefix: "/~w/acme".to_owned(), real: None };
        assert_eq!(gateway.url("wallet", "/x"), "http://localhost:11111/~w/acme/x");
        let real = Links { scheme: "https", authority: "api.example".to_owned(), prefix: String::new(), real: Some((SITES, 1)) };
        assert_eq!(real.url("wallet", "/x"), "https://wallet.example/x");
        let port = Links { authority: "api.sandbox.example:8443".to_owned(), real: Some((SITES, 0)), ..real };
        assert_eq!(port.url("wallet", "/x"), "https://wallet.sandbox.example:8443/x");
        assert_eq!(port.url("api", "/x"), "https://api.sandbox.example:8443/x");
    }
}
