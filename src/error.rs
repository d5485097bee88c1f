//! The one error of the program, and how each kind of it is answered.
//! Rules that the database holds are named constraints, translated here by [`OnConstraint`].

use axum::response::{IntoResponse, Response};
use http::StatusCode;

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The form cannot be taken as it is: 422, each problem beside its field.
    #[error("{0}")]
    Invalid(Problems),
    /// No such thing, or nothing that this person may see: the answer is the same.
    #[error("not found")]
    NotFound,
    /// A thing one may see, but an action one's role does not allow.
    #[error("Your role does not include this. An administrator of your facility can change it.")]
    Forbidden,
    /// A form that did not come from one of our own pages.
    #[error("This did not come from a page of Pulseboard; load the page again and send it from there.")]
    ForeignForm,
    /// Nobody is logged in.
    #[error("log in first")]
    LoginRequired,
    /// A program sent no key, or none that is good. Which of the two is not said.
    #[error("Send a valid API key in the header: Authorization: Bearer pb_...")]
    KeyRequired,
    /// A program put its key into the address, where logs and histories keep it.
    #[error(
        "The address holds an API key. Send it in the header Authorization, and make a new one: addresses are logged."
    )]
    KeyInAddress,
    /// The thing changed meanwhile, so the action makes no sense any more.
    #[error("{0}")]
    Conflict(String),
    /// A body that cannot be read at all: 400.
    #[error("{0}")]
    Malformed(String),
    /// A kind of body that is not known here: 415.
    #[error("{0}")]
    Unsupported(String),
    /// More than is taken at once: 413.
    #[error("{0}")]
    TooLarge(String),
    /// Too many tries; seconds to wait.
    #[error("too many tries; wait {0} s")]
    TooMany(u64),
    /// More work than can be taken now.
    #[error("busy; try again shortly")]
    Busy,
    #[error(transparent)]
    Database(sqlx::Error),
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

impl Error {
    /// One problem of one field; `field` is its name in the form, empty for the form as a whole.
    pub fn invalid(field: &'static str, message: impl Into<String>) -> Self {
        Error::Invalid(Problems::one(field, message))
    }

    pub fn status(&self) -> StatusCode {
        match self {
            Error::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::NotFound => StatusCode::NOT_FOUND,
            Error::Forbidden | Error::ForeignForm => StatusCode::FORBIDDEN,
            Error::LoginRequired | Error::KeyRequired => StatusCode::UNAUTHORIZED,
            Error::KeyInAddress | Error::Malformed(_) => StatusCode::BAD_REQUEST,
            Error::Unsupported(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Error::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Error::Conflict(_) => StatusCode::CONFLICT,
            Error::TooMany(_) => StatusCode::TOO_MANY_REQUESTS,
            Error::Busy => StatusCode::SERVICE_UNAVAILABLE,
            Error::Database(error) if is_overload(error) => StatusCode::SERVICE_UNAVAILABLE,
            Error::Database(_) | Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// The pool had no connection in time, or the server is away: 503, not our mistake.
fn is_overload(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::PoolTimedOut | sqlx::Error::PoolClosed | sqlx::Error::Io(_) => true,
        // admin shutdown, crash shutdown, starting up, too many connections, disk full
        sqlx::Error::Database(error) => {
            matches!(
                error.code().as_deref(),
                Some("57P01" | "57P02" | "57P03" | "53300" | "53100")
            )
        }
        _ => false,
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::RowNotFound => Error::NotFound,
            // 55P03 lock timeout, 40P01 deadlock, 40001 serialization failure
            sqlx::Error::Database(ref cause)
                if matches!(cause.code().as_deref(), Some("55P03" | "40P01" | "40001")) =>
            {
                Error::Conflict(t!("Somebody else is changing the same thing. Try again.").into())
            }
            // 22021, 22P05 a NUL, which Postgres keeps in no text and no JSON, 22003 and 22008 a number or a time beyond
            // all bounds
            sqlx::Error::Database(ref cause)
                if matches!(cause.code().as_deref(), Some("22021" | "22P05" | "22003" | "22008")) =>
            {
                Error::invalid(
                    "",
                    t!("A value holds a character that cannot be stored, or is far out of range."),
                )
            }
            other => Error::Database(other),
        }
    }
}

/// What is wrong with a form, field by field.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems(Vec<(String, String)>);

impl Problems {
    pub fn one(field: impl Into<String>, message: impl Into<String>) -> Self {
        Problems(vec![(field.into(), message.into())])
    }

    pub fn add(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.0.push((field.into(), message.into()));
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first problem of a field; of the form as a whole with an empty name.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name == field)
            .map(|(_, message)| message.as_str())
    }

    /// All problems, for a list on top of a long form.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(field, message)| (field.as_str(), message.as_str()))
    }

    /// `Ok(())` when nothing is wrong.
    pub fn check(self) -> Result<()> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(self))
        }
    }
}

impl std::fmt::Display for Problems {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (index, (_, message)) in self.0.iter().enumerate() {
            write!(f, "{}{message}", if index > 0 { " " } else { "" })?;
        }
        Ok(())
    }
}

/// Translates a named constraint into the error that a person understands.
pub trait OnConstraint<T> {
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T>;
}

impl<T, E: Into<Error>> OnConstraint<T> for std::result::Result<T, E> {
    fn on_constraint(self, name: &str, error: impl FnOnce() -> Error) -> Result<T> {
        self.map_err(|cause| match cause.into() {
            Error::Database(sqlx::Error::Database(cause)) if cause.constraint() == Some(name) => error(),
            other => other,
        })
    }
}

/// Carried beside the bare status to the layer that knows the request, which
/// renders the page or the fragment and logs what is ours to mend.
#[derive(Clone, Debug)]
pub struct Failure {
    pub message: String,
    /// what to log, never to show; set for a 5xx
    pub cause: Option<String>,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = self.status();
        let server_side = status.is_server_error();
        let failure = Failure {
            message: if server_side { String::new() } else { self.to_string() },
            cause: server_side.then(|| format!("{self:?}")),
        };
        let mut response = status.into_response();
        if let Error::TooMany(seconds) = self {
            response.headers_mut().insert(http::header::RETRY_AFTER, seconds.into());
        } else if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(http::header::RETRY_AFTER, 2.into());
        }
        response.extensions_mut().insert(failure);
        response
    }
}
