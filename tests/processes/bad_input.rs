//! Bad input: a clear, typed error, and the world as it was.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use wechat_emulator::Options;

use crate::support::World;
use crate::support::mounts::Mounted;
use crate::support::php::{Answer, CALL, Callers, GET, code};

/// Any user but root. Root may read and write everything.
const NOBODY: u32 = 65534;

fn call_on(world: &World, path: &Path) -> Answer {
    Callers::start(&world.php(), path, GET, 1).release().remove(0)
}

fn refused(world: &World, path: &Path, reason: &str) {
    assert_refused(&call_on(world, path), path, reason);
    assert_eq!(world.fetches(), 0, "nothing was fetched");
}

fn assert_refused(answer: &Answer, path: &Path, reason: &str) {
    assert_eq!(answer.class(), "WxToken\\FileException", "{}", answer.message());
    assert!(answer.message().contains(reason), "{}", answer.message());
    assert_eq!(answer.property("tokenFile"), path.to_str().expect("a path"));
}

fn world() -> World {
    World::new(Options::default())
}

#[test]
fn a_path_without_a_directory() {
    let world = world();
    let path = world.dir.path().join("missing/token.json");
    refused(&world, &path, "does not exist. Create it");
    assert!(world.names().is_empty(), "and none is made");
}

#[test]
fn a_directory() {
    let world = world();
    refused(&world, world.dir.path(), "it is a directory");
}

#[test]
fn a_fifo_does_not_hang() {
    let world = world();
    assert!(Command::new("mkfifo").arg(world.file()).status().is_ok_and(|status| status.success()));
    refused(&world, &world.file(), "it is a FIFO");
}

#[test]
fn a_device() {
    let world = world();
    // A null device of the test's own: a failing test must not harm the machine's.
    let made = Command::new("mknod").arg(world.file()).args(["c", "1", "3"]).status();
    assert!(made.is_ok_and(|status| status.success()), "mknod needs root");
    refused(&world, &world.file(), "it is a device");
}

#[test]
fn a_socket() {
    let world = world();
    let _socket = std::os::unix::net::UnixListener::bind(world.file()).expect("a socket");
    refused(&world, &world.file(), "it is a socket");
}

#[test]
fn what_is_no_token_file_is_never_overwritten() {
    let binary: Vec<u8> = (1..=255).cycle().take(4096).collect();
    for content in [
        b"debian\n".as_slice(),
        b"<?php return ['access_token' => 'x'];\n",
        b"{\"name\": \"vendor/package\", \"require\": {}}",
        &binary,
    ] {
        let world = world();
        world.write(content);
        let reason = if content.starts_with(b"<?") { "it is PHP code" } else { "not a token file" };
        refused(&world, &world.file(), reason);
        assert_eq!(fs::read(world.file()).ok().as_deref(), Some(content));
    }
}

#[test]
fn a_huge_sparse_file_is_refused_unread() {
    let world = world();
    File::create(world.file()).and_then(|file| file.set_len(1 << 30)).expect("a sparse file");
    refused(&world, &world.file(), "larger than 64 KiB");
    assert_eq!(fs::metadata(world.file()).map(|metadata| metadata.len()).ok(), Some(1 << 30));
}

#[test]
fn an_expiry_that_is_none_is_refused_and_one_in_the_past_is_refreshed() {
    for expiry in ["\"soon\"", "[1]", "{}", "true"] {
        let world = world();
        let content = format!(r#"{{"access_token":"abc","expire":{expiry}}}"#);
        world.write(&content);
        refused(&world, &world.file(), "its \"expire\" is not a number");
        assert_eq!(fs::read(world.file()).ok(), Some(content.into_bytes()));
    }
    for expiry in ["-1", "-1.5", "1.5", "\"5\"", "null", "0"] {
        let world = world();
        world.write(format!(r#"{{"access_token":"abc","expire":{expiry}}}"#));
        let answer = world.call();
        world.assert_one_live_token(&[answer]);
    }
    let world = world();
    world.write(format!(r#"{{"access_token":"abc","expire":"{}"}}"#, crate::support::now() + 9));
    assert_eq!(world.call().token(), "abc", "a numeric string is a number");
}

/// A directory that `NOBODY` can reach, and PHP as that user.
fn as_nobody(world: &World) -> Answer {
    let path = world.file();
    let mut process =
        world.php().run_as(NOBODY).start(code(CALL), &[path.to_str().expect("a path"), GET]);
    assert_eq!(process.read_line(), "ready");
    process.release();
    Answer::of(process)
}

#[test]
fn a_directory_that_may_not_be_written_is_blamed_for_a_file_that_is_missing() {
    let world = world();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    let answer = as_nobody(&world);
    assert_refused(&answer, &world.file(), "permission denied to uid 65534 gid 65534");
    let message = answer.message();
    let blamed = format!("{} belongs to uid 0 gid 0 with mode 0755", world.dir.path().display());
    assert!(message.contains(&blamed), "{message}");
    assert!(!message.contains("token.json belongs"), "{message}");
    assert!(!message.contains("looked at") && !message.contains("No such file"), "{message}");
}

#[test]
fn a_file_that_may_not_be_read_names_its_owner_and_the_process() {
    let world = world();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    world.write_expired();
    fs::set_permissions(world.file(), Permissions::from_mode(0o600)).expect("chmod");
    let answer = as_nobody(&world);
    assert_refused(&answer, &world.file(), "permission denied to uid 65534 gid 65534");
    assert!(
        answer.message().contains("belongs to uid 0 gid 0 with mode 0600"),
        "{}",
        answer.message()
    );
}

#[test]
fn a_file_that_may_not_be_written_costs_no_fetch_and_stays() {
    let world = world();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    let old = world.write_expired();
    fs::set_permissions(world.file(), Permissions::from_mode(0o644)).expect("chmod");
    let answer = as_nobody(&world);
    assert_refused(&answer, &world.file(), "permission denied to uid 65534");
    assert_eq!(world.fetches(), 0);
    assert_eq!(fs::read(world.file()).ok(), Some(old.into_bytes()));
}

#[test]
fn a_fresh_file_that_may_only_be_read_is_served() {
    let world = world();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    world.write(format!(r#"{{"access_token":"abc","expire":{}}}"#, crate::support::now() + 900));
    fs::set_permissions(world.file(), Permissions::from_mode(0o444)).expect("chmod");
    assert_eq!(as_nobody(&world).token(), "abc");
}

#[test]
fn a_directory_that_may_not_be_written_costs_no_fetch() {
    let world = world();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    let answer = as_nobody(&world);
    assert_refused(&answer, &world.file(), "permission denied to uid 65534");
    assert_eq!(world.fetches(), 0);
    assert!(world.names().is_empty());
}

#[test]
fn root_makes_a_file_for_the_owner_of_its_directory() {
    let world = world();
    chown(world.dir.path(), Some(NOBODY), Some(NOBODY)).expect("chown");
    let answer = world.call();
    world.assert_one_live_token(&[answer]);
    let metadata = fs::metadata(world.file()).expect("a file");
    use std::os::unix::fs::MetadataExt;
    assert_eq!((metadata.uid(), metadata.gid(), metadata.mode() & 0o777), (NOBODY, NOBODY, 0o600));
}

#[test]
fn a_read_only_file_system_serves_what_is_fresh_and_refuses_the_rest() {
    let world = world();
    let disk = world.dir.path();
    let _mounted = Mounted::new(["-t", "tmpfs", "-o", "size=64k", "tmpfs"], disk);
    world.write_expired();
    fs::write(
        disk.join("fresh.json"),
        format!(r#"{{"access_token":"abc","expire":{}}}"#, crate::support::now() + 900),
    )
    .expect("a file");
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(disk).status();
    assert!(remounted.is_ok_and(|status| status.success()));
    refused(&world, &world.file(), "the file system is read-only");
    assert_eq!(call_on(&world, &disk.join("fresh.json")).token(), "abc");
}

#[test]
fn open_basedir_bars_the_file_and_the_directory_of_its_replacement() {
    let world = world();
    let old = world.write_expired();
    let (dir, file) = (world.dir.path().display(), world.file());
    for (allowed, reason) in [
        ("/nowhere".to_owned(), "open_basedir bars it"),
        (file.display().to_string(), "Add the directory of the token file"),
    ] {
        let php = world.php().with(&format!("open_basedir={allowed}"));
        for call in [GET, "wx_token_status($file)"] {
            let answer = Callers::start(&php, &file, call, 1).release().remove(0);
            assert_refused(&answer, &file, reason);
        }
    }
    assert_eq!(fs::read(&file).ok(), Some(old.into_bytes()));
    let php = world.php().with(&format!("open_basedir={dir}"));
    let answer = Callers::start(&php, &file, GET, 1).release().remove(0);
    world.assert_one_live_token(&[answer]);
}

#[test]
fn a_link_out_of_open_basedir_is_barred() {
    let world = world();
    let outside = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::symlink(outside.path().join("token.json"), world.file()).expect("a link");
    let php = world.php().with(&format!("open_basedir={}", world.dir.path().display()));
    let answer = Callers::start(&php, &world.file(), GET, 1).release().remove(0);
    assert_refused(&answer, &world.file(), "open_basedir bars it");
    assert_eq!(fs::read_dir(outside.path()).map(Iterator::count).ok(), Some(0));
}

#[test]
fn a_link_is_followed_and_kept() {
    let world = world();
    let real = tempfile::tempdir().expect("a directory");
    let target = real.path().join("real.json");
    std::os::unix::fs::symlink(&target, world.file()).expect("a link");
    for _ in 0..2 {
        let token = world.call().token().to_owned();
        assert!(world.is_live(&token));
        assert_eq!(fs::read_link(world.file()).ok().as_deref(), Some(target.as_path()));
        fs::write(&target, "").expect("an empty file");
    }
    assert_eq!(world.names(), ["token.json"]);
}

#[test]
fn a_relative_path_begins_at_the_working_directory_of_the_script() {
    let world = world();
    world.write("");
    let dir = world.dir.path().to_str().expect("a path");
    let printed = world.php().run(
        "chdir($argv[1]); $a = wx_get_token('token.json'); $b = wx_get_token('./x/../token.json');
         chdir('/'); echo $a === $b, $a === wx_get_token($argv[1] . '/token.json');",
        &[dir],
    );
    assert_eq!(printed, "11");
    assert_eq!(world.fetches(), 1);
}

#[test]
fn an_account_that_is_missing_is_a_config_exception_and_makes_no_file() {
    let mut world = world();
    world.set("appid", "");
    world.set("secret", "");
    let answer = world.call();
    assert_eq!(answer.class(), "WxToken\\ConfigException");
    assert!(answer.message().contains("no WeChat account is configured"), "{}", answer.message());
    assert!(world.names().is_empty());
}

#[test]
fn a_bad_setting_is_named_at_start_up_and_the_default_counts() {
    let world = world();
    for (name, value, problem) in [
        ("timeout", "soon", "must be a number of seconds"),
        ("endpoint", "new", "must be \"stable\", \"classic\" or \"wecom\""),
        ("api_base", "http://api.weixin.qq.com", "must be https"),
        ("file_mode", "0", "must be an octal mode"),
        ("accounts", "relative.json", "must be an absolute path"),
    ] {
        let php = world.php().with(&format!("wx_token.{name}={value}"));
        let printed = php.run(&format!("echo ini_get('wx_token.{name}');"), &[]);
        let warning = format!("wx_token.{name} {problem}");
        assert!(printed.contains(&warning), "{printed}");
    }
}
