//! Each text of the sources has a message in every language, and no message is of a text that is gone.

use std::collections::BTreeMap;

use pulseboard::words::Language;

use super::scan::{Texts, places_of, texts};

type Messages = BTreeMap<(String, String), Vec<String>>;

/// The messages of a language by context and English text, with the header `Plural-Forms`.
fn messages(language: Language) -> (Messages, usize, String) {
    let path = format!("{}/locale/{language}.po", env!("CARGO_MANIFEST_DIR"));
    let file = polib::po_file::parse(std::path::Path::new(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let messages = file.messages().map(|message| {
        let key = (
            message.msgctxt().unwrap_or_default().to_owned(),
            message.msgid().to_owned(),
        );
        let forms = match message.msgstr_plural() {
            Ok(forms) => forms.clone(),
            Err(_) => vec![message.msgstr().unwrap_or_default().to_owned()],
        };
        (key, forms)
    });
    let rule = &file.metadata.plural_rules;
    (messages.collect(), rule.nplurals, rule.expr.clone())
}

fn others() -> impl Iterator<Item = Language> {
    Language::ALL
        .iter()
        .copied()
        .filter(|language| *language != Language::En)
}

/// How a message is written that is missing.
fn entry(texts: &Texts, key: &(String, String), forms: usize) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let context = match key.0.as_str() {
        "" => String::new(),
        context => format!("msgctxt \"{context}\"\n"),
    };
    let forms = match &texts[key].many {
        None => "msgstr \"...\"".to_owned(),
        Some(many) => {
            let forms = (0..forms).map(|form| format!("\nmsgstr[{form}] \"...\""));
            format!("msgid_plural \"{}\"{}", quoted(many), forms.collect::<String>())
        }
    };
    format!("{context}msgid \"{}\"\n{forms}\n", quoted(&key.1))
}

#[test]
fn every_text_has_a_message_in_every_language() {
    let texts = texts();
    let mut missing = String::new();
    for language in others() {
        let (messages, forms, _) = messages(language);
        for (key, text) in &texts {
            if !messages.contains_key(key) {
                missing.push_str(&format!(
                    "\nlocale/{language}.po ({})\n{}",
                    text.place,
                    entry(&texts, key, forms)
                ));
            }
        }
    }
    assert!(
        missing.is_empty(),
        "Texts without a message. Add each of these entries, with its translation, to the file named above it \
         (ARCHITECTURE.md, \"Words\"):\n{missing}"
    );
}

#[test]
fn no_message_is_of_a_text_that_is_gone() {
    let texts = texts();
    for language in others() {
        let (messages, _, _) = messages(language);
        let gone: Vec<_> = messages.keys().filter(|key| !texts.contains_key(*key)).collect();
        assert!(
            gone.is_empty(),
            "Delete these entries from locale/{language}.po: {gone:#?}"
        );
    }
}

#[test]
fn a_message_has_the_places_of_its_text_and_all_plural_forms() {
    let texts = texts();
    let mut wrong = Vec::new();
    for language in others() {
        let (messages, count, rule) = messages(language);
        assert_eq!(
            (count, rule.as_str()),
            language.plural_rule(),
            "the header of {language}.po"
        );
        for (key, forms) in &messages {
            let Some(text) = texts.get(key) else { continue };
            let expected = if text.many.is_some() { count } else { 1 };
            if forms.len() != expected || forms.iter().any(String::is_empty) {
                wrong.push(format!("{language}: {key:?} needs {expected} forms"));
            }
            for form in forms {
                let (asked, given) = (places_of(&key.1), places_of(form));
                let agrees = match &text.many {
                    None => asked == given,
                    // one, two and none may be said in words
                    Some(many) => {
                        let all = places_of(many);
                        given.iter().all(|name| all.contains(name))
                            && all.iter().all(|name| *name == "n" || given.contains(name))
                    }
                };
                if !agrees && key.0 != "date" {
                    wrong.push(format!("{language}: {key:?} says {given:?} in {form:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn there_is_a_message_for_every_pattern_that_the_scanner_reads() {
    let texts = texts();
    let has = |context: &str, text: &str| texts.contains_key(&(context.to_owned(), text.to_owned()));

    assert!(texts.len() > 1_500, "only {} texts were found", texts.len());
    assert!(has("", "Log in"), "in a template");
    assert!(has("", "Whole blood"), "a label");
    assert!(has("date", "%-d %B %Y"), "a date");
    assert!(has("", "Reconnecting"), "in a script");
    assert!(
        texts[&(String::new(), "{n} unit".to_owned())].many.is_some(),
        "a plural"
    );
}
