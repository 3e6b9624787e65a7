//! How an HTTP API of API Gateway chooses the route of a path, for routes of the method `ANY`.
//!
//! 1. A route that matches the whole path. A fixed part wins over a variable one, from left to right.
//! 2. A route that ends in `{proxy+}`, which matches at least one character. The longest wins.
//! 3. `$default`.
//!
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html>
#![expect(clippy::panic, reason = "a route that can't be read fails the test")]

use std::cmp::Reverse;

/// Routes with what each leads to.
#[derive(Debug, Clone)]
pub struct Routes<T> {
    routes: Vec<Route<T>>,
    default: T,
}

/// One of them.
#[derive(Debug, Clone)]
pub struct Route<T> {
    /// Such as `/v1/me/{proxy+}`; `$default` has none.
    pub path: String,
    /// Where it leads.
    pub target: T,
}

impl<T: Clone> Routes<T> {
    /// Of route keys and what each leads to.
    ///
    /// # Panics
    /// If `$default` is missing, or a key is of one method.
    #[must_use]
    pub fn new(keys: impl IntoIterator<Item = (String, T)>) -> Self {
        let (mut routes, mut default) = (Vec::new(), None);
        for (key, target) in keys {
            match key.strip_prefix("ANY ") {
                Some(path) => routes.push(Route { path: path.to_owned(), target }),
                None if key == "$default" => default = Some(target),
                None => panic!("this reader does not know {key}"),
            }
        }
        // The first that matches is the one.
        routes.sort_by_cached_key(|route| {
            let parts: Vec<&str> = route.path.split('/').collect();
            let is_greedy = is_greedy(&route.path);
            let length = if is_greedy { parts.len() } else { 0 };
            (is_greedy, Reverse(length), parts.iter().map(|part| part.starts_with('{')).collect::<Vec<_>>())
        });
        let Some(default) = default else { panic!("there is no $default") };
        Self { routes, default }
    }

    /// The route of a path; none for `$default`.
    #[must_use]
    pub fn of(&self, path: &str) -> Option<&Route<T>> {
        self.routes.iter().find(|route| matches(&route.path, path))
    }

    /// The greedy route that takes what a path has no route of its own for.
    #[must_use]
    pub fn greedy(&self, path: &str) -> Option<&Route<T>> {
        self.routes.iter().find(|route| is_greedy(&route.path) && matches(&route.path, path))
    }

    /// Where a path leads.
    #[must_use]
    pub fn target(&self, path: &str) -> &T {
        self.of(path).map_or(&self.default, |route| &route.target)
    }
}

/// Whether a route takes all paths below it.
#[must_use]
pub fn is_greedy(pattern: &str) -> bool {
    pattern.ends_with("/{proxy+}")
}

fn matches(pattern: &str, path: &str) -> bool {
    let (mut parts, mut rest) = (pattern.split('/'), path.split('/'));
    loop {
        match (parts.next(), rest.next()) {
            (None, None) => return true,
            (Some("{proxy+}"), Some(first)) => return !first.is_empty() || rest.next().is_some(),
            (Some(part), Some(text)) if part == text || (part.starts_with('{') && !text.is_empty()) => {}
            (_, _) => return false,
        }
    }
}
