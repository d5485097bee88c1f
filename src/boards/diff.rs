//! What changed between two documents, in words for people, and what two people's changes to the same document are
//! together.

use super::model::Definition;
use super::queries::Step;
use crate::widgets::Widget;

/// What `to` has changed against `from`, one sentence each; nothing when they are the same.
pub fn words(from: &Step, to: &Step) -> Vec<String> {
    let mut words = Vec::new();
    if from.name != to.name {
        words.push(t!(
            "Renamed from “{name}” to “{name2}”",
            name = from.name,
            name2 = to.name
        ));
    }
    if from.description != to.description {
        words.push(t!("Changed the description").into());
    }
    let (old, new) = (&from.definition, &to.definition);
    if old.range != new.range {
        words.push(t!(
            "Changed the time range from “{words}” to “{words2}”",
            words = old.range.words(),
            words2 = new.range.words()
        ));
    }
    if old.refresh != new.refresh {
        words.push(t!("Changed the refresh to “{refresh}”", refresh = new.refresh.label()));
    }
    let added = new.widgets.iter().filter(|one| old.widget(&one.id).is_none());
    words.extend(added.map(|one| t!("Added {name}", name = name(one))));
    let removed = old.widgets.iter().filter(|one| new.widget(&one.id).is_none());
    words.extend(removed.map(|one| t!("Removed {name}", name = name(one))));
    for (before, after) in pairs(old, new) {
        let changes = changes(before, after);
        if !changes.is_empty() {
            words.push(format!("{}: {}", capitalised(&name(after)), changes.join(", ")));
        }
    }
    words
}

fn pairs<'a>(old: &'a Definition, new: &'a Definition) -> impl Iterator<Item = (&'a Widget, &'a Widget)> {
    new.widgets
        .iter()
        .filter_map(|after| Some((old.widget(&after.id)?, after)))
}

fn changes(before: &Widget, after: &Widget) -> Vec<&'static str> {
    let mut changes = Vec::new();
    let mut note = |differs: bool, words| {
        if differs {
            changes.push(words);
        }
    };
    note(before.kind != after.kind, t!("another kind"));
    note(before.title != after.title, t!("another title"));
    note(before.source != after.source, t!("other figures"));
    note(before.options != after.options, t!("other options"));
    note(before.thresholds != after.thresholds, t!("other thresholds"));
    note(before.drill != after.drill, t!("leads elsewhere"));
    let (old, new) = (before.place, after.place);
    note((old.w, old.h) != (new.w, new.h), t!("another size"));
    note((old.x, old.y) != (new.x, new.y), "moved");
    note(!before.locked && after.locked, "locked");
    note(before.locked && !after.locked, "unlocked");
    changes
}

/// A widget as people call it: `the line chart “Stock”`.
pub fn name(widget: &Widget) -> String {
    let kind = widget.kind.label().to_lowercase();
    match widget.title.is_empty() {
        true => t!("the {kind} “{id}”", kind, id = widget.id),
        false => t!("the {kind} “{title}”", kind, title = widget.title),
    }
}

fn capitalised(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Two people's changes of `base` together: all of `theirs`, and of `mine` what they did not touch. Where both changed
/// the same, mine stands and is named.
pub fn merged(base: &Step, theirs: &Step, mine: &Step) -> (Step, Vec<String>) {
    let mut both = Vec::new();
    let mut of = |what: &str, changed_by_me: bool, changed_by_them: bool, same: bool| {
        if changed_by_me && changed_by_them && !same {
            both.push(what.to_owned());
        }
        changed_by_me
    };
    let mut result = theirs.clone();
    if of(
        t!("The name"),
        mine.name != base.name,
        theirs.name != base.name,
        mine.name == theirs.name,
    ) {
        result.name = mine.name.clone();
    }
    let (my, their, old) = (&mine.description, &theirs.description, &base.description);
    if of(t!("The description"), my != old, their != old, my == their) {
        result.description = my.clone();
    }
    let (my, their, old) = (&mine.definition, &theirs.definition, &base.definition);
    if of(
        t!("The time range"),
        my.range != old.range,
        their.range != old.range,
        my.range == their.range,
    ) {
        result.definition.range = my.range.clone();
    }
    if of(
        t!("The refresh"),
        my.refresh != old.refresh,
        their.refresh != old.refresh,
        my.refresh == their.refresh,
    ) {
        result.definition.refresh = my.refresh;
    }
    let mut ids: Vec<&str> = old
        .widgets
        .iter()
        .chain(&my.widgets)
        .map(|one| one.id.as_str())
        .collect();
    ids.sort_unstable();
    ids.dedup();
    for id in ids {
        let (before, mine, theirs) = (old.widget(id), my.widget(id), their.widget(id));
        let what = mine.or(before).map(|one| capitalised(&name(one))).unwrap_or_default();
        if !of(&what, mine != before, theirs != before, mine == theirs) {
            continue;
        }
        let widgets = &mut result.definition.widgets;
        match (mine, widgets.iter().position(|one| one.id == id)) {
            (Some(mine), Some(at)) => widgets[at] = mine.clone(),
            (Some(mine), None) => widgets.push(mine.clone()),
            (None, Some(at)) => {
                widgets.remove(at);
            }
            (None, None) => {}
        }
    }
    result.definition.settle();
    (result, both)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::widgets::Kind;

    fn step(widgets: &[(&str, &str)]) -> Step {
        let mut definition = Definition::empty();
        for (id, title) in widgets {
            let mut widget = Widget::new(Kind::Activity, id);
            widget.title = (*title).into();
            widget.place.y = definition.bottom();
            definition.widgets.push(widget);
        }
        Step {
            name: "Morning".into(),
            description: String::new(),
            definition,
        }
    }

    #[test]
    fn changes_are_said_in_words() {
        let from = step(&[("a", "Alpha"), ("b", "Beta")]);
        let mut to = step(&[("a", "Alpha two"), ("c", "")]);
        to.name = "Evening".into();

        let words = words(&from, &to);

        assert_eq!(
            words,
            [
                "Renamed from “Morning” to “Evening”",
                "Added the activity “c”",
                "Removed the activity “Beta”",
                "The activity “Alpha two”: another title",
            ]
        );
        assert!(super::words(&from, &from).is_empty());
    }

    #[test]
    fn two_peoples_changes_are_put_together_and_what_both_changed_is_named() {
        let base = step(&[("a", "A"), ("b", "B"), ("c", "C")]);
        let mut theirs = step(&[("a", "A theirs"), ("b", "B theirs"), ("c", "C"), ("d", "D")]);
        theirs.name = "Theirs".into();
        let mine = step(&[("a", "A"), ("b", "B mine")]);

        let (merged, both) = merged(&base, &theirs, &mine);

        let titles: Vec<&str> = merged.definition.widgets.iter().map(|one| one.title.as_str()).collect();
        assert_eq!(titles, ["A theirs", "B mine", "D"]);
        assert_eq!(merged.name, "Theirs");
        assert_eq!(both, ["The activity “B mine”"]);
    }
}
