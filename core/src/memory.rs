//! The token files that a thread remembers, and when a remembered token is still the file's.
//!
//! Each call compares the file's stat data, unless it trusts the memory for a while. For files that are asked for often
//! these come from a descriptor, for which the kernel walks no path; the path itself is looked at from time to time. A
//! thread shares nothing with others but the time at which all of them must forget.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ffi::{CStr, OsStr, OsString};
use std::mem::{self, ManuallyDrop};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use foldhash::fast::RandomState;

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::record::TokenOwner;
use crate::token::Token;
use crate::token_file::{self, FileSpec, FileVersion, PathHandle, Snapshot};

/// With more, a thread begins anew.
const MAX_FILES: usize = 16 * 1024;

/// The largest number of descriptors that a process keeps for its memory.
const MAX_HANDLES: usize = 16;

/// A file is asked for often if no more calls lie between two that ask for it, so many times in a row: a descriptor costs
/// as much as a few looks at the path.
const OFTEN: (u64, u32) = (64, 8);

static HANDLES: AtomicUsize = AtomicUsize::new(0);

/// When a rejected token was last replaced, by the monotonic clock, in nanoseconds. What was read before is void.
static VOIDED: AtomicU64 = AtomicU64::new(0);

thread_local! {
    /// Without a destructor: exit(3) in a signal handler would run it on the interrupted thread, perhaps in the
    /// middle of a change.
    static THREAD: ManuallyDrop<RefCell<Memory>> = ManuallyDrop::default();
}

/// What a call asks the memory.
#[derive(Clone, Copy)]
pub struct Query<'a> {
    /// The path that the caller names.
    pub path: &'a CStr,
    pub spec: FileSpec,
    /// For how long after a look at the file it is not looked at again.
    pub trust: Duration,
    /// For how long after a look at the path a descriptor may stand for it.
    pub path_ttl: Duration,
}

/// The token of the file, if it is remembered and `is_fresh`, not for an owner that `is_anothers` rejects, and the file has
/// not changed since.
pub(crate) fn recall(
    query: Query<'_>,
    is_anothers: impl Fn(&TokenOwner) -> bool,
    is_fresh: impl FnOnce(&Token) -> bool,
    now: Timestamp,
) -> Option<Rc<str>> {
    THREAD.with(|memory| {
        let voided = VOIDED.load(Ordering::Relaxed);
        memory.borrow().recall(query, is_anothers, is_fresh, now, voided)
    })
}

/// Remembers the token that was read from the file at `path`, if any later change would give the file another version: the
/// clock of its file system has moved on since this version was first read. The clock of this process may differ, and does
/// not show that.
/// From `confirm_at` on, it is not enough that the file is unchanged.
pub(crate) fn remember(
    path: &Path,
    spec: FileSpec,
    snapshot: &Snapshot,
    now: Timestamp,
    confirm_at: Timestamp,
) {
    let voided = VOIDED.load(Ordering::Relaxed);
    THREAD.with(|memory| {
        memory.borrow_mut().remember(path, spec, snapshot, now, confirm_at, voided);
    });
}

/// Makes every thread forget what it has read until now: a rejected token may be in it.
pub(crate) fn void() {
    VOIDED.fetch_max(nanos(SystemClock.monotonic()), Ordering::Relaxed);
}

/// Frees the memory of this thread, which ends. If a signal handler has interrupted a change of it, it stays.
pub fn forget_thread() {
    THREAD.with(|memory| memory.try_borrow_mut().map(|mut memory| mem::take(&mut *memory)).ok());
}

/// Closes the descriptors of this thread: while it waits for a request, no mount is kept busy.
pub fn end_of_request() {
    THREAD.with(|memory| memory.borrow().close_all());
}

#[derive(Default)]
struct Memory {
    files: HashMap<OsString, Rc<Remembered>, RandomState>,
    /// Those with a descriptor.
    open: RefCell<Vec<Rc<Remembered>>>,
    /// Grows with each call, and by much between two requests.
    calls: Cell<u64>,
    /// Of which voiding these files know.
    voided: u64,
}

struct Remembered {
    /// `None` while a later state of the file could have the same version. The text once more, for this thread alone: to
    /// share it costs no atomic operation.
    token: Option<(Rc<str>, Token)>,
    /// Apart, so that what each call looks at lies close together: with thousands of files, nothing is in the cache.
    owner: Option<Box<TokenOwner>>,
    spec: FileSpec,
    version: FileVersion,
    /// When this version of the file was first read, by the monotonic clock.
    first_read_at: Duration,
    confirm_at: Timestamp,
    looked_at: Cell<Timestamp>,
    path_looked_at: Cell<Timestamp>,
    /// The number of the last call that asked for it, and how many did so often.
    asked: Cell<u64>,
    often: Cell<u32>,
    handle: RefCell<Option<PathHandle>>,
}

impl Memory {
    fn recall(
        &self,
        query: Query<'_>,
        is_anothers: impl Fn(&TokenOwner) -> bool,
        is_fresh: impl FnOnce(&Token) -> bool,
        now: Timestamp,
        voided: u64,
    ) -> Option<Rc<str>> {
        let file = self.files.get(OsStr::from_bytes(query.path.to_bytes()))?;
        let (value, token) = file.token.as_ref()?;
        if voided != self.voided
            || now >= file.confirm_at
            || !is_fresh(token)
            || file.spec != query.spec
            || file.owner.as_deref().is_some_and(is_anothers)
        {
            return None;
        }
        let is_trusted = file.looked_at.get().is_within(query.trust, now);
        if !is_trusted && !self.is_true(file, query, now) {
            return None;
        }
        let calls = self.calls.get() + 1;
        self.calls.set(calls);
        file.asked.set(calls);
        Some(Rc::clone(value))
    }

    /// Whether the file is unchanged. Writes to `file` only what will be asked of it: with thousands of files, each write
    /// goes to memory.
    fn is_true(&self, file: &Rc<Remembered>, query: Query<'_>, now: Timestamp) -> bool {
        let is_true = self.handle_shows(file, query, now) || self.path_shows(file, query, now);
        if is_true && !query.trust.is_zero() {
            file.looked_at.set(now);
        }
        is_true
    }

    fn handle_shows(&self, file: &Rc<Remembered>, query: Query<'_>, now: Timestamp) -> bool {
        let shows = file.handle.borrow().as_ref().and_then(|handle| {
            let may_stand = file.path_looked_at.get().is_within(query.path_ttl, now);
            may_stand.then(|| handle.shows(&file.version))
        });
        if shows == Some(false) {
            self.close(file);
        }
        shows == Some(true)
    }

    fn path_shows(&self, file: &Rc<Remembered>, query: Query<'_>, now: Timestamp) -> bool {
        let shows = token_file::stat_regular(query.path) == Some(file.version);
        if !shows || query.path_ttl.is_zero() {
            self.close(file);
            return shows;
        }
        if file.handle.borrow().is_none() {
            self.consider(file, query.path);
        }
        if file.handle.borrow().is_some() {
            file.path_looked_at.set(now);
        }
        true
    }

    /// Opens a descriptor of `file` if it is asked for often enough.
    fn consider(&self, file: &Rc<Remembered>, path: &CStr) {
        let is_often = self.calls.get() - file.asked.get() <= OFTEN.0;
        let often = if is_often { file.often.get() + 1 } else { 0 };
        if often != file.often.get() {
            file.often.set(often);
        }
        if often < OFTEN.1 {
            return;
        }
        file.often.set(0);
        if HANDLES.fetch_add(1, Ordering::Relaxed) >= MAX_HANDLES {
            HANDLES.fetch_sub(1, Ordering::Relaxed);
            let oldest =
                self.open.borrow().iter().min_by_key(|file| file.asked.get()).map(Rc::clone);
            let Some(oldest) = oldest else { return };
            self.close(&oldest);
            HANDLES.fetch_add(1, Ordering::Relaxed);
        }
        match PathHandle::open(path, &file.version) {
            Some(handle) => {
                file.handle.replace(Some(handle));
                self.open.borrow_mut().push(Rc::clone(file));
            }
            None => drop(HANDLES.fetch_sub(1, Ordering::Relaxed)),
        }
    }

    fn close(&self, file: &Rc<Remembered>) {
        if file.handle.take().is_some() {
            HANDLES.fetch_sub(1, Ordering::Relaxed);
            self.open.borrow_mut().retain(|open| !Rc::ptr_eq(open, file));
        }
    }

    fn close_all(&self) {
        self.calls.set(self.calls.get() + 2 * OFTEN.0);
        for file in self.open.take() {
            self.close(&file);
        }
    }

    fn remember(
        &mut self,
        path: &Path,
        spec: FileSpec,
        snapshot: &Snapshot,
        now: Timestamp,
        confirm_at: Timestamp,
        voided: u64,
    ) {
        let (Some(version), Some(token)) = (snapshot.version, snapshot.document.token()) else {
            return;
        };
        if voided != self.voided || self.files.len() >= MAX_FILES {
            self.close_all();
            self.files.clear();
            self.voided = voided;
        }
        if nanos(snapshot.began) <= voided {
            return;
        }
        let path = path.as_os_str();
        let known = self.files.get(path).filter(|known| known.version == version);
        let first_read_at = known.map_or(snapshot.ended, |known| known.first_read_at);
        let is_distinct = snapshot.began >= first_read_at + version.tick();
        let remembered = Rc::new(Remembered {
            token: is_distinct.then(|| (Rc::from(&*token.value), token.clone())),
            owner: snapshot.document.record().and_then(|record| record.owner).map(Box::new),
            spec,
            version,
            first_read_at,
            confirm_at,
            looked_at: Cell::new(now),
            path_looked_at: Cell::new(now),
            asked: self.calls.clone(),
            often: Cell::new(0),
            handle: RefCell::default(),
        });
        if let Some(before) = self.files.insert(path.to_owned(), remembered) {
            self.close(&before);
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.close_all();
    }
}

/// Whether `moment` is less than `span` ago. A clock that was set back does not prolong that.
fn nanos(since: Duration) -> u64 {
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
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
        memory: RefCell<Memory>,
    }

    impl World {
        fn new() -> Self {
            Self { dir: tempfile::tempdir().unwrap(), memory: RefCell::default() }
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
        fn remember(&self, path: &Path, now: Timestamp) {
            let deadline = std::time::Instant::now() + Duration::from_secs(20);
            loop {
                let snapshot = token_file::read(path, TOKEN).unwrap();
                self.memory.borrow_mut().remember(path, TOKEN, &snapshot, now, Timestamp::MAX, 0);
                let memory = self.memory.borrow();
                if memory.files.get(path.as_os_str()).is_some_and(|file| file.token.is_some()) {
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
            self.ask(path, Duration::from_secs(seconds), Duration::ZERO, now)
        }

        /// The same, where a descriptor may stand for the path for a second.
        fn ask_by_handle(&self, path: &Path, now: Timestamp) -> Option<String> {
            self.ask(path, Duration::ZERO, Duration::from_secs(1), now)
        }

        fn ask(
            &self,
            path: &Path,
            trust: Duration,
            path_ttl: Duration,
            now: Timestamp,
        ) -> Option<String> {
            let query = Query { path: &c_string(path), spec: TOKEN, trust, path_ttl };
            let token = self.memory.borrow().recall(query, |_| false, |_| true, now, 0);
            token.as_deref().map(str::to_owned)
        }

        /// Asks until a descriptor stands for the file.
        fn ask_often(&self, path: &Path) {
            for _ in 0..=OFTEN.1 {
                assert!(self.ask_by_handle(path, NOW).is_some());
            }
        }

        fn has_handle(&self, path: &Path) -> bool {
            let memory = self.memory.borrow();
            let is_open =
                memory.files.get(path.as_os_str()).map(|file| file.handle.borrow().is_some());
            is_open.unwrap_or_default()
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
            world.remember(&path, NOW);
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
        world.remember(&path, NOW);
        assert_eq!(world.recall(&path).as_deref(), Some("a"));
        fs::remove_file(world.path("link")).unwrap();
        symlink("b", world.path("link")).unwrap();
        assert_eq!(world.recall(&path), None);

        let path = world.path("a/token.json");
        world.remember(&path, NOW);
        assert_eq!(world.recall(&path).as_deref(), Some("a"));
        fs::rename(world.path("a"), world.path("c")).unwrap();
        fs::rename(world.path("b"), world.path("a")).unwrap();
        assert_eq!(world.recall(&path), None);
    }

    #[test]
    fn trust_lasts_as_long_as_was_said_and_not_into_the_past() {
        let world = World::new();
        let path = world.write("token.json", "old");
        world.remember(&path, NOW);
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
        world.remember(&path, NOW);
        assert!(world.trust(&path, 2, NOW + Duration::from_secs(5)).is_some());
        fs::remove_file(&path).unwrap();
        assert!(world.trust(&path, 2, NOW + Duration::from_secs(6)).is_some());
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
    fn what_is_read_is_remembered_once_the_file_was_met_like_this_a_tick_before() {
        let world = World::new();
        let path = world.write("token.json", "old");
        let read = || token_file::read(&path, TOKEN).unwrap();
        let remember = |snapshot: &Snapshot| {
            world.memory.borrow_mut().remember(&path, TOKEN, snapshot, NOW, Timestamp::MAX, 0);
            world.recall(&path).is_some()
        };
        let tick = read().version.unwrap().tick();
        for token in ["old", "new"] {
            world.write("token.json", token);
            let first = read();
            assert!(!remember(&first), "it may have been changed in this tick");
            let after = |pause| Snapshot { began: first.ended + pause, ..read() };
            assert!(!remember(&after(tick - Duration::from_millis(1))));
            assert!(remember(&after(tick)));
        }
    }

    #[test]
    fn what_a_file_keeps_is_remembered_for_those_who_expect_it_alone() {
        let world = World::new();
        let path = world.write("token.json", "token");
        world.remember(&path, NOW);
        let name = c_string(&path);
        let (trust, path_ttl) = (Duration::ZERO, Duration::ZERO);
        for spec in [
            FileSpec { kind: CredentialKind::JsapiTicket, ..TOKEN },
            FileSpec { layout: Some(Layout::Plain), ..TOKEN },
        ] {
            let query = Query { path: &name, spec, trust, path_ttl };
            assert!(world.memory.borrow().recall(query, |_| false, |_| true, NOW, 0).is_none());
        }
    }

    #[test]
    fn a_full_memory_begins_anew() {
        let world = World::new();
        let path = world.write("token.json", "token");
        let snapshot = token_file::read(&path, TOKEN).unwrap();
        let mut memory = world.memory.borrow_mut();
        for number in 0..=MAX_FILES {
            memory.remember(
                &world.path(&number.to_string()),
                TOKEN,
                &snapshot,
                NOW,
                Timestamp::MAX,
                0,
            );
        }
        assert_eq!(memory.files.len(), 1);
    }

    #[test]
    fn a_voiding_ends_what_was_read_before_it_and_nothing_that_is_read_later() {
        let world = World::new();
        let path = world.write("token.json", "token");
        world.remember(&path, NOW);
        let before = token_file::read(&path, TOKEN).unwrap();
        let voided = nanos(SystemClock.monotonic());
        let (name, trust) = (c_string(&path), Duration::from_secs(60));
        let query = Query { path: &name, spec: TOKEN, trust, path_ttl: Duration::ZERO };
        let recall =
            || world.memory.borrow().recall(query, |_| false, |_| true, NOW, voided).is_some();
        assert!(!recall(), "however much it is trusted");
        let remember = |snapshot: &Snapshot| {
            world.memory.borrow_mut().remember(&path, TOKEN, snapshot, NOW, Timestamp::MAX, voided);
        };
        let tick = before.version.unwrap().tick();
        remember(&before);
        remember(&Snapshot { began: before.began, ended: before.ended, ..before.clone() });
        assert!(!recall(), "it was read before");
        let first = token_file::read(&path, TOKEN).unwrap();
        remember(&first);
        remember(&Snapshot { began: first.ended + tick, ..first });
        assert!(recall());
    }

    #[test]
    fn a_file_that_is_asked_for_often_is_looked_at_through_a_descriptor() {
        let world = World::new();
        let path = world.write("token.json", "old");
        world.remember(&path, NOW);
        assert!(world.ask_by_handle(&path, NOW).is_some());
        assert!(!world.has_handle(&path), "once is not often");
        world.ask_often(&path);
        assert!(world.has_handle(&path));
        fs::write(&path, r#"{"access_token":"new","expire":1700007200}"#).unwrap();
        assert_eq!(world.ask_by_handle(&path, NOW), None, "a change is seen");
        assert!(!world.has_handle(&path));

        world.remember(&path, NOW);
        world.ask_often(&path);
        assert!(world.recall(&path).is_some());
        assert!(!world.has_handle(&path), "none is wanted where each call looks at the path");
        world.ask_often(&path);
        world.memory.borrow().close_all();
        assert!(!world.has_handle(&path), "the request is over");
        assert!(world.ask_by_handle(&path, NOW).is_some());
        assert!(!world.has_handle(&path), "and the next one asks for the first time");
    }

    #[test]
    fn a_path_that_leads_elsewhere_is_seen_when_its_time_is_over() {
        let world = World::new();
        for name in ["a", "b"] {
            fs::create_dir(world.path(name)).unwrap();
            world.write(&format!("{name}/token.json"), name);
        }
        symlink("a", world.path("link")).unwrap();
        let path = world.path("link/token.json");
        world.remember(&path, NOW);
        world.ask_often(&path);
        fs::remove_file(world.path("link")).unwrap();
        symlink("b", world.path("link")).unwrap();
        let at = |millis| Timestamp::from_millis(NOW.millis() + millis);
        assert_eq!(world.ask_by_handle(&path, at(999)).as_deref(), Some("a"));
        assert_eq!(world.ask_by_handle(&path, at(1000)), None);
        assert_eq!(world.ask_by_handle(&path, at(-1)), None, "the clock was set back");
    }

    #[test]
    fn no_more_than_a_few_descriptors_are_kept_and_those_asked_for_last() {
        let world = World::new();
        let paths: Vec<_> = (0..MAX_HANDLES + 4)
            .map(|number| world.write(&format!("{number}.json"), "token"))
            .collect();
        for path in &paths {
            world.remember(path, NOW);
        }
        for path in &paths {
            world.ask_often(path);
        }
        // Other tests may have some.
        assert!(world.memory.borrow().open.borrow().len() <= MAX_HANDLES);
        assert!(world.has_handle(&paths[MAX_HANDLES + 3]));
        assert!(!world.has_handle(&paths[0]));
    }

    #[test]
    fn files_in_turn_that_are_too_many_get_no_descriptor() {
        let world = World::new();
        let count = usize::try_from(OFTEN.0).unwrap() + 2;
        let paths: Vec<_> =
            (0..count).map(|number| world.write(&format!("{number}.json"), "token")).collect();
        for path in &paths {
            world.remember(path, NOW);
        }
        for path in paths.iter().cycle().take(count * 20) {
            assert!(world.ask_by_handle(path, NOW).is_some());
        }
        assert!(paths.iter().all(|path| !world.has_handle(path)));
    }

    #[test]
    fn a_thread_frees_its_memory_when_it_is_told_and_never_by_itself() {
        let left_after = |end: fn()| {
            let world = World::new();
            let path = world.write("token.json", "token");
            let snapshot = token_file::read(&path, TOKEN).unwrap();
            let thread = std::thread::spawn(move || {
                remember(&path, TOKEN, &snapshot, NOW, Timestamp::MAX);
                let file = THREAD.with(|memory| {
                    memory.borrow().files.values().next().map(Rc::downgrade).unwrap()
                });
                end();
                file.strong_count()
            });
            thread.join().unwrap()
        };
        assert_eq!(left_after(forget_thread), 0);
        let in_the_middle = || {
            THREAD.with(|memory| {
                let _changing = memory.borrow_mut();
                forget_thread();
            });
        };
        assert_eq!(left_after(in_the_middle), 1);
    }

    #[test]
    fn a_signal_handler_that_ends_the_process_waits_for_no_mutex_and_no_borrow() {
        let process_state = || {
            let process_state = process::process_state();
            // SAFETY: raise(3) touches no memory.
            unsafe { libc::raise(libc::SIGTERM) };
            drop(process_state);
        };
        assert_eq!(in_child(process_state), 0, "with what is under way in hand");
        let changing = || {
            THREAD.with(|memory| {
                let _changing = memory.borrow_mut();
                // SAFETY: as above.
                unsafe { libc::raise(libc::SIGTERM) };
            });
        };
        assert_eq!(in_child(changing), 0, "while the memory of the thread changes");
    }
}
