//! Whose the file was, it stays: owner, group, mode, ACL, attributes, links and mounts.

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, UNIX_EPOCH};

use wechat_emulator::Options;
use wx_token_testing::mounts::Mounted;
use wx_token_testing::php::{Answer, GET};
use wx_token_testing::{WWW_DATA, World, run};

const NOBODY: u32 = 65534;

fn world() -> World {
    let world = World::new(Options::default());
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    world
}

fn call_as(world: &World, user: u32) -> Answer {
    let php = world.php().run_as(user);
    php.call(&world.file(), GET)
}

/// Owner, group and mode.
fn whose(path: &Path) -> (u32, u32, u32) {
    let metadata = fs::metadata(path).expect("a file");
    (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777)
}

fn give(path: &Path, owner: u32, group: u32, mode: u32) {
    chown(path, Some(owner), Some(group)).expect("the tests run as root");
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("chmod");
}

fn inode(world: &World) -> u64 {
    fs::metadata(world.file()).expect("a file").ino()
}

fn assert_refreshed(world: &World, answer: &Answer) {
    assert!(world.is_live(answer.token()));
    assert_eq!(world.stored()["access_token"], answer.token());
    assert_eq!(world.names(), ["token.json"]);
}

#[test]
fn root_and_www_data_take_turns_and_both_are_always_served() {
    let world = world();
    give(world.dir.path(), WWW_DATA, WWW_DATA, 0o755);
    for (turn, user) in [0, WWW_DATA, 0, 0, WWW_DATA].into_iter().enumerate() {
        if turn > 0 {
            fs::write(world.file(), r#"{"access_token":"dead","expire":5}"#).expect("a file");
        }
        assert_refreshed(&world, &call_as(&world, user));
        assert_refreshed(&world, &call_as(&world, WWW_DATA));
        assert_eq!(whose(&world.file()), (WWW_DATA, WWW_DATA, 0o600), "turn {turn}");
    }
}

/// What PHP has in its error log after `code`, run as `user`.
fn logged(world: &World, user: u32, code: &str) -> String {
    let log = tempfile::NamedTempFile::new().expect("a log");
    give(log.path(), user, user, 0o600);
    let php = world.php().with(&format!("error_log={}", log.path().display())).run_as(user);
    assert_eq!(php.run(code, &[world.file().to_str().expect("a path")]), "served");
    fs::read_to_string(log.path()).expect("a log")
}

const SERVED: &str = "wx_get_token($argv[1]); echo 'served';";

#[test]
fn a_file_that_only_root_can_read_is_logged_once_and_the_remedy_helps() {
    let world = world();
    let (file, directory) = (world.file(), world.dir.path());
    let log = logged(
        &world,
        0,
        "for ($i = 0; $i < 3; $i++) { @unlink($argv[1]); wx_get_token($argv[1]); }
         wx_get_token(\"$argv[1].other\"); echo 'served';",
    );
    let told = |file: &Path| {
        let (file, directory) = (file.display(), directory.display());
        let notice = format!(
            "wx_token: root has created {file}, and only root can read it. If the web server needs it, run chown WEBUSER {directory} {file}: "
        );
        log.matches(&notice).count()
    };
    assert_eq!((told(&file), told(&file.with_extension("json.other"))), (1, 1), "{log}");
    assert_eq!(log.lines().count(), 2, "{log}");
    assert_eq!(whose(&file), (0, 0, 0o600));
    assert_eq!(logged(&world, 0, SERVED), "", "it is there");
    assert_eq!(call_as(&world, WWW_DATA).class(), "WxToken\\FileException");
    run(Command::new("chown").arg(WWW_DATA.to_string()).args([directory, &file]));
    for user in [WWW_DATA, 0, WWW_DATA] {
        fs::write(&file, r#"{"access_token":"dead","expire":5}"#).expect("a file");
        assert!(world.is_live(call_as(&world, user).token()));
    }
}

#[test]
fn a_file_that_others_can_read_is_created_without_a_notice() {
    for (user, owner, group, file_mode) in [
        (0, WWW_DATA, 0, "0600"),
        (0, 0, WWW_DATA, "0640"),
        (0, 0, 0, "0644"),
        (WWW_DATA, WWW_DATA, WWW_DATA, "0600"),
    ] {
        let mut world = world();
        give(world.dir.path(), owner, group, 0o755);
        world.set("file_mode", file_mode);
        assert_eq!(logged(&world, user, SERVED), "", "{user} {owner} {group} {file_mode}");
        assert_eq!(whose(&world.file()).0, owner);
    }
}

#[test]
fn owner_group_and_mode_survive_a_replacement() {
    let world = world();
    world.write_expired();
    give(&world.file(), WWW_DATA, NOBODY, 0o664);
    let before = inode(&world);
    assert_refreshed(&world, &world.call());
    assert_eq!(whose(&world.file()), (WWW_DATA, NOBODY, 0o664));
    assert_ne!(inode(&world), before, "it was replaced");
}

#[test]
fn an_acl_and_attributes_survive_and_a_default_acl_is_not_added() {
    let world = world();
    world.write_expired();
    let file = world.file();
    run(Command::new("setfacl").args(["-m", "u:33:r"]).arg(&file));
    run(Command::new("setfattr").args(["-n", "user.origin", "-v", "ours"]).arg(&file));
    let acl = |path: &Path| {
        let output = Command::new("getfacl").args(["-cpn"]).arg(path).output().expect("getfacl");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let before = acl(&file);
    assert!(before.contains("user:33:r--"), "{before}");
    run(Command::new("setfacl").args(["-d", "-m", "u:65534:rwx"]).arg(world.dir.path()));
    assert_refreshed(&world, &world.call());
    assert_eq!(acl(&file), before);
    let value =
        Command::new("getfattr").args(["--only-values", "-n", "user.origin"]).arg(&file).output();
    assert_eq!(value.expect("getfattr").stdout, b"ours");

    world.write_expired();
    run(Command::new("setfacl").arg("-b").arg(&file));
    let bare = acl(&file);
    assert_refreshed(&world, &world.call());
    assert_eq!(acl(&file), bare, "the directory's default ACL is not the file's");
}

#[test]
fn a_file_of_another_user_is_written_in_place_and_keeps_its_owner() {
    let world = world();
    give(world.dir.path(), WWW_DATA, WWW_DATA, 0o755);
    world.write_expired();
    give(&world.file(), NOBODY, NOBODY, 0o666);
    let before = inode(&world);
    assert_refreshed(&world, &call_as(&world, WWW_DATA));
    assert_eq!((whose(&world.file()), inode(&world)), ((NOBODY, NOBODY, 0o666), before));
}

#[test]
fn in_a_directory_without_write_permission_the_file_is_written_in_place() {
    let world = world();
    world.write_expired();
    give(&world.file(), WWW_DATA, WWW_DATA, 0o600);
    let before = inode(&world);
    assert_refreshed(&world, &call_as(&world, WWW_DATA));
    assert_eq!((whose(&world.file()), inode(&world)), ((WWW_DATA, WWW_DATA, 0o600), before));
}

#[test]
fn in_a_sticky_directory_a_file_of_another_user_is_written_in_place() {
    let world = world();
    give(world.dir.path(), 0, 0, 0o1777);
    world.write_expired();
    give(&world.file(), NOBODY, NOBODY, 0o666);
    let before = inode(&world);
    assert_refreshed(&world, &call_as(&world, WWW_DATA));
    assert_eq!((whose(&world.file()).0, inode(&world)), (NOBODY, before));
}

#[test]
fn in_a_set_gid_directory_the_group_is_kept() {
    let world = world();
    give(world.dir.path(), WWW_DATA, NOBODY, 0o2775);
    assert_refreshed(&world, &call_as(&world, WWW_DATA));
    assert_eq!(whose(&world.file()).1, NOBODY, "a new file has the directory's group");
    world.write_expired();
    give(&world.file(), WWW_DATA, WWW_DATA, 0o640);
    assert_refreshed(&world, &call_as(&world, WWW_DATA));
    assert_eq!(whose(&world.file()), (WWW_DATA, WWW_DATA, 0o640));
}

#[test]
fn a_file_that_cannot_be_written_is_served_while_valid_and_then_both_owners_are_named() {
    let world = world();
    world.write(format!(r#"{{"access_token":"abc","expire":{}}}"#, wx_token_testing::now() + 100));
    give(&world.file(), NOBODY, NOBODY, 0o644);
    assert_eq!(call_as(&world, WWW_DATA).token(), "abc", "even though it is due");
    world.write_expired();
    let answer = call_as(&world, WWW_DATA);
    assert_eq!(answer.class(), "WxToken\\FileException");
    for owner in
        ["user www-data (33) has no permission", "the file is owned by nobody:nogroup, mode 0644"]
    {
        assert!(answer.message().contains(owner), "{}", answer.message());
    }
    assert_eq!(world.fetches(), 0);
}

#[test]
fn a_failure_does_not_move_the_expiry_of_another_users_file_that_counts_from_its_mtime() {
    let mut world = world();
    give(world.dir.path(), 0, 0, 0o755);
    world.set("secret", "00000000000000000000000000000000");
    world.write(r#"{"access_token":"dead","expires_in":7200}"#);
    give(&world.file(), NOBODY, NOBODY, 0o666);
    let old = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    fs::File::options()
        .write(true)
        .open(world.file())
        .and_then(|file| file.set_modified(old))
        .expect("the tests run as root");
    let before = fs::read(world.file()).expect("a file");
    for _ in 0..2 {
        assert_eq!(call_as(&world, WWW_DATA).class(), "WxToken\\ApiException");
        assert_eq!(fs::read(world.file()).expect("a file"), before);
        assert_eq!(fs::metadata(world.file()).and_then(|file| file.modified()).ok(), Some(old));
    }
}

#[test]
fn a_hard_link_keeps_its_other_name() {
    let world = world();
    world.write_expired();
    let other = tempfile::tempdir().expect("a directory");
    let name = other.path().join("other.json");
    fs::hard_link(world.file(), &name).expect("a link");
    assert_refreshed(&world, &world.call());
    assert_eq!(fs::read(world.file()).ok(), fs::read(&name).ok());
}

#[test]
fn a_file_that_is_a_mount_point_is_written_in_place() {
    let world = world();
    let outside = tempfile::tempdir().expect("a directory");
    let source = outside.path().join("mounted.json");
    fs::write(&source, r#"{"access_token":"dead","expire":5}"#).expect("a file");
    world.write("");
    let file = world.file();
    let _mounted = Mounted::bind(&source, &file);
    assert_refreshed(&world, &world.call());
    assert_eq!(fs::read(&source).ok(), fs::read(&file).ok());
}

#[test]
fn a_link_to_another_file_system_is_followed_and_the_file_replaced_there() {
    let world = world();
    let disk = tempfile::tempdir().expect("a directory");
    let _mounted = Mounted::new(["-t", "tmpfs", "tmpfs"], disk.path());
    let real = disk.path().join("real.json");
    fs::write(&real, r#"{"access_token":"dead","expire":5}"#).expect("a file");
    give(&real, WWW_DATA, WWW_DATA, 0o640);
    symlink(&real, world.file()).expect("a link");
    assert_refreshed(&world, &world.call());
    assert!(fs::symlink_metadata(world.file()).is_ok_and(|link| link.is_symlink()));
    assert_eq!(whose(&real), (WWW_DATA, WWW_DATA, 0o640));
}

#[test]
fn a_write_in_place_never_shows_a_partial_file() {
    let mut world = world();
    world.set("write_mode", "in_place");
    world.write(r#"{"access_token":"first","expire":5}"#);
    let before = inode(&world);
    // One process re-expires and refreshes the file again and again; another reads all the while.
    let writer = r#"
        for ($i = 0; $i < 2000; $i++) {
            $token = str_repeat(chr(97 + $i % 26), 20 + $i % 40);
            $rejected = json_decode(file_get_contents($argv[1]), true)['access_token'];
            wx_refresh_token($argv[1], $rejected, fn() => ['access_token' => $token, 'expires_in' => 7200]);
        }
    "#;
    let reader = r#"
        echo "ready\n";
        $seen = 0;
        stream_set_blocking(STDIN, false);
        while (!fgets(STDIN)) {
            $seen++;
            $token = wx_get_token($argv[1], fn() => throw new Error('the file was found expired'));
            if ($token !== 'first' && count_chars($token, 3) !== $token[0]) { exit("a mixture: $token\n"); }
        }
        echo $seen > 100 ? "read enough\n" : "read too little\n";
    "#;
    let path = world.file();
    let path = path.to_str().expect("a path");
    let far = wx_token_testing::now() + 5000;
    world.write(format!(r#"{{"access_token":"first","expire":{far}}}"#));
    let mut reading = world.php().start(reader, &[path]);
    assert_eq!(reading.read_line(), "ready");
    assert_eq!(world.php().run(writer, &[path]), "");
    reading.release();
    assert_eq!(reading.read_line(), "read enough");
    assert_eq!(inode(&world), before);
}
