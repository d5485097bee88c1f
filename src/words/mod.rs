//! The words of the pages in the language of whoever reads them. A text stands in the source in English, inside a macro
//! of [`say`], and is its own key; `locale/*.po` holds the others. What is data (names, reasons that people typed) stays
//! as it is stored.
//!
//! The locale is a value of the running task, set once for a request and for each rendering in the background, so that no
//! function has to hand it on.

#[macro_use]
mod say;

mod catalog;
mod dates;
mod locale;
mod numbers;

use std::cell::Cell;

pub use catalog::forms;
pub use dates::{Dated, weekdays};
pub use locale::{Language, Locale, Numbers};
pub use numbers::{grouped, number};
pub use say::{Count, Counted, Said};

tokio::task_local! {
    static LOCALE: Cell<Locale>;
}

/// What the running task speaks; English where nothing was said.
pub fn locale() -> Locale {
    LOCALE.try_with(Cell::get).unwrap_or_default()
}

/// Runs a future in this locale.
pub async fn within<F: Future>(locale: Locale, future: F) -> F::Output {
    LOCALE.scope(Cell::new(locale), future).await
}

/// Runs a function in this locale.
pub fn under<R>(locale: Locale, run: impl FnOnce() -> R) -> R {
    LOCALE.sync_scope(Cell::new(locale), run)
}

/// The rest of the running task speaks this: of a request whose person is known now. Nothing happens outside [`within`].
pub fn speak(locale: Locale) {
    let _ = LOCALE.try_with(|now| now.set(locale));
}

/// A text in the language of the task. Called by the macros, and for a text that was [`mark!`]ed where it stands.
pub fn t(text: &'static str) -> &'static str {
    match locale().language {
        Language::En => text,
        language => catalog::of(language).text("", text).unwrap_or(text),
    }
}

/// A text in one of its meanings.
pub fn tc(context: &'static str, text: &'static str) -> &'static str {
    match locale().language {
        Language::En => text,
        language => catalog::of(language).text(context, text).unwrap_or(text),
    }
}

/// A text that is kept in the database and was one of ours, such as the name of a board that was built in; any other
/// stays as somebody wrote it.
pub fn ours(text: &str) -> &str {
    match locale().language {
        Language::En => text,
        language => catalog::of(language).text("", text).unwrap_or(text),
    }
}

#[cfg(test)]
mod tests {
    use super::{Language, Locale, t, under};

    #[test]
    fn a_text_is_said_in_the_language_of_the_task() {
        let french = Locale::of(Language::Fr);

        assert_eq!(t("Log in"), "Log in");
        assert_eq!(under(french, || t("Log in")), "Se connecter");
        assert_eq!(under(french, || t("no such message")), "no such message");
    }

    #[test]
    fn values_stand_where_their_names_do_and_plurals_follow_the_language() {
        let arabic = Locale::of(Language::Ar);
        let unit = |n: i64| n!("{n} unit", "{n} units", n);

        assert_eq!(t!("as of {time}", time = "12:03"), "as of 12:03");
        assert_eq!((unit(1), unit(1_234)), ("1 unit".into(), "1,234 units".into()));
        let said = under(arabic, || [0, 1, 2, 3, 11, 100].map(unit));
        let different: std::collections::BTreeSet<&String> = said.iter().collect();
        assert_eq!(different.len(), 6, "Arabic has six forms: {said:?}");
    }
}
