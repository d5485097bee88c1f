//! The product as a browser meets it: the application of a test, served over TCP by the server of production.

use std::net::SocketAddr;
use std::ops::Deref;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use pulseboard::app;
use pulseboard::web::server::{self, Patience};

use super::Chromium;
use crate::support::TestApp;

/// An installation with an address.
pub struct Site {
    app: TestApp,
    address: SocketAddr,
    serving: Option<Serving>,
}

struct Serving {
    stop: watch::Sender<bool>,
    server: JoinHandle<()>,
}

impl Site {
    /// An empty installation on a free port.
    pub async fn new() -> Site {
        Site::of(TestApp::new().await).await
    }

    /// This installation, on a free port.
    pub async fn of(app: TestApp) -> Site {
        let (address, serving) = serve(&app, SocketAddr::from(([127, 0, 0, 1], 0))).await;
        Site {
            app,
            address,
            serving: Some(serving),
        }
    }

    /// Somebody's browser.
    pub async fn browser(&self) -> Chromium {
        Chromium::open(self.address, true).await
    }

    /// The browser of somebody who has switched JavaScript off.
    pub async fn browser_without_javascript(&self) -> Chromium {
        Chromium::open(self.address, false).await
    }

    /// Stops as production does: streams end, requests finish, the port is free.
    pub async fn stop(&mut self) {
        self.app.hub.stop();
        if let Some(serving) = self.serving.take() {
            serving.stop.send_replace(true);
            serving.server.await.expect("the server ends by itself");
        }
    }

    /// A new process would know nothing but the database: so does what serves from now on, at the same address.
    pub async fn start_again(&mut self) {
        self.app = self.app.second_instance().await;
        let (_, serving) = serve(&self.app, self.address).await;
        self.serving = Some(serving);
    }
}

async fn serve(app: &TestApp, address: SocketAddr) -> (SocketAddr, Serving) {
    let listener = TcpListener::bind(address).await.expect("the port is free");
    let address = listener.local_addr().expect("an address");
    let (stop, stopping) = watch::channel(false);
    let router = app::router(app.app.clone());
    let server = tokio::spawn(server::serve(listener, router, stopping, Patience::default()));
    (address, Serving { stop, server })
}

impl Deref for Site {
    type Target = TestApp;
    fn deref(&self) -> &TestApp {
        &self.app
    }
}
