//! Local users who may read the token file, or write its directory, and mean harm.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};
use tempfile::TempDir;
use wechat_emulator::Options;
use wx_token_testing::php::{Answer, Callers, GET};
use wx_token_testing::process::Process;
use wx_token_testing::{SetOnDrop, World, now, run, until};

const NOBODY: u32 = 65534;

/// A directory that everybody can reach.
fn open_to_all(directory: &Path) {
    fs::set_permissions(directory, Permissions::from_mode(0o755)).expect("chmod");
}

/// Another user, who may only read the file at `path`, takes `lock` on it and never lets go.
fn locked_for_ever(world: &World, path: &Path, lock: &str) -> Process {
    let code = format!(
        "$file = fopen($argv[1], 'r'); flock($file, {lock}); echo \"held\\n\"; fgets(STDIN);"
    );
    let mut holder = world.php().run_as(NOBODY).start(&code, &[path.to_str().expect("a path")]);
    assert_eq!(holder.read_line(), "held");
    holder
}

/// A file outside the directory of the token file that must stay as it is.
struct Victim {
    dir: TempDir,
    before: (Vec<u8>, u64, u32, u32, i64),
}

impl Victim {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        fs::write(dir.path().join("token.json"), "root:*:19000:0:99999:7:::\n").expect("a file");
        let before = Self::state(&dir.path().join("token.json"));
        Self { dir, before }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("token.json")
    }

    fn state(path: &Path) -> (Vec<u8>, u64, u32, u32, i64) {
        let metadata = fs::metadata(path).expect("the victim is there");
        let (ino, uid, mode) = (metadata.ino(), metadata.uid(), metadata.mode());
        (fs::read(path).expect("the victim is readable"), ino, uid, mode, metadata.mtime_nsec())
    }

    fn assert_unharmed(&self) {
        assert_eq!(Self::state(&self.path()), self.before);
        assert_eq!(fs::read_dir(self.dir.path()).map(Iterator::count).ok(), Some(1));
    }
}

#[test]
fn a_lock_that_is_never_released_harms_no_caller_while_the_token_is_valid_and_is_named_afterwards()
{
    for lock in ["LOCK_EX", "LOCK_SH"] {
        let mut world = World::new(Options::default());
        world.set("lock_timeout", "0.5");
        open_to_all(world.dir.path());
        let token = world.write_live(5000);
        fs::set_permissions(world.file(), Permissions::from_mode(0o644)).expect("chmod");
        let holder = locked_for_ever(&world, &world.file(), lock);
        assert_eq!(world.call().token(), token, "{lock}, fresh");
        let due = json!({"access_token": token, "expire": now() + 100});
        world.write(due.to_string());
        assert_eq!(world.call().token(), token, "{lock}, due");
        assert_eq!(world.stored(), due);

        world.write_expired();
        for call in [GET, "wx_refresh_token($file, 'an-old-token')", "wx_with_lock($file, 'time')"]
        {
            let answer = world.call_of(call);
            assert_eq!(answer.class(), "WxToken\\LockException", "{lock}, {call}");
            assert_eq!(answer.property("holderPid"), holder.pid(), "{lock}, {call}");
        }
        assert_eq!(world.fetches(), 0);
    }
}

#[test]
fn a_link_in_place_of_the_token_file_gives_no_access_to_another_file() {
    type Link = fn(&Path, &Path) -> std::io::Result<()>;
    for link in
        [(|victim, path| symlink(victim, path)) as Link, |victim, path| fs::hard_link(victim, path)]
    {
        let (world, victim) = (World::new(Options::default()), Victim::new());
        link(&victim.path(), &world.file()).expect("a link");
        for call in [GET, "wx_refresh_token($file, 'old')", "wx_with_lock($file, 'time') . ''"] {
            let answer = world.call_of(call);
            if !call.contains("lock") {
                assert!(answer.message().contains("not a token file"), "{}", answer.message());
            }
        }
        assert_eq!(world.fetches(), 0);
        victim.assert_unharmed();
    }
}

/// As where `fs.protected_symlinks` is set, which is a setting of the whole machine.
#[test]
fn a_link_that_another_has_put_into_a_sticky_directory_is_followed_only_if_the_kernel_does() {
    let (world, victim) = (World::new(Options::default()), Victim::new());
    fs::set_permissions(world.dir.path(), Permissions::from_mode(0o1777)).expect("chmod");
    symlink(victim.path(), world.file()).expect("a link");
    lchown(world.file(), Some(NOBODY), Some(NOBODY)).expect("the tests run as root");
    let is_followed = File::open(world.file()).is_ok();
    let answer = world.call_of("wx_with_lock($file, fn() => 'locked')");
    if is_followed {
        assert_eq!(answer.token(), "locked");
    } else {
        assert_eq!(answer.class(), "WxToken\\FileException");
        assert!(answer.message().contains("fs.protected_symlinks"), "{}", answer.message());
    }
    victim.assert_unharmed();
}

#[test]
fn planted_temporary_files_stop_no_refresh_and_lead_to_no_other_file() {
    let (world, victim) = (World::new(Options::default()), Victim::new());
    open_to_all(world.dir.path());
    let plant = |random: &str| world.dir.path().join(format!(".token.json.wx_token.{random}"));
    symlink(victim.path(), plant("symlnk")).expect("a link");
    symlink(victim.dir.path(), plant("dirlnk")).expect("a link");
    symlink("/nowhere/at/all", plant("dangle")).expect("a link");
    fs::hard_link(victim.path(), plant("hardln")).expect("a link");
    run(Command::new("mkfifo").arg(plant("fifo00")));
    run(Command::new("mknod").arg(plant("device")).args(["c", "1", "3"]));
    let _socket = UnixListener::bind(plant("socket")).expect("a socket");
    fs::create_dir(plant("direct")).expect("a directory");
    File::create(plant("hugely")).and_then(|file| file.set_len(1 << 40)).expect("a sparse file");
    fs::write(plant("barred"), "").expect("a file");
    fs::set_permissions(plant("barred"), Permissions::from_mode(0o000)).expect("chmod");
    fs::write(plant("locked"), "{\"access_token\":\"planted\"}").expect("a file");
    chown(plant("locked"), Some(NOBODY), Some(NOBODY)).expect("the tests run as root");
    let _holder = locked_for_ever(&world, &plant("locked"), "LOCK_EX");

    for turn in 1..=2 {
        world.write_expired();
        let answer = world.call();
        assert!(world.is_live(answer.token()), "turn {turn}");
        assert_eq!(world.stored()["access_token"], answer.token(), "turn {turn}");
    }
    victim.assert_unharmed();
    let swept = ["hardln", "hugely", "barred"].map(|random| plant(random).exists());
    assert_eq!(swept, [false; 3], "what looks like a leftover goes, and only its name");
    assert_eq!(
        fs::read(plant("locked")).ok().as_deref(),
        Some(&b"{\"access_token\":\"planted\"}"[..])
    );
}

/// The directory of the token file, one below that of the world, which a neighbour can swap.
fn inner(world: &World) -> (PathBuf, PathBuf) {
    let directory = world.dir.path().join("data");
    fs::create_dir(&directory).expect("a directory");
    let file = directory.join("token.json");
    fs::write(&file, r#"{"access_token":"old","expire":5}"#).expect("a file");
    (directory, file)
}

/// Calls on `file`, and swaps its directory by `swap` while the fetch is under way.
fn swapped_during_the_fetch(world: &World, file: &Path, swap: impl FnOnce(&Path)) -> Answer {
    let caller = Callers::start(&world.php(), file, GET, 1).release_only().remove(0);
    until("a fetch is under way", || world.emulator.stats().in_flight == 1);
    let directory = file.parent().expect("a directory");
    fs::rename(directory, directory.with_file_name("moved")).expect("a rename");
    swap(directory);
    Answer::of(caller)
}

#[test]
fn a_directory_that_is_swapped_during_a_refresh_gets_the_token_and_costs_no_second_fetch() {
    let world = World::slow();
    let (directory, file) = inner(&world);
    let answer = swapped_during_the_fetch(&world, &file, |directory| {
        fs::create_dir(directory).expect("a directory");
    });
    assert!(world.is_live(answer.token()));
    let stored: Value = serde_json::from_slice(&fs::read(&file).expect("a file")).expect("JSON");
    assert_eq!(stored["access_token"], answer.token());
    assert_eq!(fs::read_dir(directory).map(Iterator::count).ok(), Some(1));
    assert_eq!(world.fetches(), 1);
}

#[test]
fn a_directory_that_becomes_a_link_during_a_refresh_leads_to_no_other_file() {
    let (world, victim) = (World::slow(), Victim::new());
    let (_, file) = inner(&world);
    let answer = swapped_during_the_fetch(&world, &file, |directory| {
        symlink(victim.dir.path(), directory).expect("a link");
    });
    assert!(world.is_live(answer.token()), "the caller has what was fetched for it");
    assert_eq!(world.fetches(), 1);
    victim.assert_unharmed();
}

#[test]
fn a_temporary_file_in_a_moved_directory_is_no_more_open_than_the_token_file() {
    let world = World::slow();
    let (_, file) = inner(&world);
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("chmod");
    swapped_during_the_fetch(&world, &file, |_| ());
    for entry in fs::read_dir(world.dir.path().join("moved")).expect("a directory").flatten() {
        let mode = entry.metadata().expect("a file").mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}

/// Whatever a neighbour may do to a file that he may write, in a directory that he may write.
fn vandalise(path: &Path, aside: &Path, victim: &Path, act: u32) -> std::io::Result<()> {
    let writing = || OpenOptions::new().write(true).open(path);
    let valid = json!({"access_token": "a-neighbours-token", "expire": now() + 5000}).to_string();
    match act {
        0 => writing()?.set_len(0),
        1 => writing()?.set_len(1 << 33),
        2 => writing()?.set_len(20),
        3 => fs::write(path, valid),
        4 => fs::remove_file(path),
        5 => symlink(victim, aside).and_then(|()| fs::rename(aside, path)),
        6 => symlink(path, aside).and_then(|()| fs::rename(aside, path)),
        7 => {
            run(Command::new("mkfifo").arg(aside));
            fs::rename(aside, path)
        }
        _ => fs::write(aside, valid).and_then(|()| fs::rename(aside, path)),
    }
}

#[test]
fn whatever_another_user_does_to_the_file_every_call_ends_with_a_whole_token_or_an_error() {
    let (mut world, victim) = (World::new(Options::default()), Victim::new());
    world.set("lock_timeout", "2");
    let code = r#"
        $outcomes = [];
        for ($i = 0; $i < 300; $i++) {
            try {
                $outcome = wx_get_token($argv[1]);
            } catch (WxToken\Exception $e) {
                $outcome = $e::class;
            }
            $outcomes[$outcome] = ($outcomes[$outcome] ?? 0) + 1;
            usleep(500);
        }
        echo json_encode($outcomes);
    "#;
    let (file, aside) = (world.file(), world.dir.path().join("aside"));
    world.write_expired();
    let path = file.to_str().expect("a path");
    let callers: Vec<_> = (0..3).map(|_| world.php().start(code, &[path])).collect();
    let done = AtomicBool::new(false);
    let outcomes: Vec<String> = thread::scope(|scope| {
        scope.spawn(|| {
            for act in (0..9).cycle() {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                // Some acts fail because of what the one before left, or because of a refresh.
                let _ = vandalise(&file, &aside, &victim.path(), act);
                let _ = fs::remove_file(&aside);
            }
        });
        let _over = SetOnDrop(&done);
        callers.into_iter().map(Process::rest).collect()
    });
    let mut tokens = 0;
    for outcomes in outcomes {
        let counts: serde_json::Map<String, Value> =
            serde_json::from_str(&outcomes).unwrap_or_else(|error| panic!("{error}: {outcomes}"));
        for (outcome, count) in counts {
            if outcome.starts_with("WxToken\\") {
                assert!(
                    ["WxToken\\FileException", "WxToken\\LockException"].contains(&&*outcome),
                    "{outcome}, {count} times"
                );
            } else {
                let known = outcome == "a-neighbours-token" || world.is_live(&outcome);
                assert!(known, "{outcome}, {count} times, is no whole token");
                tokens += count.as_u64().unwrap_or_default();
            }
        }
    }
    assert!(tokens > 0, "no call was ever given a token: this shows nothing");
    victim.assert_unharmed();
    let _ = fs::remove_file(&file);
    let answer = world.call();
    world.assert_one_live_token(&[answer]);
}

#[test]
fn open_basedir_applies_to_every_function_and_each_of_its_files() {
    let world = World::new(Options::default());
    let outside = tempfile::tempdir().expect("a directory");
    let php = world.php().with(&format!("open_basedir={}", world.dir.path().display()));
    let barred = outside.path().join("token.json");
    let allowed = format!("'{}'", world.file().display());
    for call in [
        GET,
        "wx_get_token($file, fn() => ['access_token' => 'x', 'expires_in' => 9])",
        "wx_refresh_token($file, 'old')",
        "wx_with_lock($file, 'time')",
        "wx_token_status($file)",
        &format!("wx_get_ticket($file, {allowed})"),
        &format!("wx_get_ticket({allowed}, $file)"),
    ] {
        let answer = php.call(&barred, call);
        assert_eq!(answer.class(), "WxToken\\FileException", "{call}");
        assert!(
            answer
                .message()
                .contains("open_basedir does not include it. Add the directory of the token file"),
            "{}",
            answer.message()
        );
    }
    assert_eq!(fs::read_dir(outside.path()).map(Iterator::count).ok(), Some(0));
    assert!(world.names().is_empty());
    assert_eq!(world.fetches(), 0);
}

#[test]
fn disable_functions_removes_functions_and_leaves_the_others_working() {
    let world = World::new(Options::default());
    let disabled = "wx_with_lock,fopen,flock,file_get_contents,file_put_contents,rename,unlink,exec,\
        stream_socket_client,fsockopen,getenv";
    let php = world.php().with(&format!("disable_functions={disabled}"));
    let answer = php.call(&world.file(), GET);
    world.assert_one_live_token(&[answer]);
    let answer = php.call(&world.file(), "wx_with_lock($file, 'time')");
    assert_eq!(answer.class(), "Error", "{}", answer.message());
}
