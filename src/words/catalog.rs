//! The messages of `locale/*.po`, inside the binary and read once, when somebody first needs their language.

use std::collections::HashMap;
use std::sync::LazyLock;

use polib::message::MessageView;
use rust_embed::Embed;

use super::Language;

#[derive(Embed)]
#[folder = "locale/"]
struct Files;

/// By the context, empty for most, and the English text.
#[derive(Default)]
pub struct Catalog(HashMap<(String, String), Vec<String>>);

impl Catalog {
    pub fn text(&self, context: &str, text: &str) -> Option<&str> {
        self.form(context, text, 0)
    }

    /// One of the plural forms of a text, which is found by its singular.
    pub fn form(&self, context: &str, text: &str, form: usize) -> Option<&str> {
        let forms = self.0.get(&(context, text) as &dyn Pair)?;
        forms.get(form).map(String::as_str).filter(|text| !text.is_empty())
    }
}

/// Looks a pair of texts up without copying them.
trait Pair {
    fn pair(&self) -> (&str, &str);
}

impl Pair for (String, String) {
    fn pair(&self) -> (&str, &str) {
        (&self.0, &self.1)
    }
}

impl Pair for (&str, &str) {
    fn pair(&self) -> (&str, &str) {
        *self
    }
}

impl std::hash::Hash for dyn Pair + '_ {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.pair().hash(state);
    }
}

impl PartialEq for dyn Pair + '_ {
    fn eq(&self, other: &Self) -> bool {
        self.pair() == other.pair()
    }
}

impl Eq for dyn Pair + '_ {}

impl<'a> std::borrow::Borrow<dyn Pair + 'a> for (String, String) {
    fn borrow(&self) -> &(dyn Pair + 'a) {
        self
    }
}

/// The messages of a language; none for English, whose texts stand in the source.
pub fn of(language: Language) -> &'static Catalog {
    static ALL: LazyLock<[Catalog; 4]> = LazyLock::new(|| {
        Language::ALL
            .iter()
            .map(|one| read(*one))
            .collect::<Vec<_>>()
            .try_into()
            .unwrap_or_default()
    });
    &ALL[language as usize]
}

/// All forms of a text in a language, one for most; none in English.
pub fn forms(language: Language, text: &str) -> Option<&'static [String]> {
    of(language).0.get(&("", text) as &dyn Pair).map(Vec::as_slice)
}

fn read(language: Language) -> Catalog {
    let Some(file) = Files::get(&format!("{language}.po")) else {
        return Catalog::default();
    };
    let messages = match polib::po_file::parse_from_reader(&*file.data) {
        Ok(messages) => messages,
        Err(error) => {
            tracing::error!(%language, %error, "the messages of a language cannot be read");
            return Catalog::default();
        }
    };
    let entry = |message: &dyn MessageView| {
        let key = (
            message.msgctxt().unwrap_or_default().to_owned(),
            message.msgid().to_owned(),
        );
        let forms = match message.msgstr_plural() {
            Ok(forms) => forms.clone(),
            Err(_) => vec![message.msgstr().unwrap_or_default().to_owned()],
        };
        (key, forms)
    };
    Catalog(messages.messages().map(entry).collect())
}
