//! Why a message did not leave the house: kept as a code, said in the language of whoever reads it.

use super::reach::Unreachable;
use crate::error::Error;

/// Why it failed.
#[derive(Debug, thiserror::Error, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    #[error("{0}")]
    Unreachable(Unreachable),
    #[error("no answer within five seconds")]
    TimedOut,
    #[error("the connection failed")]
    Connection,
    #[error("the receiver answered {0}")]
    Answered(u16),
    #[error("the channel's address or secret cannot be read")]
    Sealed,
    #[error("no mail server is set up")]
    NoMail,
    #[error("the mail could not be written")]
    Letter,
}

impl From<Error> for Failure {
    fn from(_: Error) -> Self {
        Failure::Letter
    }
}

impl From<Unreachable> for Failure {
    fn from(refused: Unreachable) -> Self {
        Failure::Unreachable(refused)
    }
}

const REFUSALS: [(&str, Unreachable); 7] = [
    ("not_a_url", Unreachable::NotAUrl),
    ("not_https", Unreachable::NotHttps),
    ("holds_credentials", Unreachable::HoldsCredentials),
    ("not_listed", Unreachable::NotListed),
    ("private", Unreachable::Private),
    ("unresolved", Unreachable::Unresolved),
    ("client", Unreachable::Client),
];

impl Failure {
    /// What is kept.
    pub fn code(self) -> String {
        match self {
            Failure::Unreachable(refused) => {
                let known = REFUSALS.iter().find(|(_, one)| *one == refused);
                known.map_or("client", |(code, _)| code).into()
            }
            Failure::TimedOut => "timed_out".into(),
            Failure::Connection => "connection".into(),
            Failure::Answered(status) => format!("answered_{status}"),
            Failure::Sealed => "sealed".into(),
            Failure::NoMail => "no_mail".into(),
            Failure::Letter => "letter".into(),
        }
    }

    pub fn read(code: &str) -> Option<Self> {
        let refused = REFUSALS.iter().find(|(known, _)| *known == code);
        Some(match code {
            "timed_out" => Failure::TimedOut,
            "connection" => Failure::Connection,
            "sealed" => Failure::Sealed,
            "no_mail" => Failure::NoMail,
            "letter" => Failure::Letter,
            _ => match code.strip_prefix("answered_") {
                Some(status) => Failure::Answered(status.parse().ok()?),
                None => Failure::Unreachable(refused?.1),
            },
        })
    }

    /// For people.
    pub fn words(self) -> String {
        match self {
            Failure::Unreachable(refused) => refused.words().into(),
            Failure::TimedOut => t!("No answer within five seconds.").into(),
            Failure::Connection => t!("The connection failed.").into(),
            Failure::Answered(status) => t!("The receiver answered {status}.", status),
            Failure::Sealed => t!("The channel's address or secret cannot be read; make the channel anew.").into(),
            Failure::NoMail => t!("No mail server is set up.").into(),
            Failure::Letter => t!("The mail could not be written.").into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_is_read_again_as_it_was_kept() {
        let refusals = REFUSALS.iter().map(|(_, one)| Failure::Unreachable(*one));
        let others = [
            Failure::TimedOut,
            Failure::Connection,
            Failure::Answered(503),
            Failure::Sealed,
            Failure::NoMail,
            Failure::Letter,
        ];

        for one in refusals.chain(others) {
            assert_eq!(Failure::read(&one.code()), Some(one));
        }
        assert_eq!(Failure::read("something else"), None);
    }
}
