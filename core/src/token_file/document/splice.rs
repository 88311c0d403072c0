//! Changes of a text at places that one parse has found.

use std::ops::Range;

/// Replaces a place of a text. An empty place inserts.
pub(super) type Splice = (Range<usize>, String);

/// `text` with all of `splices`, which must not overlap. Of those at one place, the first comes first.
pub(super) fn splice(text: &str, mut splices: Vec<Splice>) -> String {
    let mut text = text.to_owned();
    splices.sort_by_key(|(place, _)| place.start);
    // From the back to the front, so that the places before stay what they are.
    for (place, value) in splices.into_iter().rev() {
        text.replace_range(place, &value);
    }
    text
}
