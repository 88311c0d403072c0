//! What fuzzing has been fed, and what it has found, through the same checks in every `make test`.

#![cfg(test)]

use std::fs;
use std::path::Path;

use wx_token_fuzz as promises;

fn replay(corpus: &str, promise: fn(&[u8])) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(corpus);
    let mut replayed = 0;
    for entry in fs::read_dir(corpus).expect("a corpus").flatten() {
        println!("{}", entry.path().display());
        promise(&fs::read(entry.path()).expect("a file"));
        replayed += 1;
    }
    assert!(replayed > 0, "there is nothing in it");
}

#[test]
fn every_kept_file_can_be_rewritten_and_keeps_what_it_holds() {
    replay("document", promises::document);
}

#[test]
fn no_status_of_a_kept_file_shows_a_token() {
    replay("document", promises::status);
}

#[test]
fn every_kept_answer_is_a_token_or_a_failure_without_the_secret() {
    replay("answer", promises::answer);
}

#[test]
fn every_kept_reply_of_a_store_is_an_answer_within_bounds_or_none() {
    replay("reply", promises::reply);
}
