//! The ways in that this installation has besides the password: for whom a second factor is a must, and the OpenID
//! provider.

use std::sync::Arc;

use crate::auth::oidc::Provider;
use crate::auth::{Person, Role};
use crate::config::SignIn;

/// Cheap to clone.
#[derive(Clone)]
pub struct Doors(Arc<Parts>);

struct Parts {
    second_factor_for: Vec<Role>,
    provider: Option<Provider>,
}

impl Doors {
    /// A provider that cannot be used (the log says why) is left out: the password still opens.
    pub fn new(settings: &SignIn, base_url: &str) -> Self {
        let provider = settings.openid.clone().and_then(|openid| {
            Provider::new(openid, base_url)
                .inspect_err(|error| tracing::error!(%error, "the OpenID provider cannot be used"))
                .ok()
        });
        let second_factor_for = settings.second_factor_for.iter();
        Doors(Arc::new(Parts {
            second_factor_for: second_factor_for.filter_map(|role| role.parse().ok()).collect(),
            provider,
        }))
    }

    pub fn provider(&self) -> Option<&Provider> {
        self.0.provider.as_ref()
    }

    /// Whether one of their roles works only with a second factor.
    pub fn demand_second_factor(&self, person: &Person) -> bool {
        let demanded = &self.0.second_factor_for;
        (person.network_admin && demanded.contains(&Role::NetworkAdmin))
            || person.memberships.iter().any(|one| demanded.contains(&one.role))
    }
}
