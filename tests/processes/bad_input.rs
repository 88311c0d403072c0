//! Bad input: a clear, typed error, and the world as it was.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::Command;

use wechat_emulator::Options;
use wx_token_testing::World;
use wx_token_testing::mounts::Mounted;
use wx_token_testing::php::{Answer, CALL, GET, code};

/// Any user but root. Root may read and write everything.
const NOBODY: u32 = 65534;

fn call_on(world: &World, path: &Path) -> Answer {
    world.php().call(path, GET)
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
fn a_file_that_is_not_a_token_file_is_never_overwritten() {
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
fn an_invalid_expiry_is_rejected_and_a_past_one_is_refreshed() {
    for expiry in ["\"soon\"", "[1]", "{}", "true"] {
        let world = world();
        let content = format!(r#"{{"access_token":"abc","expire":{expiry}}}"#);
        world.write(&content);
        refused(&world, &world.file(), ", not a number. Store a number there");
        assert_eq!(fs::read(world.file()).ok(), Some(content.into_bytes()));
    }
    for expiry in ["-1", "-1.5", "1.5", "\"5\"", "null", "0"] {
        let world = world();
        world.write(format!(r#"{{"access_token":"abc","expire":{expiry}}}"#));
        let answer = world.call();
        world.assert_one_live_token(&[answer]);
    }
    let world = world();
    world.write(format!(r#"{{"access_token":"abc","expire":"{}"}}"#, wx_token_testing::now() + 9));
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
fn a_missing_file_in_a_directory_without_write_permission_names_the_directory() {
    let world = world();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    let answer = as_nobody(&world);
    let blamed = format!(
        "cannot create {}: user nobody (65534) may not write to the directory {dir}, which is owned by root:root, mode 0755. Run chown nobody {dir}, or share the directory through a group",
        world.file().display(),
        dir = world.dir.path().display()
    );
    assert_refused(&answer, &world.file(), &blamed);
    let message = answer.message();
    assert!(!message.contains("the file is owned"), "{message}");
    assert!(!message.contains("look at") && !message.contains("No such file"), "{message}");
}

#[test]
fn an_unreadable_file_is_reported_with_its_owner_and_the_user_of_the_process() {
    let world = world();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    world.write_expired();
    fs::set_permissions(world.file(), Permissions::from_mode(0o600)).expect("chmod");
    let answer = as_nobody(&world);
    let file = world.file();
    let blamed = format!(
        "cannot read {file}: user nobody (65534) has no permission; the file is owned by root:root, mode 0600. Run chown nobody {file}, or share the file through a group",
        file = file.display()
    );
    assert_refused(&answer, &file, &blamed);
}

#[test]
fn a_directory_that_may_not_be_entered_is_blamed_wherever_it_is_on_the_way() {
    let world = world();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    let closed = world.dir.path().join("closed");
    let file = closed.join("open/token.json");
    fs::create_dir_all(closed.join("open")).expect("a directory");
    fs::set_permissions(&closed, Permissions::from_mode(0o700)).expect("chmod");
    let link = world.file();
    std::os::unix::fs::symlink(&file, &link).expect("a link");
    for path in [file, link] {
        let mut process =
            world.php().run_as(NOBODY).start(code(CALL), &[path.to_str().expect("a path"), GET]);
        assert_eq!(process.read_line(), "ready");
        process.release();
        let blamed = format!(
            "cannot open {}: user nobody (65534) may not enter the directory {closed}, which is owned by root:root, mode 0700. Run chmod o+x {closed}, or pass another path",
            path.display(),
            closed = closed.display()
        );
        assert_refused(&Answer::of(process), &path, &blamed);
    }
}

/// The names of users are read while the process state is locked, which opening without streams would lock again.
#[test]
fn a_denial_is_explained_by_numbers_while_a_standard_stream_is_closed() {
    let world = world();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    world.write_expired();
    fs::set_permissions(world.file(), Permissions::from_mode(0o644)).expect("chmod");
    let told = world.php().run_as(NOBODY).run(
        "fclose(STDIN); try { wx_get_token($argv[1]); } catch (WxToken\\FileException $e) { echo $e->getMessage(); }",
        &[world.file().to_str().expect("a path")],
    );
    let blamed =
        "user 65534 has no permission; the file is owned by 0:0, mode 0644. Run chown 65534";
    assert!(told.contains(blamed), "{told}");
}

#[test]
fn a_user_without_a_name_and_the_owner_itself_are_told_what_helps() {
    let world = world();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    world.write_expired();
    let file = world.file();
    let told = |mode, reason: &str| {
        const NAMELESS: u32 = 54321;
        chown(&file, Some(NAMELESS), Some(NAMELESS)).expect("chown");
        fs::set_permissions(&file, Permissions::from_mode(mode)).expect("chmod");
        let call = world.php().run_as(NAMELESS);
        let answer = call.call(&file, GET);
        assert_refused(&answer, &file, &reason.replace("FILE", &file.display().to_string()));
    };
    told(
        0o400,
        "cannot write FILE: user 54321 has no permission; the file is owned by 54321:54321, mode 0400. Run chmod u+rw FILE",
    );
}

#[test]
fn a_file_without_write_permission_costs_no_fetch_and_is_unchanged() {
    let world = world();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    let old = world.write_expired();
    fs::set_permissions(world.file(), Permissions::from_mode(0o644)).expect("chmod");
    let answer = as_nobody(&world);
    assert_refused(
        &answer,
        &world.file(),
        "user nobody (65534) has no permission; the file is owned by root:root, mode 0644",
    );
    assert_eq!(world.fetches(), 0);
    assert_eq!(fs::read(world.file()).ok(), Some(old.into_bytes()));
}

#[test]
fn a_fresh_read_only_file_is_served() {
    let world = world();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    world.write(format!(r#"{{"access_token":"abc","expire":{}}}"#, wx_token_testing::now() + 900));
    fs::set_permissions(world.file(), Permissions::from_mode(0o444)).expect("chmod");
    assert_eq!(as_nobody(&world).token(), "abc");
}

#[test]
fn a_directory_without_write_permission_costs_no_fetch() {
    let world = world();
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    let answer = as_nobody(&world);
    assert_refused(&answer, &world.file(), "user nobody (65534) may not write to the directory");
    assert_eq!(world.fetches(), 0);
    assert!(world.names().is_empty());
}

#[test]
fn root_creates_a_file_for_the_owner_of_its_directory() {
    let world = world();
    chown(world.dir.path(), Some(NOBODY), Some(NOBODY)).expect("chown");
    let answer = world.call();
    world.assert_one_live_token(&[answer]);
    let metadata = fs::metadata(world.file()).expect("a file");
    use std::os::unix::fs::MetadataExt;
    assert_eq!((metadata.uid(), metadata.gid(), metadata.mode() & 0o777), (NOBODY, NOBODY, 0o600));
}

#[test]
fn a_read_only_file_system_serves_fresh_files_and_rejects_others() {
    let world = world();
    let disk = world.dir.path();
    let _mounted = Mounted::new(["-t", "tmpfs", "-o", "size=64k", "tmpfs"], disk);
    world.write_expired();
    fs::write(
        disk.join("fresh.json"),
        format!(r#"{{"access_token":"abc","expire":{}}}"#, wx_token_testing::now() + 900),
    )
    .expect("a file");
    let remounted = Command::new("mount").args(["-o", "remount,ro"]).arg(disk).status();
    assert!(remounted.is_ok_and(|status| status.success()));
    refused(&world, &world.file(), "the file system is read-only");
    assert_eq!(call_on(&world, &disk.join("fresh.json")).token(), "abc");
}

#[test]
fn open_basedir_applies_to_the_file_and_its_directory() {
    let world = world();
    let old = world.write_expired();
    let (dir, file) = (world.dir.path().display(), world.file());
    for (allowed, reason) in [
        ("/nowhere".to_owned(), "open_basedir does not include it. Add"),
        (file.display().to_string(), "Add the directory of the token file to open_basedir"),
    ] {
        let php = world.php().with(&format!("open_basedir={allowed}"));
        for call in [GET, "wx_token_status($file)"] {
            let answer = php.call(&file, call);
            assert_refused(&answer, &file, reason);
        }
    }
    assert_eq!(fs::read(&file).ok(), Some(old.into_bytes()));
    let php = world.php().with(&format!("open_basedir={dir}"));
    let answer = php.call(&file, GET);
    world.assert_one_live_token(&[answer]);
}

#[test]
fn a_link_out_of_open_basedir_is_rejected() {
    let world = world();
    let outside = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::symlink(outside.path().join("token.json"), world.file()).expect("a link");
    let php = world.php().with(&format!("open_basedir={}", world.dir.path().display()));
    let answer = php.call(&world.file(), GET);
    assert_refused(&answer, &world.file(), "open_basedir does not include it");
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
fn a_relative_path_starts_at_the_working_directory_of_the_script() {
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
fn a_missing_account_is_a_config_exception_and_creates_no_file() {
    let world = world().without_account();
    let answer = world.call();
    assert_eq!(answer.class(), "WxToken\\ConfigException");
    assert!(answer.message().contains("no WeChat account is configured"), "{}", answer.message());
    assert!(world.names().is_empty());
}

#[test]
fn a_bad_setting_is_named_at_start_up_and_the_default_applies() {
    let world = world();
    for (name, value, problem) in [
        (
            "timeout",
            "soon",
            "must be a number of seconds from 0.001 to 86400; the default (8) is used",
        ),
        (
            "endpoint",
            "new",
            "must be \"stable\", \"classic\" or \"wecom\"; the default (stable) is used",
        ),
        (
            "api_base",
            "http://api.weixin.qq.com",
            "must be a list of URLs, and each must begin with https://",
        ),
        ("file_mode", "0", "must be an octal mode from 0600 to 0777; the default (0600) is used"),
        ("accounts_file", "relative.json", "must be an absolute path; it stays empty"),
        ("accounts", "relative.json", "must be an absolute path; it stays empty"),
        (
            "proxy",
            "socks5://user:pass@h:1",
            "must be an http proxy, such as http://proxy.example:3128; it stays empty",
        ),
    ] {
        let php = world.php().with(&format!("wx_token.{name}={value}"));
        let printed = php.run(&format!("echo ini_get('wx_token.{name}');"), &[]);
        let warning = format!("wx_token.{name} {problem}");
        assert!(printed.contains(&warning), "{printed}");
    }
}
