//! The boards that the program brings along: the one with which a facility starts, and others to begin from. They are
//! definitions like any other, kept in files beside this one.

use std::sync::LazyLock;

use super::model::{Definition, File};

/// A board to begin from.
pub struct Template {
    pub name: &'static str,
    pub file: File,
}

macro_rules! template {
    ($name:literal) => {
        Template {
            name: $name,
            file: File::read(include_str!(concat!("templates/", $name, ".json")))
                .unwrap_or_else(|problems| panic!("the built-in board {} is broken: {problems}", $name)),
        }
    };
}

static TEMPLATES: LazyLock<Vec<Template>> =
    LazyLock::new(|| vec![template!("facility"), template!("network"), template!("wall")]);

/// All of them, the facility's first.
pub fn all() -> &'static [Template] {
    &TEMPLATES
}

/// With what a facility starts, whatever its kind, until the network chooses another board for that kind.
pub fn of_facility() -> &'static Definition {
    &TEMPLATES[0].file.definition
}

/// What a screen on the wall of a facility shows that chose no board: sums only.
pub fn of_wall() -> &'static Definition {
    &TEMPLATES[2].file.definition
}

pub fn find(name: &str) -> Option<&'static Template> {
    TEMPLATES.iter().find(|template| template.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_board_is_whole_and_settled() {
        for template in all() {
            let mut settled = template.file.definition.clone();
            settled.settle();

            assert_eq!(settled, template.file.definition, "{}", template.name);
        }
    }
}
