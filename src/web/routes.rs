//! The table of routes. A route cannot be declared without saying who may call it, and the table can be read:
//! a test asks every route as everybody and compares the answer with what is declared here.

use axum::Router;
use axum::handler::Handler;
use axum::routing;
use http::Method;

use crate::auth::Access;

/// One row of the table.
#[derive(Clone, Debug)]
pub struct Route {
    pub method: Method,
    pub path: &'static str,
    pub access: Access,
}

/// Routes with their access, on the way to a [`Router`].
pub struct Routes<S> {
    router: Router<S>,
    table: Vec<Route>,
}

impl<S: Clone + Send + Sync + 'static> Default for Routes<S> {
    fn default() -> Self {
        Routes {
            router: Router::new(),
            table: Vec::new(),
        }
    }
}

impl<S: Clone + Send + Sync + 'static> Routes<S> {
    pub fn get<H: Handler<T, S>, T: 'static>(mut self, path: &'static str, access: Access, handler: H) -> Self {
        self.table.push(Route {
            method: Method::GET,
            path,
            access,
        });
        self.router = self.router.route(path, routing::get(handler));
        self
    }

    pub fn post<H: Handler<T, S>, T: 'static>(mut self, path: &'static str, access: Access, handler: H) -> Self {
        self.table.push(Route {
            method: Method::POST,
            path,
            access,
        });
        self.router = self.router.route(path, routing::post(handler));
        self
    }

    pub fn merge(mut self, other: Routes<S>) -> Self {
        self.table.extend(other.table);
        self.router = self.router.merge(other.router);
        self
    }

    /// The router, and the table of what it holds.
    pub fn finish(self) -> (Router<S>, Vec<Route>) {
        (self.router, self.table)
    }
}
