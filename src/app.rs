//! The application: what every handler may reach, and the router that joins all features and the layers around them.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::FromRef;
use axum::middleware;
use tower::util::MapResponseLayer;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::validate_request::ValidateRequestHeaderLayer;

use crate::alerts::{Outlets, Reach};
use crate::auth::{self, Access, Auth};
use crate::boards::{Boards, LinkRates};
use crate::brokers::States;
use crate::config::{Role, Secret, SignIn};
use crate::db::Db;
use crate::facilities::Chrome;
use crate::ingest::Pipeline;
use crate::live::{Hub, Limits};
use crate::mail::Mail;
use crate::users::{Doors, Setup};
use crate::web::{self, Frame, Route, Routes};
use crate::{
    admin, alerts, api, boards, catalog, distributions, health, ingest, inventory, keys, metrics, network, places,
    receivers, reference, requests, search, users,
};

/// Everything a handler may ask for. The layers and extractors copy it several times for each request, so a copy is one
/// count and not one for each part.
#[derive(Clone)]
pub struct App(Arc<Parts>);

pub struct Parts {
    pub db: Db,
    pub auth: Auth,
    pub hub: Hub,
    pub boards: Boards,
    pub link_rates: LinkRates,
    pub chrome: Chrome,
    pub setup: Setup,
    pub mail: Mail,
    pub doors: Doors,
    pub ingest: Pipeline,
    pub brokers: States,
    pub frame: Frame,
    pub watch: admin::Watch,
    pub outlets: Outlets,
}

/// What makes one installation different from another.
#[derive(Clone, Debug)]
pub struct Options {
    pub session_idle: Duration,
    pub session_longest: Duration,
    /// age from which a summary is refreshed when somebody looks at it
    pub freshness: Duration,
    pub streams: Limits,
    pub frame: Frame,
    /// shown on every page: these figures are made up
    pub synthetic: bool,
    /// what the one-time set-up page asks for
    pub setup_token: Arc<str>,
    pub mail: Mail,
    /// keys what is kept sealed
    pub secret: Secret,
    pub sign_in: SignIn,
    /// where alerts may be sent
    pub reach: Reach,
    /// scheme and host that people type, for addresses that leave the site
    pub base_url: Arc<str>,
}

impl App {
    pub fn new(db: Db, options: &Options) -> Self {
        let auth = Auth::new(
            db.clone(),
            options.session_idle,
            options.session_longest,
            &options.secret,
        );
        let hub = Hub::new(options.streams);
        let chrome = Chrome::new(db.clone(), options.synthetic, options.freshness);
        App(Arc::new(Parts {
            boards: Boards::new(db.clone(), hub.clone(), chrome.clone(), options.freshness),
            link_rates: LinkRates::default(),
            chrome,
            setup: Setup::new(db.clone(), options.setup_token.clone()),
            mail: options.mail.clone(),
            doors: Doors::new(&options.sign_in, &options.base_url),
            ingest: Pipeline::new(db.clone()),
            brokers: States::default(),
            frame: options.frame.clone(),
            watch: admin::Watch::default(),
            outlets: Outlets {
                vault: auth.vault.clone(),
                mail: options.mail.clone(),
                reach: options.reach.clone(),
                base_url: options.base_url.clone(),
            },
            auth,
            hub,
            db,
        }))
    }

    /// The table of routes, for the page that shows who may call what.
    pub fn route_table(&self) -> Vec<Route> {
        route_table()
    }
}

impl std::ops::Deref for App {
    type Target = Parts;
    fn deref(&self) -> &Parts {
        &self.0
    }
}

macro_rules! part_of_app {
    ($($field:ident: $part:ty),+ $(,)?) => {
        $(impl FromRef<App> for $part {
            fn from_ref(app: &App) -> Self {
                app.$field.clone()
            }
        })+
    };
}
part_of_app!(db: Db, auth: Auth, hub: Hub, boards: Boards, chrome: Chrome, setup: Setup, mail: Mail, doors: Doors, ingest: Pipeline);

/// Every route of the product that takes no more than a form, with its access.
pub fn routes() -> Routes<App> {
    Routes::default()
        .merge(users::routes())
        .merge(boards::routes())
        .merge(inventory::routes())
        .merge(requests::routes())
        .merge(distributions::routes())
        .merge(network::routes())
        .merge(search::routes())
        .merge(admin::routes())
        .merge(alerts::routes())
        .merge(places::routes())
        .merge(reference::routes())
        .merge(keys::routes())
        .merge(api::routes())
        .merge(metrics::routes())
        .merge(ingest::letter_routes())
        .merge(health::routes())
        .get("/static/{*path}", Access::Public, web::assets::serve)
}

/// The table of routes, for the test that asks each of them as everybody.
pub fn route_table() -> Vec<Route> {
    let larger = catalog::routes().merge(ingest::routes()).merge(receivers::routes());
    routes().merge(larger).finish().1
}

/// Forms hold at most this many bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// The router with its layers. Those that pass the body on as it is are one layer to the router, outermost first: it
/// boxes each layer, and every box clones all those within it for each request.
pub fn router(app: App) -> Router {
    router_of(app, Role::All)
}

/// Of that only what a process of this role answers: pages and streams, what programs send, or whether it is well.
pub fn router_of(app: App, role: Role) -> Router {
    let limited = |routes: Routes<App>, bytes| routes.finish().0.layer(RequestBodyLimitLayer::new(bytes));
    let mut router = if role.serves_web() {
        limited(routes(), BODY_LIMIT).merge(limited(catalog::routes(), catalog::BODY_LIMIT))
    } else {
        limited(health::routes(), BODY_LIMIT)
    };
    if role.takes_events() {
        // larger than a form
        router = router
            .merge(limited(ingest::routes(), ingest::BODY_LIMIT))
            .merge(limited(receivers::routes(), receivers::BODY_LIMIT));
    }
    router.with_state(app.clone()).layer((
        middleware::from_fn_with_state(app.frame.clone(), web::spoken),
        middleware::from_fn_with_state(app.frame.clone(), web::frame),
        CatchPanicLayer::custom(panicked),
        CompressionLayer::new(),
        ValidateRequestHeaderLayer::custom(web::same_origin),
        MapResponseLayer::new(auth::secure_removal),
        auth::session_layer(app.auth.sessions.clone(), app.frame.secure),
    ))
}

fn panicked(panic: Box<dyn std::any::Any + Send + 'static>) -> axum::response::Response {
    use axum::response::IntoResponse;
    let words = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    crate::error::Error::Internal(anyhow::anyhow!("panic: {}", words.unwrap_or("without words"))).into_response()
}
