//! Many callers, no valid token: one fetch, and the same live token for all (I1, I2, I3).

use wx_token_testing::{World, print_waits};

fn storm(world: &World, what: &str) {
    let answers = world.callers(64).release();
    print_waits(what, &answers);
    assert_eq!(world.fetches(), 1, "fetches");
    world.assert_one_live_token(&answers);
}

#[test]
fn sixty_four_callers_on_an_expired_file_make_one_fetch() {
    let world = World::slow();
    world.write_expired();
    storm(&world, "expired file");
}

#[test]
fn sixty_four_callers_on_an_expired_file_make_one_fetch_of_the_classic_endpoint() {
    let mut world = World::slow();
    world.set("endpoint", "classic");
    world.write_expired();
    storm(&world, "expired file, classic");
    assert_eq!(world.emulator.stats().fetches.token, 1);
}

#[test]
fn sixty_four_callers_without_a_file_make_one_fetch() {
    storm(&World::slow(), "missing file");
}

#[test]
fn sixty_four_callers_on_an_empty_file_make_one_fetch() {
    let world = World::slow();
    world.write("");
    storm(&world, "empty file");
}

#[test]
fn sixty_four_callers_on_a_partial_file_make_one_fetch() {
    let world = World::slow();
    world.write(r#"{"access_token":"easWas"#);
    storm(&world, "torn file");
}

#[test]
fn sixty_four_callers_on_a_file_of_nul_bytes_make_one_fetch() {
    let world = World::slow();
    world.write([0; 200]);
    storm(&world, "file of NUL bytes");
}

#[test]
fn a_fresh_file_is_served_without_a_fetch_and_without_a_change() {
    let world = World::slow();
    let content = format!(
        "{{ \"expire\":\"{}\" , \"access_token\":\"kept\" }}\n",
        wx_token_testing::now() + 1000
    );
    world.write(&content);
    for answer in world.callers(8).release() {
        assert_eq!(answer.token(), "kept");
    }
    assert_eq!(world.fetches(), 0);
    assert_eq!(std::fs::read(world.file()).ok(), Some(content.into_bytes()));
}
