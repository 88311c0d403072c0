//! User namespaces, as of rootless containers and systemd's `PrivateUsers=`: an owner without a number
//! there keeps its file, which is written in place.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::process::{Command, Stdio};

use wechat_emulator::Options;
use wx_token_testing::{WWW_DATA, World};

/// What stands for any owner without a number.
const NOBODY: u32 = 65534;

/// Owner, group, mode and inode of the token file.
fn state(world: &World) -> (u32, u32, u32, u64) {
    let file = fs::metadata(world.file()).expect("a file");
    (file.uid(), file.gid(), file.mode() & 0o7777, file.ino())
}

/// A world whose directory and expired token file belong to `owner` and `group`, and are open to all.
fn world(owner: u32, group: u32) -> World {
    let world = World::new(Options::default());
    chown(world.dir.path(), Some(owner), Some(group)).expect("the tests run as root");
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o777)).expect("chmod");
    world.write_expired();
    chown(world.file(), Some(owner), Some(group)).expect("the tests run as root");
    fs::set_permissions(world.file(), Permissions::from_mode(0o666)).expect("chmod");
    world
}

/// What PHP prints for a token, as root of a namespace in which `map` has numbers: lines of
/// `/proc/PID/uid_map`, and of `gid_map`.
fn token(world: &World, map: &str) -> String {
    let php = world.php().command();
    // The shell becomes root when the test has written the map, and only exec() gives it the rights of one.
    let mut child = Command::new("unshare")
        .args(["--user", "sh", "-c", "echo $$; read go; exec \"$@\"", "sh"])
        .arg(php.get_program())
        .args(php.get_args())
        .args([
            "-r",
            "try { echo wx_get_token($argv[1]); } catch (Exception $e) { echo $e->getMessage(); }",
            "--",
        ])
        .arg(world.file())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("unshare runs");
    let mut output = BufReader::new(child.stdout.take().expect("a piped output"));
    let mut line = String::new();
    output.read_line(&mut line).expect("the shell prints its number");
    for name in ["uid_map", "gid_map"] {
        fs::write(format!("/proc/{}/{name}", line.trim()), map).expect("a map");
    }
    child.stdin.take().and_then(|mut input| input.write_all(b"go\n").ok()).expect("it reads");
    line.clear();
    std::io::Read::read_to_string(&mut output, &mut line).expect("text");
    assert!(child.wait().is_ok_and(|status| status.success()), "{line}");
    line
}

/// The token is in the file, and the file is its owner's still.
fn assert_written_in_place(world: &World, map: &str) {
    let before = state(world);
    let token = token(world, map);
    assert!(world.is_live(&token), "{token}");
    assert_eq!(world.stored()["access_token"], token.as_str());
    assert_eq!(state(world), before);
    assert_eq!(world.names(), ["token.json"]);
}

const ROOT_ALONE: &str = "0 0 1\n";

#[test]
fn a_file_whose_owner_is_unmapped_is_written_in_place() {
    assert_written_in_place(&world(WWW_DATA, WWW_DATA), ROOT_ALONE);
}

#[test]
fn a_file_whose_group_is_unmapped_is_written_in_place() {
    assert_written_in_place(&world(0, WWW_DATA), ROOT_ALONE);
}

#[test]
fn the_file_of_an_unmapped_owner_is_not_given_to_the_user_nobody() {
    // The number of the user nobody is mapped in the namespace, and fchown(2) would accept it.
    assert_written_in_place(&world(WWW_DATA, 0), &format!("0 0 1\n{NOBODY} 100000 1\n"));
}

#[test]
fn a_file_whose_owner_is_mapped_is_replaced_and_keeps_its_owner() {
    let world = world(WWW_DATA, WWW_DATA);
    let before = state(&world);
    let token = token(&world, &format!("0 0 1\n{WWW_DATA} {WWW_DATA} 1\n"));
    assert!(world.is_live(&token), "{token}");
    let after = state(&world);
    assert_eq!((after.0, after.1, after.2), (before.0, before.1, before.2));
    assert_ne!(after.3, before.3, "it was replaced");
}

#[test]
fn a_new_file_is_not_given_to_an_unmapped_directory_owner() {
    for map in [ROOT_ALONE, &format!("0 0 1\n{NOBODY} 100000 1\n")] {
        let world = world(WWW_DATA, WWW_DATA);
        fs::remove_file(world.file()).expect("a file");
        let token = token(&world, map);
        assert!(world.is_live(&token), "{token}");
        assert_eq!((state(&world).0, state(&world).1, state(&world).2), (0, 0, 0o600));
    }
}

#[test]
fn for_an_unmapped_user_the_file_is_written_in_place() {
    // A file that is created there seems to belong to the file's owner, as every file does.
    let world = world(0, 0);
    let before = state(&world);
    let php = world.php().command();
    let output = Command::new("unshare")
        .arg("--user")
        .arg(php.get_program())
        .args(php.get_args())
        .args(["-r", "echo wx_get_token($argv[1]);", "--"])
        .arg(world.file())
        .output()
        .expect("unshare runs");
    let token = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(world.is_live(&token), "{token}");
    assert_eq!(state(&world), before);
}
