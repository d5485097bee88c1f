//! Logging in at an OpenID provider, which is a real one that somebody else wrote.

mod people;
mod protocol;
mod provider;

use serde_json::{Value, json};

use crate::support::{Answer, Client, TestApp, options};
use provider::Provider;

/// An installation with a provider whose claims mean this.
async fn with_provider(mapping: &str) -> (TestApp, Provider) {
    let provider = Provider::start().await;
    let mut options = options();
    options.sign_in.openid = Some(provider.settings(mapping));
    (TestApp::with(options).await, provider)
}

/// Claims of somebody there.
fn account(sub: &str, email: &str, groups: &[&str]) -> Value {
    json!({ "sub": sub, "email": email, "email_verified": true, "name": "Ada Diallo", "groups": groups })
}

/// The whole way, as a browser goes it.
async fn log_in(client: &Client, provider: &Provider) -> Answer {
    let begun = client.get("/login/oidc?next=/account").await;
    let back = provider.visit(begun.location().expect("a way to the provider")).await;
    come_back(client, &back).await
}

/// The provider's site sends the browser: another site, but a plain navigation.
async fn come_back(client: &Client, path: &str) -> Answer {
    client.with("sec-fetch-site", "cross-site").get(path).await
}

/// An address with one parameter changed.
fn with_parameter(address: &str, name: &str, value: &str) -> String {
    let (path, query) = address.split_once('?').expect("parameters");
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((key, _)) if key == name => format!("{name}={value}"),
        _ => pair.to_owned(),
    });
    format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"))
}

fn parameter<'a>(address: &'a str, name: &str) -> &'a str {
    let (_, query) = address.split_once('?').expect("parameters");
    let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.find(|(key, _)| *key == name).expect("the parameter").1
}
