//! Which operation a method and a path mean.

use http::Method;
use percent_encoding::percent_decode_str;

/// How a provider's paths are compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PathRules {
    /// `/a/` means `/a`.
    pub trailing_slash: bool,
    /// Letters match whatever their case; parameters keep theirs.
    pub ignore_case: bool,
}

/// Values of a path's `{parameters}`, as written in the path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Params(Vec<(&'static str, String)>);

impl Params {
    /// The percent-decoded value of a parameter; a literal `+` stays a plus, bytes that are not UTF-8 become U+FFFD. Empty for a
    /// name that the route does not have.
    pub fn get(&self, name: &str) -> std::borrow::Cow<'_, str> {
        percent_decode_str(self.raw(name)).decode_utf8_lossy()
    }

    /// The value of a parameter, as written in the path.
    pub fn raw(&self, name: &str) -> &str {
        self.0.iter().find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    }
}

/// What a method and a path lead to.
#[derive(Debug, PartialEq, Eq)]
pub enum Match {
    /// The route with this index in the provider's table.
    Route(usize, Params),
    /// The path is known, the method is not allowed there; these are.
    OtherMethods(Vec<Method>),
    /// No route has this path.
    Nothing,
}

/// The compiled route table of a provider: a tree of paths for each method, so that `GET /x/{id}` is found beside `POST /x/y`.
#[derive(Debug)]
pub struct Router {
    rules: PathRules,
    methods: Vec<(Method, matchit::Router<usize>)>,
    names: Vec<Vec<&'static str>>,
}

impl Router {
    /// Compiles a table of methods and paths. Fails on two routes for the same method and path.
    pub fn new(rules: PathRules, routes: impl Iterator<Item = (Method, &'static str)>) -> Result<Self, matchit::InsertError> {
        let mut router = Self { rules, methods: Vec::new(), names: Vec::new() };
        for (index, (method, path)) in routes.enumerate() {
            router.names.push(parameters(path));
            let path = if rules.ignore_case { lower_literals(path) } else { path.to_owned() };
            let at = router.methods.iter().position(|(known, _)| *known == method);
            match at.and_then(|at| router.methods.get_mut(at)) {
                Some((_, tree)) => tree.insert(path, index)?,
                None => {
                    let mut tree = matchit::Router::new();
                    tree.insert(path, index)?;
                    router.methods.push((method, tree));
                }
            }
        }
        Ok(router)
    }

    /// Finds the route for a request. `HEAD` goes where `GET` goes unless it has a route of its own.
    pub fn find(&self, method: &Method, path: &str) -> Match {
        let path = match path.strip_suffix('/') {
            Some(bare) if self.rules.trailing_slash && !bare.is_empty() => bare,
            _ => path,
        };
        let lower;
        let wanted = if self.rules.ignore_case {
            lower = path.to_ascii_lowercase();
            lower.as_str()
        } else {
            path
        };
        let at = |method: &Method| {
            let (_, tree) = self.methods.iter().find(|(known, _)| known == method)?;
            let found = tree.at(wanted).ok()?;
            let names = self.names.get(*found.value)?;
            let values = found.params.iter().map(|(_, value)| original(path, wanted, value));
            Some(Match::Route(*found.value, Params(names.iter().copied().zip(values).collect())))
        };
        at(method).or_else(|| if method == Method::HEAD { at(&Method::GET) } else { None }).unwrap_or_else(|| {
            let allowed: Vec<Method> =
                self.methods.iter().filter(|(_, tree)| tree.at(wanted).is_ok()).map(|(method, _)| method.clone()).collect();
            if allowed.is_empty() { Match::Nothing } else { Match::OtherMethods(allowed) }
        })
    }
}

/// The part of `path` where `value`, a slice of its lower-cased twin `wanted`, was found.
fn original(path: &str, wanted: &str, value: &str) -> String {
    let start = value.as_ptr().addr().wrapping_sub(wanted.as_ptr().addr());
    path.get(start..start.wrapping_add(value.len())).unwrap_or(value).to_owned()
}

fn parameters(path: &'static str) -> Vec<&'static str> {
    path.split('/')
        .filter_map(|segment| segment.split_once('{')?.1.split_once('}'))
        .map(|(name, _)| name.trim_start_matches('*'))
        .collect()
}

fn lower_literals(path: &str) -> String {
    let lower = |segment: &str| if segment.contains('{') { segment.to_owned() } else { segment.to_ascii_lowercase() };
    path.split('/').map(lower).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(rules: PathRules) -> Router {
        let routes = [
            (Method::POST, "/1-click/trusted"),
            (Method::GET, "/1-click/{uuid}"),
            (Method::POST, "/1-click/{uuid}/credentials"),
            (Method::DELETE, "/1-click/{uuid}"),
        ];
        Router::new(rules, routes.into_iter()).unwrap()
    }

    fn route(found: Match) -> (usize, String) {
        match found {
            Match::Route(index, params) => (index, params.get("uuid").into_owned()),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_static_path_of_another_method_does_not_hide_a_parameter() {
        let router = router(PathRules::default());
        assert_eq!(route(router.find(&Method::GET, "/1-click/trusted")), (1, "trusted".to_owned()));
        assert_eq!(route(router.find(&Method::POST, "/1-click/trusted")), (0, String::new()));
        assert_eq!(route(router.find(&Method::HEAD, "/1-click/a")), (1, "a".to_owned()));
        assert_eq!(router.find(&Method::PUT, "/1-click/a"), Match::OtherMethods(vec![Method::GET, Method::DELETE]));
        assert_eq!(router.find(&Method::GET, "/1-click"), Match::Nothing);
        assert_eq!(router.find(&Method::GET, "/1-click/a/"), Match::Nothing);
    }

    #[test]
    fn parameters_are_decoded_once_and_keep_plus_and_slash() {
        let router = router(PathRules::default());
        assert_eq!(route(router.find(&Method::GET, "/1-click/%2B1+2%2F3%253")).1, "+1+2/3%3");
        assert_eq!(route(router.find(&Method::GET, "/1-click/%ff")).1, "\u{fffd}");
    }

    #[test]
    fn rules_ignore_case_and_trailing_slash_but_not_in_parameters() {
        let router = router(PathRules { trailing_slash: true, ignore_case: true });
        assert_eq!(route(router.find(&Method::GET, "/1-CLICK/AbC/")), (1, "AbC".to_owned()));
        assert_eq!(route(router.find(&Method::POST, "/1-Click/AbC/CREDENTIALS")), (2, "AbC".to_owned()));
    }
}
