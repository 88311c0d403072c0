//! One file by several names: what it is counts, not how it is spelled.

use std::fs;
use std::os::unix::fs::symlink;

use wechat_emulator::Options;
use wx_token_testing::php::REMEMBER;
use wx_token_testing::{World, now, until};

const SPELLINGS: [&str; 4] = ["token.json", "link.json", "./token.json", "sub/../token.json"];

/// A token file, and a link to it.
fn world() -> World {
    let world = World::new(Options::default());
    fs::create_dir(world.dir.path().join("sub")).expect("a directory");
    symlink("token.json", world.dir.path().join("link.json")).expect("a link");
    world
}

fn refresh_by_one_name(world: &mut World, names: &[&str]) {
    world.set("revalidate_freq", "60");
    world.write(format!(r#"{{"access_token":"rejected","expire":{}}}"#, now() + 5000));
    until("the file is settled", || {
        let changed = fs::metadata(world.file()).and_then(|file| file.modified());
        changed.is_ok_and(|changed| changed.elapsed().is_ok_and(|age| age.as_millis() > 100))
    });
    let code = r#"
        [, $dir] = $argv;
        $names = array_slice($argv, 2);
        foreach ($names as $name) {
            if ($remember("$dir/$name") !== 'rejected') { exit("$name: not the token\n"); }
        }
        $loader = fn() => ['access_token' => 'new', 'expires_in' => 7200];
        wx_refresh_token("$dir/$names[0]", 'rejected', $loader);
        foreach ($names as $name) { echo "$name: ", wx_get_token("$dir/$name"), "\n"; }
    "#;
    let mut arguments = vec![world.dir.path().to_str().expect("a path")];
    arguments.extend(names);
    let expected: String = names.iter().map(|name| format!("{name}: new\n")).collect();
    assert_eq!(world.php().run(&format!("{REMEMBER}{code}"), &arguments), expected);
}

#[test]
fn a_rejected_token_is_not_returned_through_another_path_to_its_file() {
    refresh_by_one_name(&mut world(), &SPELLINGS);
}

#[test]
fn a_rejected_token_is_not_returned_through_a_hard_link() {
    let mut world = world();
    world.write("");
    fs::hard_link(world.file(), world.dir.path().join("hard.json")).expect("a hard link");
    refresh_by_one_name(&mut world, &["hard.json", "token.json", "link.json"]);
}

#[test]
fn another_path_to_the_token_file_is_rejected_as_ticket_file_at_once() {
    let world = world();
    let refuses = |ticket: &str| {
        let call = format!("wx_get_ticket(dirname($file) . '/{ticket}', $file)");
        let answer = world.call_of(&call);
        assert_eq!(answer.class(), "ValueError", "{ticket}: {}", answer.message());
        assert_eq!(
            answer.message(),
            "wx_get_ticket(): Argument #1 ($ticketFile) must not be the same file as $tokenFile"
        );
    };
    for ticket in SPELLINGS {
        refuses(ticket);
    }
    assert!(!world.file().exists(), "a refusal makes nothing");
    world.write_expired();
    fs::hard_link(world.file(), world.dir.path().join("hard.json")).expect("a hard link");
    for ticket in SPELLINGS.iter().chain(&["hard.json"]) {
        refuses(ticket);
    }
    assert_eq!(world.fetches(), 0);
}
