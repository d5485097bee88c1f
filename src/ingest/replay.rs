//! A dead letter sent again by somebody who decided so.

use serde_json::value::RawValue;

use super::commands::dead_letters;
use super::model::{Origin, Verdict};
use super::pipeline::Pipeline;
use super::queries::Letter;
use super::{cloud_events, wire};
use crate::audit::Actor;
use crate::error::{Error, Result};
use crate::ids::FacilityId;

/// Takes the letter's body as it stands now, however late it is, and removes the letter in the same transaction.
/// `Invalid` with the reason when it still cannot be taken; then nothing changed.
pub async fn replay(pipeline: &Pipeline, actor: &Actor, letter: &Letter) -> Result<()> {
    let document: &RawValue = serde_json::from_str(&letter.body)
        .map_err(|error| Error::invalid("body", t!("This is no JSON: {error}.", error)))?;
    let is_point = letter.kind == "point" || (letter.kind == "message" && letter.body.contains("\"metric_name\""));
    let item = match is_point {
        true => wire::point(document),
        false => cloud_events::structured(document),
    };
    let origin = Origin {
        name: letter.origin.clone(),
        facilities: (letter.facility != 0).then(|| vec![FacilityId(letter.facility)]),
    };
    let (actor, id) = (actor.clone(), letter.id);
    let gone: super::Effect =
        Box::new(move |tx, _| Box::pin(async move { dead_letters::gone(tx, &actor, "replayed", id).await }));
    match pipeline.submit_anew(&origin, item, gone).await? {
        Verdict::Accepted { .. } | Verdict::Duplicate => Ok(()),
        Verdict::Conflict => Err(Error::invalid(
            "body",
            t!("Another event has this source and id. Give it another id."),
        )),
        Verdict::Rejected(reason) | Verdict::Late(reason) => Err(Error::invalid("body", reason)),
    }
}
