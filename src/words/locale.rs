//! Which language, and how it is written: direction, plural forms, separators of numbers.

use crate::text_enum::text_enum;

text_enum! {
    /// A language of the pages.
    #[derive(Default)]
    pub enum Language {
        #[default]
        En = "en",
        Fr = "fr",
        Es = "es",
        Ar = "ar",
    }
}

text_enum! {
    /// How numbers are written.
    #[derive(Default)]
    pub enum Numbers {
        /// as it is usual in the language
        #[default]
        Usual = "usual" / "As usual in the language",
        CommaPoint = "comma_point" / "1,234.5",
        SpaceComma = "space_comma" / "1 234,5",
        PointComma = "point_comma" / "1.234,5",
        SpacePoint = "space_point" / "1 234.5",
    }
}

/// How somebody reads: the same for everybody whose pages are the same bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Locale {
    pub language: Language,
    pub numbers: Numbers,
}

impl Default for Locale {
    fn default() -> Self {
        Locale::of(Language::En)
    }
}

impl Locale {
    pub const fn of(language: Language) -> Self {
        Locale {
            language,
            numbers: Numbers::Usual,
        }
    }

    /// Between thousands, and before the decimals. Digits are the Latin ones everywhere, as on the bags.
    pub fn separators(self) -> (char, char) {
        /// U+202F, narrow and never broken at
        const SPACE: char = '\u{202f}';
        match (self.numbers, self.language) {
            (Numbers::CommaPoint, _) | (Numbers::Usual, Language::En | Language::Ar) => (',', '.'),
            (Numbers::SpaceComma, _) | (Numbers::Usual, Language::Fr | Language::Es) => (SPACE, ','),
            (Numbers::PointComma, _) => ('.', ','),
            (Numbers::SpacePoint, _) => (SPACE, '.'),
        }
    }
}

impl Language {
    /// Its name in itself, whatever language is spoken.
    pub const fn own_name(self) -> &'static str {
        match self {
            Language::En => "English",
            Language::Fr => "Français",
            Language::Es => "Español",
            Language::Ar => "العربية",
        }
    }

    /// `ltr` or `rtl`, for the attribute `dir`.
    pub const fn direction(self) -> &'static str {
        match self {
            Language::Ar => "rtl",
            _ => "ltr",
        }
    }

    /// The header `Plural-Forms` of its messages; [`plural`](Self::plural) computes the same.
    pub const fn plural_rule(self) -> (usize, &'static str) {
        match self {
            Language::En | Language::Es => (2, "(n != 1)"),
            Language::Fr => (2, "(n > 1)"),
            Language::Ar => (
                6,
                "(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5)",
            ),
        }
    }

    /// Which of its plural forms goes with a number.
    pub const fn plural(self, n: u64) -> usize {
        match self {
            Language::En | Language::Es => (n != 1) as usize,
            Language::Fr => (n > 1) as usize,
            Language::Ar => match (n, n % 100) {
                (0..=2, _) => n as usize,
                (_, 3..=10) => 3,
                (_, 11..) => 4,
                _ => 5,
            },
        }
    }

    /// The one that a browser asks for most (RFC 9110, `Accept-Language`), of those there are.
    pub fn preferred(header: &str) -> Option<Language> {
        let mut best: Option<(Language, f32)> = None;
        for part in header.split(',') {
            let (tag, parameters) = part.split_once(';').unwrap_or((part, ""));
            let weight = match parameters.trim().strip_prefix("q=") {
                Some(q) => q.trim().parse().unwrap_or(0.0),
                None => 1.0,
            };
            let primary = tag.trim().split('-').next().unwrap_or_default().to_ascii_lowercase();
            if let Ok(language) = primary.parse()
                && weight > best.map_or(0.0, |(_, most)| most)
            {
                best = Some((language, weight));
            }
        }
        best.map(|(language, _)| language)
    }
}

#[cfg(test)]
mod tests {
    use super::{Language, Locale, Numbers};

    #[test]
    fn a_browser_gets_the_language_it_asks_for_most() {
        let asked = [
            ("fr-CA,fr;q=0.8,en;q=0.5", Some(Language::Fr)),
            ("de, ar;q=0.7, en;q=0.3", Some(Language::Ar)),
            ("en;q=0.2, es;q=0.9", Some(Language::Es)),
            ("de, fr;q=0", None),
            ("", None),
            (";;q=x,,", None),
        ];
        for (header, language) in asked {
            assert_eq!(Language::preferred(header), language, "{header}");
        }
    }

    #[test]
    fn plural_forms_are_those_of_the_language() {
        assert_eq!([0, 1, 2].map(|n| Language::Fr.plural(n)), [0, 0, 1]);
        assert_eq!([0, 1, 2].map(|n| Language::Es.plural(n)), [1, 0, 1]);
        assert_eq!(
            [0, 1, 2, 3, 10, 11, 99, 100, 102, 103, 111].map(|n| Language::Ar.plural(n)),
            [0, 1, 2, 3, 3, 4, 4, 5, 5, 3, 4]
        );
    }

    #[test]
    fn a_chosen_way_of_writing_numbers_goes_before_the_language() {
        let french = Locale::of(Language::Fr);
        let swiss = Locale {
            numbers: Numbers::SpacePoint,
            ..french
        };

        assert_eq!(french.separators(), ('\u{202f}', ','));
        assert_eq!(swiss.separators(), ('\u{202f}', '.'));
        assert_eq!(Locale::default().separators(), (',', '.'));
    }
}
