//! What keeps a call from a token file is named: an attribute, a sandbox, a lack of inodes, a quota; and not
//! blamed on owner and mode, which allow it.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use wechat_emulator::Options;
use wx_token_testing::mounts::{Disk, Mounted};
use wx_token_testing::php::{Answer, GET};
use wx_token_testing::{WWW_DATA, World, run};

fn world() -> World {
    let world = World::new(Options::default());
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o755)).expect("chmod");
    world
}

/// An attribute of chattr(1), until this is dropped.
struct Attribute {
    letter: char,
    path: PathBuf,
}

impl Attribute {
    fn give(letter: char, path: &Path) -> Self {
        run(Command::new("chattr").arg(format!("+{letter}")).arg(path));
        Self { letter, path: path.to_owned() }
    }
}

impl Drop for Attribute {
    fn drop(&mut self) {
        let letter = self.letter;
        let _ = Command::new("chattr").arg(format!("-{letter}")).arg(&self.path).status();
    }
}

/// Asserts that there was no fetch, and that the message has `expected`, but neither owner nor mode.
fn assert_told(world: &World, answer: &Answer, expected: &str) {
    assert_eq!(answer.class(), "WxToken\\FileException");
    let message = answer.message();
    assert!(message.contains(expected), "{expected}: {message}");
    assert!(
        !message.contains("has no permission") && !message.contains("may not write"),
        "{message}"
    );
    assert_eq!(world.fetches(), 0);
}

#[test]
fn an_attribute_of_a_file_or_its_directory_is_named_with_its_remedy() {
    // Not every file system has attributes.
    let disk = Disk::ext3(&[]);
    // In an append-only directory a file can be created.
    for (letter, name, is_missing) in
        [('i', "immutable", false), ('i', "immutable", true), ('a', "append only", false)]
    {
        let world = World::within(&disk.path(), Options::default());
        let path = if is_missing { world.dir.path().to_owned() } else { world.file() };
        if !is_missing {
            world.write_expired();
        }
        let attribute = Attribute::give(letter, &path);
        let task = if is_missing { "create" } else { "write" };
        let file = world.file();
        let expected = format!(
            "cannot {task} {}: {path} has the attribute \"{name}\", which overrules owner and mode. Run chattr -{letter} {path}",
            file.display(),
            path = path.display()
        );
        assert_told(&world, &world.call(), &expected);
        drop(attribute);
        assert!(world.is_live(world.call().token()), "the remedy helps");
    }
}

#[test]
fn in_an_append_only_directory_a_file_is_created_and_refreshed() {
    let disk = Disk::ext3(&[]);
    let world = World::within(&disk.path(), Options::default());
    let _attribute = Attribute::give('a', world.dir.path());
    for _ in 0..2 {
        let answer = world.call();
        let mut stored = world.stored();
        assert_eq!(stored["access_token"], answer.token());
        assert!(world.is_live(answer.token()));
        stored["expire"] = 0.into();
        world.write(stored.to_string());
    }
    assert_eq!(world.fetches(), 2);
}

/// A call as `user`, for whom strace(1) makes system calls fail: `inject` and its further arguments.
fn call_without(world: &World, user: u32, inject: &[&str]) -> Answer {
    let mut command = Command::new("setpriv");
    command.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups", "--"]);
    command.args(["strace", "-f", "-qq", "-o", "/dev/null"]).args(inject);
    world.php().call_under(&mut command, &world.file(), GET)
}

/// seccomp(2) makes a call fail with whatever error it is told to, often EPERM or ENOSYS; a security module
/// (path_resolution(7)) with EACCES.
#[test]
fn a_system_call_that_a_sandbox_denies_is_named() {
    let file = |world: &World| world.file().display().to_string();
    for user in [0, WWW_DATA] {
        let world = world();
        world.write_expired();
        chown(world.dir.path(), Some(user), Some(user)).expect("the tests run as root");
        chown(world.file(), Some(user), Some(user)).expect("the tests run as root");
        fs::set_permissions(world.file(), Permissions::from_mode(0o600)).expect("chmod");
        let call = |inject: &[&str]| call_without(&world, user, inject);
        let may = "although owner and mode allow it. A sandbox (seccomp) or a security module may forbid it";

        let denied = call(&["-e", "inject=flock:error=EPERM"]);
        let expected = format!(
            "cannot lock {}: flock(2) is denied (Operation not permitted (os error 1)), {may}",
            file(&world)
        );
        assert_told(&world, &denied, &expected);

        let missing = call(&["-e", "inject=flock:error=ENOSYS"]);
        let expected = "flock(2) is not available (Function not implemented (os error 38)). A sandbox (seccomp) may forbid it";
        assert_told(&world, &missing, expected);

        // A security module is asked by faccessat(2), too: owner and mode must be looked at.
        let path = file(&world);
        for calls in
            ["inject=openat:error=EACCES", "inject=openat,faccessat2,faccessat:error=EACCES"]
        {
            let barred = call(&["-P", &path, "-e", calls]);
            let expected = format!(
                "cannot read {path}: openat(2) is denied (Permission denied (os error 13)), {may}"
            );
            assert_told(&world, &barred, &expected);
        }

        let mut world = world_of(user);
        world.set("file_mode", "0660");
        let denied = call_without(&world, user, &["-e", "inject=fchmod:error=EPERM"]);
        let expected = format!(
            "cannot create {}: fchmod(2) is denied (Operation not permitted (os error 1)), {may}",
            file(&world)
        );
        assert_told(&world, &denied, &expected);
    }
}

fn world_of(user: u32) -> World {
    let world = world();
    chown(world.dir.path(), Some(user), Some(user)).expect("the tests run as root");
    world
}

#[test]
fn a_root_without_the_capability_to_chown_is_told_which_one() {
    let world = world_of(WWW_DATA);
    let denied = call_without(&world, 0, &["-e", "inject=fchown:error=EPERM"]);
    let expected = "fchown(2) is denied (Operation not permitted (os error 1)), although owner and mode allow it. A sandbox (seccomp) or a security module may forbid it, or root is without the capability CAP_CHOWN";
    assert_told(&world, &denied, expected);
}

#[test]
fn an_acl_that_denies_a_user_is_not_reported_as_a_sandbox() {
    let world = world();
    world.write_expired();
    chown(world.file(), Some(0), Some(WWW_DATA)).expect("the tests run as root");
    fs::set_permissions(world.file(), Permissions::from_mode(0o660)).expect("chmod");
    run(Command::new("setfacl").args(["-m", "u:33:-"]).arg(world.file()));
    let answer = world.php().run_as(WWW_DATA).call(&world.file(), GET);
    let message = answer.message();
    assert!(
        message.contains("user www-data (33) has no permission; the file is owned by root:www-data, mode 0660, and has an ACL (getfacl). Run chown www-data "),
        "{message}"
    );
}

#[test]
fn a_path_that_cannot_be_followed_is_explained() {
    let world = world();
    let told = |file: &Path, expected: &str| {
        let answer = world.php().call(file, GET);
        let expected = expected.replace("FILE", &file.display().to_string());
        assert_told(&world, &answer, &expected);
    };
    let link = world.file();
    symlink(&link, &link).expect("a link");
    told(&link, "cannot open FILE: its symbolic links form a loop. Correct the link");
    let proc = Path::new("/proc/wx_token.json");
    told(proc, "cannot create FILE: no file can be created in /proc. Pass a path in another");
}

#[test]
fn too_many_open_files_are_not_blamed_on_the_file_system() {
    let world = world();
    world.write_expired();
    let path = world.file().display().to_string();
    let denied = call_without(&world, 0, &["-P", &path, "-e", "inject=openat:error=EMFILE"]);
    let expected = "Too many open files (os error 24). Raise the limit of open files (ulimit -n";
    assert_told(&world, &denied, expected);
}

#[test]
fn a_write_that_a_sandbox_denies_is_named_in_the_status() {
    let world = world();
    world.write_expired();
    let denied = call_without(&world, 0, &["-e", "inject=pwrite64:error=EPERM"]);
    assert!(world.is_live(denied.token()), "the caller has its token");
    let status = world.php().run(
        "echo json_encode(wx_token_status($argv[1])['failure']);",
        &[world.file().to_str().expect("UTF-8")],
    );
    assert!(status.contains("pwrite(2) is denied"), "{status}");
}

#[test]
fn a_connection_that_this_machine_forbids_is_not_blamed_on_the_network() {
    for call in ["socket", "connect"] {
        let world = world();
        world.write_expired();
        let inject = format!("inject={call}:error=EPERM");
        let denied = call_without(&world, 0, &["-e", &inject]);
        assert_eq!(denied.class(), "WxToken\\NetworkException");
        let expected = "Operation not permitted (os error 1). A firewall rule, a sandbox (seccomp) or a security module of this machine may forbid it";
        assert!(denied.message().contains(expected), "{}", denied.message());
        assert_eq!(world.fetches(), 0);
    }
}

#[test]
fn an_exhausted_disk_quota_is_named() {
    let world = world();
    // A file that has no room of its own.
    world.write("");
    let denied = call_without(&world, 0, &["-e", "inject=fallocate:error=EDQUOT"]);
    assert_told(
        &world,
        &denied,
        "the disk quota is used up (Disk quota exceeded (os error 122)). Raise the quota",
    );
}

#[test]
fn a_file_system_without_free_inodes_is_not_reported_as_full() {
    let world = world();
    let path = world.dir.path();
    let _mounted = Mounted::new(["-t", "tmpfs", "-o", "size=1m,nr_inodes=4", "tmpfs"], path);
    let full = (0..4).find(|number| File::create(path.join(number.to_string())).is_err());
    assert!(full.is_some(), "no inode is left");
    let expected = format!(
        "cannot create {}: the file system of {} has no free inodes. Delete files there, of whatever size (df -i shows the inodes)",
        world.file().display(),
        path.display()
    );
    assert_told(&world, &world.call(), &expected);
    // One for the file, one for its replacement.
    for name in ["0", "1"] {
        fs::remove_file(path.join(name)).expect("an inode again");
    }
    assert!(world.is_live(world.call().token()), "the remedy helps");
}
