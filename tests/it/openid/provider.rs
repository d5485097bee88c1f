//! A real OpenID provider, somebody else's work, as a process of its own; and a browser that goes there and comes back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use pulseboard::config::{Mapping, OpenId};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

/// Ends with the test.
pub struct Provider {
    pub issuer: String,
    http: reqwest::Client,
    child: Child,
    _input: ChildStdin,
}

impl Provider {
    pub async fn start() -> Provider {
        let modules = modules();
        let own = modules.join("node/bin/node");
        let node = if own.exists() { own } else { "node".into() };
        let mut child = Command::new(node)
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/openid/provider.mjs"))
            .arg(&modules)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .expect("Node is there; scripts/test installs it");
        let output = BufReader::new(child.stdout.take().expect("its output"));
        let line = output.lines().next_line().await.expect("its output can be read");
        let line = line.unwrap_or_else(|| panic!("the provider does not start; scripts/test installs what it needs"));
        let told: Value = serde_json::from_str(&line).expect("a line of JSON");
        let _ = rustls::crypto::ring::default_provider().install_default();
        Provider {
            issuer: told["issuer"].as_str().expect("an issuer").to_owned(),
            http: reqwest::Client::builder()
                .redirect(reqwest::redirect::Policy::none())
                .build()
                .expect("a client"),
            _input: child.stdin.take().expect("its input"),
            child,
        }
    }

    /// How an installation is told of it; `mapping` in the words of the settings.
    pub fn settings(&self, mapping: &str) -> OpenId {
        #[derive(serde::Deserialize)]
        struct Whole {
            mapping: Vec<Mapping>,
        }
        let whole: Whole = toml::from_str(&format!("mapping = {mapping}")).expect("a mapping");
        OpenId {
            issuer: self.issuer.clone(),
            client_id: "board".into(),
            client_secret: Some("a secret of the tests".into()),
            label: "Care Network".into(),
            scopes: vec!["profile".into(), "email".into(), "groups".into()],
            role_claim: "groups".into(),
            mapping: whole.mapping,
            create_people: true,
        }
    }

    /// Who is logged in there, and what goes wrong; see `provider.mjs`.
    pub async fn set(&self, settings: Value) {
        let told = self
            .http
            .post(format!("{}/test/settings", self.issuer))
            .body(settings.to_string())
            .send();
        assert!(told.await.expect("the provider answers").status().is_success());
    }

    /// Follows the provider's redirects, with its cookies, until it sends the browser back; the local path of that.
    pub async fn visit(&self, address: &str) -> String {
        let mut address = address.to_owned();
        let mut cookies = BTreeMap::new();
        for _ in 0..10 {
            if let Some(back) = address.strip_prefix("http://localhost/") {
                return format!("/{back}");
            }
            let jar: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let asked = self.http.get(&address).header("cookie", jar.join("; ")).send();
            let answer = asked.await.expect("the provider answers");
            for cookie in answer.headers().get_all("set-cookie") {
                let pair = cookie.to_str().expect("a cookie").split(';').next().unwrap_or_default();
                let (name, value) = pair.split_once('=').expect("a cookie");
                cookies.insert(name.to_owned(), value.to_owned());
            }
            let Some(next) = answer.headers().get("location") else {
                panic!(
                    "{address}: {} {}",
                    answer.status(),
                    answer.text().await.unwrap_or_default()
                );
            };
            let next = next.to_str().expect("an address");
            address = match next.starts_with('/') {
                true => format!("{}{next}", self.issuer),
                false => next.to_owned(),
            };
        }
        panic!("the provider goes round in circles: {address}");
    }

    /// The machine is gone.
    pub async fn stop(&mut self) {
        self.child.kill().await.expect("it can be stopped");
    }
}

/// Where `scripts/test` puts what comes from npm.
fn modules() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .parent()
        .expect("the build folder");
    target.join("openid-provider/node_modules")
}
