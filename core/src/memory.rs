//! The token files that this process remembers, and when a remembered token is still the file's.
//!
//! Each call compares the file's stat data (one stat), unless it trusts the memory for a while. What one thread
//! has read serves all. Each thread keeps what it has used in a map of its own, and reads that without a lock.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, OsStr, OsString};
use std::mem::{self, ManuallyDrop};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use foldhash::fast::RandomState;

use crate::clock::Timestamp;
use crate::process::ProcessMutex;
use crate::record::TokenOwner;
use crate::token::Token;
use crate::token_file::{self, FileSpec, FileVersion, Snapshot};

/// By the path that callers name.
type Files = HashMap<OsString, Arc<Remembered>, RandomState>;

static SHARED: LazyLock<ProcessMutex<Files>> =
    LazyLock::new(|| ProcessMutex::new(Files::default()));

thread_local! {
    /// Without a destructor: exit(3) in a signal handler would run it on the interrupted thread, perhaps in the
    /// middle of a change.
    static THREAD: ManuallyDrop<RefCell<Files>> = ManuallyDrop::default();
}

pub(crate) fn with<R>(work: impl FnOnce(Memory<'_>) -> R) -> R {
    THREAD.with(|thread| work(Memory { shared: &SHARED, thread }))
}

/// Frees the map of this thread, which ends. If a signal handler has interrupted a change of it, it stays.
pub fn forget_thread() {
    THREAD.with(|thread| thread.try_borrow_mut().map(|mut files| mem::take(&mut *files)).ok());
}

/// The files that the process remembers, and those of them that this thread has used.
#[derive(Clone, Copy)]
pub(crate) struct Memory<'a> {
    shared: &'a ProcessMutex<Files>,
    thread: &'a RefCell<Files>,
}

struct Remembered {
    /// `None` while a later state of the file could have the same version.
    token: Option<Token>,
    owner: Option<TokenOwner>,
    spec: FileSpec,
    version: FileVersion,
    /// When this version of the file was first read, by the monotonic clock.
    first_read_at: Duration,
    /// When the file was last looked at, and when the token was last used: milliseconds since 1970.
    looked_at: AtomicI64,
    used_at: AtomicI64,
    /// Whether the process has forgotten the file. The map of a thread may still contain it.
    is_forgotten: AtomicBool,
}

impl Memory<'_> {
    /// The token of the file at `path`, if it is remembered for `spec`, not for an owner that `is_anothers`
    /// rejects, and the file has not changed since. For `trust` after a look at the file, it is not looked at
    /// again.
    pub fn recall(
        self,
        path: &CStr,
        spec: FileSpec,
        trust: Duration,
        is_anothers: impl Fn(&TokenOwner) -> bool + Copy,
        now: Timestamp,
    ) -> Option<Token> {
        let name = OsStr::from_bytes(path.to_bytes());
        let thread = self.thread.borrow();
        let known = thread.get(name);
        if let Some(token) =
            known.and_then(|known| known.recall(path, spec, trust, is_anothers, now))
        {
            return Some(token);
        }
        // Another thread may have read the file since.
        let newer = self.shared.with(|files| files.get(name).map(Arc::clone))?;
        if known.is_some_and(|known| Arc::ptr_eq(known, &newer)) {
            return None;
        }
        let token = newer.recall(path, spec, trust, is_anothers, now)?;
        drop(thread);
        self.thread.borrow_mut().insert(name.to_owned(), newer);
        Some(token)
    }

    /// Remembers the token that was read from the file at `path`, if any later change would give the file
    /// another version: the clock of its file system has moved on since this version was first read. The clock
    /// of this process may differ, and does not show that. Beyond `max_files`, the least recently used go first.
    pub fn remember(
        self,
        path: &Path,
        spec: FileSpec,
        snapshot: &Snapshot,
        max_files: usize,
        now: Timestamp,
    ) {
        let (Some(version), Some(token)) = (snapshot.version, snapshot.document.token()) else {
            return;
        };
        let path = path.as_os_str();
        let remembered = self.shared.with(|files| {
            let known = files.get(path).filter(|known| known.version == version);
            let first_read_at = known.map_or(snapshot.ended, |known| known.first_read_at);
            let is_distinct = snapshot.began >= first_read_at + version.tick();
            let remembered = Arc::new(Remembered {
                token: is_distinct.then(|| token.clone()),
                owner: snapshot.document.record().and_then(|record| record.owner),
                spec,
                version,
                first_read_at,
                looked_at: AtomicI64::new(now.millis()),
                used_at: AtomicI64::new(now.millis()),
                is_forgotten: AtomicBool::new(false),
            });
            forget(files, path);
            files.insert(path.to_owned(), Arc::clone(&remembered));
            if files.len() > max_files {
                forget_least_recently_used(files, max_files);
            }
            remembered
        });
        if remembered.token.is_none() {
            return;
        }
        let mut thread = self.thread.borrow_mut();
        thread.insert(path.to_owned(), remembered);
        if thread.len() > max_files {
            thread.retain(|_, remembered| !remembered.is_forgotten.load(Ordering::Relaxed));
        }
    }

    /// Forgets, in every thread, what could still return the `rejected` token of the file at `path`, which was
    /// `before`: that file and the one that is there now, by any name, and every other file with this token.
    pub fn forget_rejected(self, path: &Path, before: Option<FileVersion>, rejected: &str) {
        let now = token_file::stat(path).ok().flatten();
        self.shared.with(|files| {
            files.retain(|name, remembered| {
                let is_file = |file: FileVersion| file.id == remembered.version.id;
                let is_concerned = name == path.as_os_str()
                    || before.is_some_and(is_file)
                    || now.is_some_and(is_file)
                    || remembered.token.as_ref().is_some_and(|token| &*token.value == rejected);
                if is_concerned {
                    remembered.forget();
                }
                !is_concerned
            });
        });
    }
}

fn forget(files: &mut Files, path: &OsStr) {
    if let Some(remembered) = files.remove(path) {
        remembered.forget();
    }
}

/// Makes room for several files, so that not every new file costs a search.
fn forget_least_recently_used(files: &mut Files, max_files: usize) {
    let used_at = |file: &Remembered| file.used_at.load(Ordering::Relaxed);
    let mut by_use: Vec<_> =
        files.iter().map(|(path, file)| (used_at(file), path.clone())).collect();
    let surplus = by_use.len().saturating_sub(max_files - max_files / 16);
    if surplus < by_use.len() {
        by_use.select_nth_unstable(surplus);
    }
    for (_, path) in by_use.into_iter().take(surplus) {
        forget(files, &path);
    }
}

impl Remembered {
    fn recall(
        &self,
        path: &CStr,
        spec: FileSpec,
        trust: Duration,
        is_anothers: impl Fn(&TokenOwner) -> bool + Copy,
        now: Timestamp,
    ) -> Option<Token> {
        let token = self.token.as_ref()?;
        let is_anothers = self.owner.as_ref().is_some_and(is_anothers);
        if self.is_forgotten.load(Ordering::Relaxed)
            || self.spec != spec
            || is_anothers
            || !self.is_true(path, trust, now)
        {
            return None;
        }
        touch(&self.used_at, now);
        Some(token.clone())
    }

    fn forget(&self) {
        self.is_forgotten.store(true, Ordering::Relaxed);
    }

    fn is_true(&self, path: &CStr, trust: Duration, now: Timestamp) -> bool {
        if !trust.is_zero() {
            let looked_at = Timestamp::from_millis(self.looked_at.load(Ordering::Relaxed));
            // A clock that was set back does not prolong the trust.
            if looked_at <= now && now.since(looked_at) < trust {
                return true;
            }
        }
        let is_unchanged = token_file::stat_regular(path) == Some(self.version);
        if is_unchanged {
            touch(&self.looked_at, now);
        }
        is_unchanged
    }
}

/// Writes only a new value: the cache line stays valid for other threads.
fn touch(moment: &AtomicI64, now: Timestamp) {
    if moment.load(Ordering::Relaxed) != now.millis() {
        moment.store(now.millis(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::CString;
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::process;
    use crate::token_file::{CredentialKind, Layout};

    const TOKEN: FileSpec = FileSpec { kind: CredentialKind::AccessToken, layout: None };
    const NOW: Timestamp = Timestamp::from_secs(1_700_000_000);

    fn c_string(path: &Path) -> CString {
        CString::new(path.as_os_str().as_bytes()).unwrap()
    }

    struct World {
        dir: TempDir,
        shared: ProcessMutex<Files>,
        thread: RefCell<Files>,
    }

    impl World {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            Self { dir, shared: ProcessMutex::new(Files::default()), thread: RefCell::default() }
        }

        fn memory(&self) -> Memory<'_> {
            Memory { shared: &self.shared, thread: &self.thread }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn write(&self, name: &str, token: &str) -> PathBuf {
            let path = self.path(name);
            let content = format!(r#"{{"access_token":"{token}","expire":1700007200}}"#);
            fs::write(&path, content).unwrap();
            path
        }

        /// Remembers the file as soon as that can be trusted.
        fn remember(&self, path: &Path, max_files: usize, now: Timestamp) {
            let is_remembered = || {
                self.shared.with(|files| {
                    files.get(path.as_os_str()).is_some_and(|file| file.token.is_some())
                })
            };
            let deadline = std::time::Instant::now() + Duration::from_secs(20);
            loop {
                let snapshot = token_file::read(path, TOKEN).unwrap();
                self.memory().remember(path, TOKEN, &snapshot, max_files, now);
                if is_remembered() {
                    break;
                }
                assert!(std::time::Instant::now() < deadline, "never remembered");
            }
        }

        /// What is remembered after a look at the file.
        fn recall(&self, path: &Path) -> Option<String> {
            self.trust(path, 0, NOW)
        }

        fn trust(&self, path: &Path, seconds: u64, now: Timestamp) -> Option<String> {
            let token = self.memory().recall(
                &c_string(path),
                TOKEN,
                Duration::from_secs(seconds),
                |_| false,
                now,
            );
            token.map(|token| token.value.to_string())
        }
    }

    #[test]
    fn a_token_is_remembered_until_the_file_changes_in_any_way() {
        let world = World::new();
        let replace = |path: &Path| {
            let other = world.write("other", "new");
            fs::rename(other, path).unwrap();
        };
        let rewrite = |_: &Path| drop(world.write("token.json", "new"));
        let remove = |path: &Path| fs::remove_file(path).unwrap();
        let change_mode = |path: &Path| {
            let mut permissions = fs::metadata(path).unwrap().permissions();
            permissions.set_readonly(true);
            fs::set_permissions(path, permissions).unwrap();
        };
        let changes: [&dyn Fn(&Path); 4] = [&rewrite, &replace, &remove, &change_mode];
        for change in changes {
            let path = world.write("token.json", "old");
            world.remember(&path, 10, NOW);
            assert_eq!(world.recall(&path).as_deref(), Some("old"));
            change(&path);
            assert_eq!(world.recall(&path), None);
            let _ = fs::remove_file(&path);
        }
    }

    #[test]
    fn a_link_or_a_directory_on_the_path_that_leads_elsewhere_now_is_seen() {
        let world = World::new();
        for name in ["a", "b"] {
            fs::create_dir(world.path(name)).unwrap();
            world.write(&format!("{name}/token.json"), name);
        }
        symlink("a", world.path("link")).unwrap();
        let path = world.path("link/token.json");
        world.remember(&path, 10, NOW);
        assert_eq!(world.recall(&path).as_deref(), Some("a"));
        fs::remove_file(world.path("link")).unwrap();
        symlink("b", world.path("link")).unwrap();
        assert_eq!(world.recall(&path), None);

        let path = world.path("a/token.json");
        world.remember(&path, 10, NOW);
        assert_eq!(world.recall(&path).as_deref(), Some("a"));
        fs::rename(world.path("a"), world.path("c")).unwrap();
        fs::rename(world.path("b"), world.path("a")).unwrap();
        assert_eq!(world.recall(&path), None);
    }

    #[test]
    fn what_is_read_is_remembered_once_the_file_was_met_like_this_a_tick_before() {
        let world = World::new();
        let path = world.write("token.json", "old");
        let read = || token_file::read(&path, TOKEN).unwrap();
        let is_remembered_after = |first: &Snapshot, pause: Duration| {
            let later = Snapshot { began: first.ended + pause, ..read() };
            world.memory().remember(&path, TOKEN, &later, 10, NOW);
            world.recall(&path).is_some()
        };
        let tick = read().version.unwrap().tick();
        for token in ["old", "new"] {
            world.write("token.json", token);
            let first = read();
            world.memory().remember(&path, TOKEN, &first, 10, NOW);
            assert_eq!(world.recall(&path), None, "it may have been changed in this tick");
            assert!(!is_remembered_after(&first, tick - Duration::from_millis(1)));
            assert!(is_remembered_after(&first, tick));
        }
    }

    #[test]
    fn what_a_file_keeps_is_remembered_for_those_who_expect_it_alone() {
        let world = World::new();
        let path = world.write("token.json", "token");
        world.remember(&path, 10, NOW);
        for spec in [
            FileSpec { kind: CredentialKind::JsapiTicket, ..TOKEN },
            FileSpec { layout: Some(Layout::Plain), ..TOKEN },
        ] {
            assert!(
                world
                    .memory()
                    .recall(&c_string(&path), spec, Duration::ZERO, |_| false, NOW)
                    .is_none()
            );
        }
    }

    #[test]
    fn trust_lasts_as_long_as_was_said_and_not_into_the_past() {
        let world = World::new();
        let path = world.write("token.json", "old");
        world.remember(&path, 10, NOW);
        fs::remove_file(&path).unwrap();
        let after = |millis| Timestamp::from_millis(NOW.millis() + millis);
        assert_eq!(world.trust(&path, 2, after(1999)).as_deref(), Some("old"));
        assert_eq!(world.trust(&path, 2, after(2000)), None);
        assert_eq!(world.trust(&path, 2, after(-1)), None, "the clock was set back");
        assert_eq!(world.trust(&path, 0, after(0)), None, "without trust");
    }

    #[test]
    fn a_look_at_the_file_begins_the_trust_anew() {
        let world = World::new();
        let path = world.write("token.json", "old");
        world.remember(&path, 10, NOW);
        assert!(world.trust(&path, 2, NOW + Duration::from_secs(5)).is_some());
        fs::remove_file(&path).unwrap();
        assert!(world.trust(&path, 2, NOW + Duration::from_secs(6)).is_some());
    }

    #[test]
    fn the_least_recently_used_files_go_first_and_no_more_than_are_allowed_stay() {
        let world = World::new();
        let at = |millis| Timestamp::from_millis(NOW.millis() + millis);
        let paths: Vec<_> =
            (0..33).map(|number| world.write(&format!("{number}.json"), "token")).collect();
        for (path, moment) in paths.iter().zip(0..32) {
            world.remember(path, 32, at(moment));
        }
        assert!(world.trust(&paths[0], 0, at(40)).is_some());
        world.remember(&paths[32], 32, at(41));
        assert!(world.shared.with(|files| files.len()) <= 32);
        assert!(world.recall(&paths[0]).is_some(), "used a moment ago");
        assert!(world.recall(&paths[32]).is_some(), "the newest");
        assert!(world.recall(&paths[1]).is_none(), "the least recently used");
        assert!(world.recall(&paths[31]).is_some());

        let snapshot = token_file::read(&paths[1], TOKEN).unwrap();
        world.memory().remember(&paths[1], TOKEN, &snapshot, 0, at(42));
        assert!(world.shared.with(|files| files.is_empty()), "none is allowed");
    }

    #[test]
    fn what_one_thread_has_read_serves_the_others_and_is_forgotten_by_all() {
        let world = World::new();
        let path = world.write("token.json", "token");
        world.remember(&path, 10, NOW);
        let thread = RefCell::default();
        let other = Memory { shared: &world.shared, thread: &thread };
        let trust = Duration::from_secs(60);
        assert!(other.recall(&c_string(&path), TOKEN, Duration::ZERO, |_| false, NOW).is_some());
        assert_eq!(thread.borrow().len(), 1);
        for _ in 0..2 {
            world.memory().forget_rejected(&path, None, "token");
            assert!(other.recall(&c_string(&path), TOKEN, trust, |_| false, NOW).is_none());
            // Read twice by this thread, and met once by the other.
            world.remember(&path, 10, NOW);
            assert!(other.recall(&c_string(&path), TOKEN, trust, |_| false, NOW).is_some());
            world.remember(&path, 10, NOW);
        }
        world.memory().forget_rejected(&path, None, "token");
        world.remember(&path, 10, NOW);
        assert!(
            other.recall(&c_string(&path), TOKEN, trust, |_| false, NOW).is_some(),
            "what is new is met again"
        );
    }

    #[test]
    fn a_rejected_token_is_forgotten_by_every_name_and_no_other_is() {
        let world = World::new();
        let path = world.write("token.json", "rejected");
        fs::create_dir(world.path("sub")).unwrap();
        symlink("token.json", world.path("link.json")).unwrap();
        fs::hard_link(&path, world.path("hard.json")).unwrap();
        let names = ["token.json", "link.json", "hard.json", "./token.json", "sub/../token.json"];
        let remember_all = |names: &[&str]| {
            for name in names {
                world.remember(&world.path(name), 20, NOW);
            }
        };
        let recalled = |name: &str| world.trust(&world.path(name), 60, NOW);
        let other = world.write("other.json", "another");
        world.remember(&other, 20, NOW);
        remember_all(&names);
        let before = token_file::stat(&path).unwrap();

        // By what the file was: the token in the memory need not be the rejected one.
        fs::rename(world.write("aside", "new"), &path).unwrap();
        world.memory().forget_rejected(&path, before, "an older one");
        for name in names {
            assert_eq!(recalled(name), None, "{name}");
        }
        assert_eq!(recalled("other.json").as_deref(), Some("another"));

        // By what it is now.
        remember_all(&["link.json"]);
        world.memory().forget_rejected(&path, None, "an older one");
        assert_eq!(recalled("link.json"), None);

        // By the token, though the file that it was read from is long gone.
        world.write("token.json", "rejected");
        remember_all(&["link.json"]);
        fs::rename(world.write("aside", "new"), &path).unwrap();
        world.memory().forget_rejected(&path, token_file::stat(&path).unwrap(), "rejected");
        assert_eq!(recalled("link.json"), None);
        assert_eq!(recalled("other.json").as_deref(), Some("another"));
    }

    /// How many hold what `thread` has remembered, when it is over.
    fn holders_after(thread: impl FnOnce(&Path) + Send) -> usize {
        let world = World::new();
        let path = world.write("token.json", "token");
        world.remember(&path, 10, NOW);
        let remembered = world.shared.with(|files| files.values().next().map(Arc::clone)).unwrap();
        drop(world.thread.take());
        let shared = &world.shared;
        std::thread::scope(|scope| {
            scope.spawn(|| {
                THREAD.with(|thread| {
                    let memory = Memory { shared, thread };
                    assert!(
                        memory
                            .recall(&c_string(&path), TOKEN, Duration::ZERO, |_| false, NOW)
                            .is_some()
                    );
                });
                thread(&path);
            });
        });
        Arc::strong_count(&remembered) - 2
    }

    #[test]
    fn a_thread_frees_its_map_when_it_is_told_and_never_by_itself() {
        assert_eq!(holders_after(|_| forget_thread()), 0);
        assert_eq!(holders_after(|_| ()), 1, "a destructor ran: so it would in a signal handler");
        let in_the_middle = |_: &Path| {
            THREAD.with(|thread| {
                let _changing = thread.borrow_mut();
                forget_thread();
            });
        };
        assert_eq!(holders_after(in_the_middle), 1);
    }

    #[test]
    fn a_worker_remembers_nothing_beyond_its_end() {
        let world = World::new();
        let path = world.write("token.json", "token");
        let snapshot = token_file::read(&path, TOKEN).unwrap();
        let later = Snapshot { began: Duration::MAX, ..snapshot.clone() };
        for look in [snapshot, later] {
            with(|memory| memory.remember(&path, TOKEN, &look, 10, NOW));
        }
        let remembered = SHARED.with(|files| files.get(path.as_os_str()).map(Arc::clone)).unwrap();
        forget_thread();
        let name = c_string(&path);
        let recall = move || {
            let found =
                with(|memory| memory.recall(&name, TOKEN, Duration::from_secs(60), |_| false, NOW));
            (found.is_some(), THREAD.with(|thread| thread.borrow().len()))
        };
        let receiver = crate::worker::run(Duration::from_secs(20), recall).unwrap();
        assert_eq!(receiver.recv().unwrap(), (true, 1));
        // The worker ends after it has answered; those who remember are the process and this test.
        crate::worker::finish_all(Some(crate::worker::SHORT_WAIT));
        assert_eq!(Arc::strong_count(&remembered), 2);
    }

    /// What Apache does at SIGTERM.
    extern "C" fn end(_signal: libc::c_int) {
        // SAFETY: exit(3) is no function for signal handlers, which is what this is about.
        unsafe { libc::exit(0) };
    }

    /// What PHP does at the end of a process.
    extern "C" fn shut_down() {
        crate::worker::finish_all(Some(crate::worker::SHORT_WAIT));
        forget_thread();
    }

    /// Runs `work` in a forked child, and returns the status with which it ended.
    fn in_child(work: impl FnOnce()) -> libc::c_int {
        // The child has this thread alone, and must find no lock of another one taken.
        drop(process::process_state());
        // SAFETY: the child makes calls of this module and of libc alone, and ends by exit(3).
        let child = unsafe { libc::fork() };
        if child == 0 {
            // SAFETY: both functions live as long as the child.
            unsafe {
                libc::signal(libc::SIGTERM, end as extern "C" fn(libc::c_int) as usize);
                libc::atexit(shut_down);
            }
            work();
            // SAFETY: as above. Nobody has ended the child.
            unsafe { libc::_exit(1) };
        }
        wait_for(child)
    }

    fn wait_for(child: libc::pid_t) -> libc::c_int {
        let deadline = std::time::Instant::now() + Duration::from_secs(20);
        let mut status = 0;
        // SAFETY: waitpid(2) writes the status of a child of this process.
        while unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) } == 0 {
            if std::time::Instant::now() > deadline {
                // SAFETY: the child is not reaped yet, so it is still this process.
                unsafe { libc::kill(child, libc::SIGKILL) };
                panic!("the child hangs");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        status
    }

    #[test]
    fn a_signal_handler_that_ends_the_process_waits_for_no_mutex_and_no_borrow() {
        let world = World::new();
        let path = world.write("token.json", "token");
        let touch = || {
            let recalled = |memory: Memory<'_>| {
                memory.recall(&c_string(&path), TOKEN, Duration::ZERO, |_| false, NOW).is_none()
            };
            assert!(with(recalled));
        };
        let process_state = || {
            touch();
            let process_state = process::process_state();
            // SAFETY: raise(3) touches no memory.
            unsafe { libc::raise(libc::SIGTERM) };
            drop(process_state);
        };
        assert_eq!(in_child(process_state), 0, "with what is under way in hand");
        let changing = || {
            touch();
            THREAD.with(|thread| {
                let _changing = thread.borrow_mut();
                // SAFETY: as above.
                unsafe { libc::raise(libc::SIGTERM) };
            });
        };
        assert_eq!(in_child(changing), 0, "while the memory of the thread changes");
    }

    #[test]
    fn a_thread_remembers_no_more_than_the_process() {
        let world = World::new();
        for number in 0..40 {
            world.remember(&world.write(&format!("{number}.json"), "token"), 16, NOW);
        }
        assert!(world.thread.borrow().len() <= 16);
    }
}
