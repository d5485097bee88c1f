//! Canaries: words that stand in one facility's data and must never be sent to anybody who may not see that facility.
//! Every answer to a test's browser is searched for all of them.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use pulseboard::ids::FacilityId;

#[derive(Clone, Debug)]
struct Canary {
    word: String,
    home: FacilityId,
    /// who may see it
    known_to: BTreeSet<FacilityId>,
}

/// The canaries of one test. Cheap to clone.
#[derive(Clone, Default)]
pub struct Canaries(Arc<Mutex<Vec<Canary>>>);

impl Canaries {
    /// A new word that belongs to the facility.
    pub fn hatch(&self, home: FacilityId) -> String {
        let word = format!("canary{:012x}", rand::random::<u64>() >> 16);
        self.lock().push(Canary {
            word: word.clone(),
            home,
            known_to: BTreeSet::from([home]),
        });
        word
    }

    /// A word that stands in what one facility sent to another is known to both.
    pub fn share(&self, word: &str, with: FacilityId) {
        for canary in self.lock().iter_mut().filter(|canary| canary.word == word) {
            canary.known_to.insert(with);
        }
    }

    /// The first word in the text that somebody who sees only `visible` must not see; `None` sees everything.
    pub fn escaped(&self, text: &str, visible: Option<&[FacilityId]>) -> Option<String> {
        let visible = visible?;
        let canaries = self.lock();
        let found = canaries.iter().find(|canary| {
            !visible.iter().any(|facility| canary.known_to.contains(facility)) && text.contains(&canary.word)
        })?;
        Some(format!("{} of facility {}", found.word, found.home))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Canary>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
