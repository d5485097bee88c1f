//! What a provider says about somebody, read out of its claims.

use openidconnect::AdditionalClaims;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Somebody as the provider knows them. They are `issuer` and `subject`; the rest is only what they are called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    pub subject: String,
    pub email: Option<String>,
    /// the provider says that it did not check the address
    pub email_is_doubtful: bool,
    pub name: Option<String>,
    /// values of the claim that rights are read from
    pub values: Vec<String>,
    /// the provider asked for a second factor (`amr` holds `mfa`, RFC 8176)
    pub second_factor: bool,
}

/// Claims beyond the standard's.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Extra {
    #[serde(flatten)]
    all: Map<String, Value>,
}

impl AdditionalClaims for Extra {}

impl Extra {
    /// The texts of a claim: one, or a list of them. `realm_access.roles` is the claim of this name, or else `roles` in
    /// the object `realm_access`. `None` when there is no such claim.
    pub fn texts(&self, name: &str) -> Option<Vec<String>> {
        let value = match self.all.get(name) {
            Some(value) => value,
            None => {
                let mut steps = name.split('.');
                let first = self.all.get(steps.next()?)?;
                steps.try_fold(first, |value, step| value.get(step))?
            }
        };
        Some(match value {
            Value::String(text) => vec![text.clone()],
            Value::Array(items) => items.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => vec![],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_one_text_or_a_list_and_may_lie_in_an_object() {
        let claims = r#"{"groups": ["a", 7, "b"], "role": "c", "realm": {"roles": ["d"]}, "x.y": "e", "count": 3}"#;
        let extra: Extra = serde_json::from_str(claims).unwrap();
        let texts = |name| extra.texts(name).map(|texts| texts.join(","));

        assert_eq!(texts("groups").as_deref(), Some("a,b"));
        assert_eq!(texts("role").as_deref(), Some("c"));
        assert_eq!(texts("realm.roles").as_deref(), Some("d"));
        assert_eq!(texts("x.y").as_deref(), Some("e"));
        assert_eq!(texts("count").as_deref(), Some(""));
        assert_eq!(texts("realm.none"), None);
        assert_eq!(texts("none"), None);
    }
}
