//! Every branch of the decision, with clock and source passed in.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::thread;
use std::time::UNIX_EPOCH;

use tempfile::TempDir;

use super::under_lock::TokenRequest;
use super::*;
use crate::caller::tests::caller;
use crate::clock::{Clock, ClockOffset, Timestamp};
use crate::failure::{Cause, Failure, FailureRecord, Requester, RetryPolicy};
use crate::fingerprint::Fingerprint;
use crate::record::Record;
use crate::token_file::lock::{Attempt, TokenLock};
use crate::token_file::replace::{PendingWrite, WriteMode};
use crate::token_file::{
    self, Content, CredentialKind, Deadlock, Document, FileSpec, Origin, siblings,
};
use crate::token_source::{FetchError, IssuedToken, TokenSource, Wanted};
use crate::worker;

const NOW: i64 = 1_600_000_000;
const TOKEN: FileSpec = FileSpec { kind: CredentialKind::AccessToken, layout: None };

fn empty() -> Document {
    let origin = Origin {
        name: "token.json".into(),
        written: Timestamp::from_secs(0),
        attributes: Vec::new(),
    };
    Document::empty(TOKEN, origin)
}

/// A file with nothing but the record of a failure.
fn with_failure(failure: &FailureRecord) -> Content {
    empty().with_failure(failure).unwrap()
}

fn holding(token: &Token, now: Timestamp) -> Content {
    empty().with_token(token, &Record::new(token, None, now), None, now)
}

/// The time that passes, and by how much the wall clock and that of the file system were set since: seconds.
struct FakeClock {
    passed: AtomicI64,
    set: AtomicI64,
    file_system_set: AtomicI64,
}

impl FakeClock {
    const fn new() -> Self {
        let [passed, set, file_system_set] = [const { AtomicI64::new(0) }; 3];
        Self { passed, set, file_system_set }
    }

    /// What a clock shows that was `set` by so much.
    fn of(&self, set: &AtomicI64) -> Timestamp {
        let passed = self.passed.load(Ordering::SeqCst);
        Timestamp::from_secs(NOW + passed + set.load(Ordering::SeqCst))
    }
}

impl Clock for FakeClock {
    fn now(&self) -> Timestamp {
        self.of(&self.set)
    }

    fn monotonic(&self) -> Duration {
        Duration::from_secs(self.passed.load(Ordering::SeqCst).try_into().unwrap())
    }

    /// The stamp is of a real file system.
    fn offset_to(&self, _stamp: Timestamp) -> ClockOffset {
        ClockOffset::between(self.now(), self.of(&self.file_system_set))
    }
}

/// Gives what it is told to, and counts how often it was asked.
struct FakeSource {
    answer: Mutex<Result<(&'static str, u64), Failure>>,
    asked: AtomicUsize,
    rejected: Mutex<Option<String>>,
    is_classic: AtomicBool,
    meanwhile: Box<dyn Fn() + Send + Sync>,
}

fn requester(account: &str) -> Requester {
    Requester {
        account: Fingerprint::from_hex(account),
        route: Fingerprint::from_hex("direct"),
        owner: None,
        endpoint: "stable",
        ticket: None,
        describe: Cause::to_string,
    }
}

impl TokenSource for FakeSource {
    fn fetch(&self, wanted: &Wanted) -> Result<IssuedToken, FetchError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        *self.rejected.lock().unwrap() = wanted.rejected().map(str::to_owned);
        (self.meanwhile)();
        let (token, life) = self.answer.lock().unwrap().clone()?;
        Ok(IssuedToken::new(token.into(), Duration::from_secs(life)).unwrap())
    }

    fn requester(&self) -> Requester {
        requester("account")
    }

    fn time_limit(&self) -> Duration {
        Duration::from_secs(5)
    }

    fn overlap(&self) -> Option<Duration> {
        self.is_classic.load(Ordering::SeqCst).then_some(Duration::from_secs(240))
    }
}

struct World {
    dir: TempDir,
    clock: Arc<FakeClock>,
    source: Arc<FakeSource>,
}

impl World {
    fn new(answer: Result<&'static str, Failure>) -> Self {
        Self::with(answer, |_| {})
    }

    /// `meanwhile` happens to the token file during each fetch.
    fn with(
        answer: Result<&'static str, Failure>,
        meanwhile: impl Fn(&Path) + Send + Sync + 'static,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("token.json");
        let meanwhile = Box::new(move || meanwhile(&file));
        let source = FakeSource {
            answer: Mutex::new(answer.map(|token| (token, 7200))),
            asked: AtomicUsize::new(0),
            rejected: Mutex::new(None),
            is_classic: AtomicBool::new(false),
            meanwhile,
        };
        let clock = Arc::new(FakeClock::new());
        Self { dir, clock, source: Arc::new(source) }
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("token.json")
    }

    fn call(&self) -> Call {
        Call {
            file: self.file(),
            spec: TOKEN,
            refresh_ahead: Duration::from_secs(300),
            background: false,
            lock_timeout: Duration::from_secs(5),
            file_mode: 0o600,
            write_mode: WriteMode::Replace,
            clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
            caller: caller(),
            owner: None,
            confirmation: None,
            log: None,
        }
    }

    fn with_source<T>(&self, work: impl FnOnce(&LazySource<'_>) -> T) -> T {
        let open = || -> Result<Remote, Error> { Ok(Arc::clone(&self.source) as Remote) };
        work(&LazySource::Remote(&open))
    }

    fn get_by(&self, call: &Call) -> Result<Token, Error> {
        self.with_source(|source| get(call, source))
    }

    fn get_within(&self, lock_timeout: Duration) -> Result<Token, Error> {
        self.get_by(&Call { lock_timeout, ..self.call() })
    }

    fn get(&self) -> Result<Token, Error> {
        self.get_by(&self.call())
    }

    fn replace(&self, rejected: &str) -> Result<Token, Error> {
        self.with_source(|source| refresh_rejected(&self.call(), source, rejected))
    }

    fn answer(&self, answer: Result<&'static str, Failure>) {
        *self.source.answer.lock().unwrap() = answer.map(|token| (token, 7200));
    }

    fn pass(&self, seconds: i64) {
        self.clock.passed.fetch_add(seconds, Ordering::SeqCst);
    }

    fn asked(&self) -> usize {
        self.source.asked.load(Ordering::SeqCst)
    }

    fn lock(&self) -> TokenLock {
        match TokenLock::attempt(&self.file(), 0o600, &caller()).unwrap() {
            Attempt::Held(lock) => lock,
            other => panic!("not locked: {other:?}"),
        }
    }
}

fn down() -> Failure {
    Failure::network("down")
}

/// Until the next minute, which begins in 20 s.
fn busy() -> Failure {
    Failure { retry_policy: RetryPolicy::NextMinute, ..down() }
}

#[test]
fn a_token_is_fetched_once_and_served_until_the_second_of_its_expiry() {
    let world = World::new(Ok("first"));
    let token = world.get().unwrap();
    assert_eq!((&*token.value, token.expiry), ("first", Timestamp::from_secs(NOW + 7200)));
    let call = Call { refresh_ahead: Duration::ZERO, ..world.call() };
    world.pass(7199);
    assert_eq!(world.get_by(&call).unwrap(), token);
    assert_eq!(world.asked(), 1);
    world.answer(Ok("second"));
    world.pass(1);
    assert_eq!(&*world.get_by(&call).unwrap().value, "second");
    assert_eq!(world.asked(), 2);
}

#[test]
fn the_time_that_a_fetch_takes_is_not_added_to_the_life_of_its_token() {
    let clock = Arc::new(FakeClock::new());
    let passing = Arc::clone(&clock);
    let mut world = World::with(Ok("token"), move |_| {
        passing.passed.fetch_add(5, Ordering::SeqCst);
    });
    world.clock = clock;
    assert_eq!(world.get().unwrap().expiry, Timestamp::from_secs(NOW + 7200));
}

#[test]
fn a_clock_that_is_set_during_a_fetch_lengthens_no_life() {
    for set in [-3600, 3600] {
        let clock = Arc::new(FakeClock::new());
        let setting = Arc::clone(&clock);
        let mut world = World::with(Ok("token"), move |_| {
            setting.passed.fetch_add(5, Ordering::SeqCst);
            setting.set.fetch_add(set, Ordering::SeqCst);
        });
        world.clock = clock;
        assert_eq!(world.get().unwrap().expiry, Timestamp::from_secs(NOW + set + 7200));
    }
}

#[test]
fn those_whose_clocks_differ_share_a_failure_by_the_clock_of_the_file_system() {
    for write_mode in [WriteMode::Replace, WriteMode::InPlace] {
        let world = World::new(Err(busy()));
        let set_to = |set| world.clock.set.store(set, Ordering::SeqCst);
        let get = || world.get_by(&Call { write_mode, ..world.call() });
        for set in [3600, -3600, 0, 86400, -10] {
            set_to(set);
            let Err(Error::FetchFailed { retry_at, wait, .. }) = get() else { panic!("{set}") };
            assert_eq!(
                retry_at,
                Timestamp::from_secs(NOW + 20 + set),
                "by the clock of the caller"
            );
            assert_eq!(wait, Duration::from_secs(20));
        }
        assert_eq!(world.asked(), 1);
        world.pass(20);
        set_to(3600);
        world.answer(Ok("token"));
        assert_eq!(&*get().unwrap().value, "token");
    }
}

#[test]
fn whoever_shares_a_failure_is_told_by_their_own_clock_when_it_may_be_tried_again() {
    let world = World::new(Ok("token"));
    let record = FailureRecord::new(busy(), &world.source.requester(), None, world.clock.now());
    fs::write(world.file(), with_failure(&record).bytes).unwrap();
    for set in [3600, 0, -3600] {
        world.clock.set.store(set, Ordering::SeqCst);
        let found = world.call().look_up().unwrap();
        let request = TokenRequest {
            rejected: None,
            old_failure: None,
            displaced: None,
            began: Duration::ZERO,
        };
        let shared = request.answered_by(&found, &world.call(), &world.source.requester());
        let Err(Error::FetchFailed { retry_at, .. }) = shared else { panic!("{set}") };
        assert_eq!(retry_at, Timestamp::from_secs(NOW + 20 + set));
    }
}

#[test]
fn a_due_token_is_not_renewed_by_those_whose_clocks_differ_while_a_failure_forbids_it() {
    let world = World::new(Ok("old"));
    world.get().unwrap();
    world.pass(7000);
    world.answer(Err(Failure {
        retry_policy: RetryPolicy::After(Duration::from_secs(150)),
        ..down()
    }));
    for set in [0, 160, -1000, 0] {
        world.clock.set.store(set, Ordering::SeqCst);
        let call = Call { refresh_ahead: Duration::from_secs(1300), ..world.call() };
        assert_eq!(&*world.get_by(&call).unwrap().value, "old", "{set}");
    }
    assert_eq!(world.asked(), 2);
}

#[test]
fn a_failure_from_the_future_of_the_file_system_forbids_nothing() {
    let world = World::new(Err(busy()));
    assert!(world.get().is_err());
    for clock in [&world.clock.set, &world.clock.file_system_set] {
        clock.store(-3600, Ordering::SeqCst);
    }
    world.answer(Ok("token"));
    assert_eq!(&*world.get().unwrap().value, "token");
}

#[test]
fn a_hold_off_time_that_no_refresh_could_have_set_is_ignored() {
    let world = World::new(Ok("new"));
    let write = |seconds: i64| {
        let not_before = (NOW + seconds) * 1000;
        let expiry = NOW + 500;
        let content = format!(
            r#"{{"access_token":"old","expire":{expiry},"wx_token":{{"refresh_not_before_ms":{not_before}}}}}"#
        );
        fs::write(world.file(), content).unwrap();
    };
    let call = Call { refresh_ahead: Duration::from_secs(600), ..world.call() };
    write(200);
    assert_eq!(&*world.get_by(&call).unwrap().value, "old");
    assert_eq!(world.asked(), 0);
    write(3600);
    assert_eq!(&*world.get_by(&call).unwrap().value, "new");
}

#[test]
fn a_failure_is_repeated_to_others_until_retry_at_and_then_forgotten() {
    let world = World::new(Err(down()));
    for _ in 0..3 {
        assert!(matches!(world.get(), Err(Error::FetchFailed { .. })));
    }
    assert_eq!(world.asked(), 1);
    world.pass(1);
    assert!(world.get().is_err());
    assert_eq!(world.asked(), 2);
    world.pass(1);
    assert!(world.get().is_err(), "the second pause is twice as long");
    assert_eq!(world.asked(), 2);
    world.pass(1);
    world.answer(Ok("back"));
    assert_eq!(&*world.get().unwrap().value, "back");
    assert!(!fs::read_to_string(world.file()).unwrap().contains("wx_token"));
}

#[test]
fn the_refusal_of_another_account_is_not_ours() {
    let world = World::new(Ok("token"));
    let retry_policy = RetryPolicy::AccountRefused(Duration::from_secs(60));
    let cause = Cause::Api { errcode: 40125, errmsg: String::new() };
    let failure = Failure { cause, retry_policy };
    let other = requester("another");
    let record = FailureRecord::new(failure, &other, None, world.clock.now());
    fs::write(world.file(), with_failure(&record).bytes).unwrap();
    assert_eq!(&*world.get().unwrap().value, "token");
}

#[test]
fn a_network_failure_by_another_way_is_not_ours() {
    let world = World::new(Ok("token"));
    let other =
        Requester { route: Fingerprint::from_hex("dead proxy"), ..world.source.requester() };
    let record = FailureRecord::new(down(), &other, None, world.clock.now());
    fs::write(world.file(), with_failure(&record).bytes).unwrap();
    assert_eq!(&*world.get().unwrap().value, "token");
}

#[test]
fn a_wait_ends_with_the_holder_of_the_lock() {
    let world = World::new(Ok("token"));
    let lock = world.lock();
    lock.hand_to_worker();
    let error = world.get_within(Duration::from_millis(20)).unwrap_err();
    let own = std::process::id();
    assert!(matches!(error, Error::Lock { holder: Some(holder), .. } if holder.pid == own));
    assert_eq!(world.asked(), 0);
    drop(lock);
    assert_eq!(&*world.get_within(Duration::ZERO).unwrap().value, "token");
}

#[test]
fn a_waiter_takes_the_token_or_the_failure_that_the_holder_leaves() {
    for leaves_failure in [false, true] {
        let world = World::new(Ok("never fetched"));
        let mut lock = world.lock();
        lock.hand_to_worker();
        let result = thread::scope(|scope| {
            let waiter = scope.spawn(|| world.get());
            let now = world.clock.now();
            let expiry = now + Duration::from_secs(600);
            let content = if leaves_failure {
                let requester = world.source.requester();
                with_failure(&FailureRecord::new(down(), &requester, None, now))
            } else {
                holding(&Token::foreign("theirs", expiry), now)
            };
            let staged =
                PendingWrite::stage(&lock, WriteMode::Replace, siblings::scan(lock.path()))
                    .unwrap();
            staged.fill(content).commit(&mut lock).unwrap();
            drop(lock);
            waiter.join().unwrap()
        });
        assert_eq!(world.asked(), 0);
        assert_eq!(
            result.map(|token| token.value).ok(),
            (!leaves_failure).then(|| "theirs".into())
        );
    }
}

#[test]
fn a_newer_token_that_was_put_there_during_the_fetch_stays() {
    let newer = format!(r#"{{"access_token":"newer","expire":{}}}"#, NOW + 900);
    let content = newer.clone();
    let world = World::with(Ok("older"), move |file| {
        let aside = file.with_extension("aside");
        fs::write(&aside, &content).unwrap();
        fs::rename(aside, file).unwrap();
    });
    assert_eq!(&*world.get().unwrap().value, "newer");
    assert_eq!(fs::read_to_string(world.file()).unwrap(), newer);
}

#[test]
fn a_newer_token_that_was_written_into_the_file_during_the_fetch_stays() {
    let newer = format!(r#"{{"access_token":"newer","expire":{}}}"#, NOW + 900);
    let content = newer.clone();
    let world = World::with(Ok("older"), move |file| fs::write(file, &content).unwrap());
    assert_eq!(&*world.get().unwrap().value, "newer");
    assert_eq!(fs::read_to_string(world.file()).unwrap(), newer);
}

#[test]
fn a_fetched_token_is_stored_when_the_file_was_removed_during_the_fetch() {
    let world = World::with(Ok("token"), |file| fs::remove_file(file).unwrap());
    assert_eq!(&*world.get().unwrap().value, "token");
    assert_eq!(world.asked(), 1);
    assert!(fs::read_to_string(world.file()).unwrap().contains("token"));
}

#[test]
fn a_failure_does_not_overwrite_a_newer_token_that_was_put_there_during_the_fetch() {
    let newer = format!(r#"{{"access_token":"newer","expire":{}}}"#, NOW + 900);
    for by_rename in [false, true] {
        let content = newer.clone();
        let world = World::with(Err(down()), move |file| {
            let aside = file.with_extension("aside");
            fs::write(if by_rename { &aside } else { file }, &content).unwrap();
            if by_rename {
                fs::rename(aside, file).unwrap();
            }
        });
        let result = world.get();
        assert_eq!(result.is_err(), by_rename, "what is in the locked file is given");
        assert_eq!(fs::read_to_string(world.file()).unwrap(), newer);
    }
}

/// A clock under whose eyes the file at a path is exchanged, so many times.
struct ExchangingClock {
    path: PathBuf,
    left: AtomicI64,
}

impl Clock for ExchangingClock {
    fn now(&self) -> Timestamp {
        if self.left.fetch_sub(1, Ordering::SeqCst) > 0 {
            let aside = self.path.with_extension("aside");
            fs::write(&aside, "").and_then(|()| fs::rename(&aside, &self.path)).unwrap();
        }
        Timestamp::from_secs(NOW)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn offset_to(&self, _stamp: Timestamp) -> ClockOffset {
        ClockOffset::default()
    }
}

#[test]
fn a_file_that_is_exchanged_again_and_again_keeps_nobody_beyond_the_time_for_the_lock() {
    let world = World::new(Ok("token"));
    let clock = Arc::new(ExchangingClock { path: world.file(), left: AtomicI64::new(3000) });
    let lock_timeout = Duration::from_millis(200);
    let call = Call { clock: Arc::clone(&clock) as Arc<dyn Clock>, lock_timeout, ..world.call() };
    assert_eq!(&*world.get_by(&call).unwrap().value, "token", "it has what was fetched for it");
    assert_eq!(world.asked(), 1);
    assert!(clock.left.load(Ordering::SeqCst) > 0, "it waited until the file was left alone");
}

#[test]
fn what_takes_the_place_of_the_file_during_the_fetch_costs_no_token() {
    type Exchange = fn(&Path) -> std::io::Result<()>;
    let exchanges: [Exchange; 3] = [
        |file| fs::write(file, "something else"),
        |file| fs::remove_file(file).and_then(|()| fs::create_dir(file)),
        |file: &Path| {
            fs::rename(file.parent().unwrap(), file.parent().unwrap().with_extension("gone"))
        },
    ];
    for exchange in exchanges {
        let world = World::with(Ok("token"), move |file| exchange(file).unwrap());
        assert_eq!(&*world.get().unwrap().value, "token");
        assert_eq!(world.asked(), 1);
        let _ = fs::rename(world.dir.path().with_extension("gone"), world.dir.path());
    }
}

#[test]
fn a_refresh_under_a_lock_that_is_held_does_not_wait_for_an_exchanged_file() {
    let world = World::with(Ok("token"), |file| fs::remove_file(file).unwrap());
    let held = held_locks::enter(&world.call()).unwrap();
    assert_eq!(&*world.get().unwrap().value, "token");
    drop(held);
    assert_eq!(world.asked(), 1);
}

#[test]
fn a_due_token_that_expires_during_its_failing_refresh_is_not_given() {
    let slow: Arc<OnceLock<Arc<FakeClock>>> = Arc::default();
    let clock = Arc::clone(&slow);
    let world = World::with(Ok("first"), move |_| {
        if let Some(clock) = clock.get() {
            clock.passed.fetch_add(400, Ordering::SeqCst);
        }
    });
    world.get().unwrap();
    world.pass(7200 - 298);
    world.answer(Err(down()));
    assert!(slow.set(Arc::clone(&world.clock)).is_ok());
    assert!(matches!(world.get(), Err(Error::FetchFailed { .. })));
}

#[test]
fn a_source_that_panics_fails_and_leaves_no_lock() {
    let world = World::with(Ok("token"), |_| panic!("on purpose"));
    assert!(matches!(world.get(), Err(Error::FetchFailed { .. })));
    drop(world.lock());
}

/// A world whose token is due.
fn due() -> World {
    let world = World::new(Ok("first"));
    world.get().unwrap();
    world.pass(7200 - 298);
    world.answer(Ok("second"));
    world
}

#[test]
fn a_token_that_is_only_just_due_is_left_for_two_seconds() {
    let world = due();
    world.pass(-1);
    assert_eq!(&*world.get().unwrap().value, "first");
    assert_eq!(world.asked(), 1);
    world.pass(1);
    assert_eq!(&*world.get().unwrap().value, "second");
}

#[test]
fn a_due_token_is_refreshed_by_one_caller() {
    let world = due();
    assert_eq!(&*world.get().unwrap().value, "second", "the caller that refreshes has the new one");
    assert_eq!(&*world.get().unwrap().value, "second");
    assert_eq!(world.asked(), 2);
}

#[test]
fn in_the_background_even_the_caller_that_refreshes_gets_the_current_token() {
    let world = due();
    let call = Call { background: true, ..world.call() };
    assert_eq!(&*world.get_by(&call).unwrap().value, "first");
    worker::finish_all(None);
    assert_eq!(&*world.get_by(&call).unwrap().value, "second");
    assert_eq!(world.asked(), 2);
}

#[test]
fn a_due_token_is_handed_out_while_another_holds_the_lock() {
    let world = due();
    let lock = world.lock();
    assert_eq!(&*world.get_within(Duration::ZERO).unwrap().value, "first");
    assert_eq!(world.asked(), 1);
    drop(lock);
}

#[test]
fn a_failed_due_refresh_leaves_the_token_and_is_not_repeated_before_retry_at() {
    let world = due();
    world.answer(Err(down()));
    for _ in 0..3 {
        assert_eq!(&*world.get().unwrap().value, "first");
    }
    assert_eq!(world.asked(), 2);
    world.pass(1);
    assert_eq!(&*world.get().unwrap().value, "first");
    assert_eq!(world.asked(), 3);
    world.pass(297);
    assert!(matches!(world.get(), Err(Error::FetchFailed { .. })), "its last second is over");
}

#[test]
fn the_same_token_with_a_shorter_lifetime_is_no_failure_and_no_loop() {
    let world = due();
    let call = Call { refresh_ahead: Duration::from_secs(600), ..world.call() };
    let ask_at = |seconds_left: i64| {
        world.clock.passed.store(7200 - seconds_left, Ordering::SeqCst);
        let life = u64::try_from(seconds_left).unwrap();
        *world.source.answer.lock().unwrap() = Ok(("first", life));
        world.get_by(&call).unwrap();
        world.asked() - 1
    };
    assert_eq!([599, 598, 400, 301].map(ask_at), [0, 1, 1, 1], "left until WeChat renews it");
    assert_eq!(ask_at(300), 2);
    assert_eq!([299, 151].map(ask_at), [2, 2], "and then for half of what is left");
    assert_eq!(ask_at(150), 3);
}

#[test]
fn an_unwritable_directory_does_not_disturb_a_valid_token() {
    let world = due();
    fs::remove_file(world.file()).unwrap();
    fs::create_dir(world.dir.path().join("real")).unwrap();
    let real = world.dir.path().join("real/token.json");
    let token = Token::own("first", Timestamp::from_secs(NOW + 7200));
    fs::write(&real, holding(&token, Timestamp::from_secs(NOW)).bytes).unwrap();
    std::os::unix::fs::symlink(&real, world.file()).unwrap();
    let open = || -> Result<Remote, Error> { Err(crate::error::ConfigError("none".into()).into()) };
    assert_eq!(&*get(&world.call(), &LazySource::Remote(&open)).unwrap().value, "first");
}

#[test]
fn a_rejected_token_is_replaced_once_and_late_callers_get_the_new_one() {
    let world = World::new(Ok("first"));
    world.get().unwrap();
    world.answer(Ok("second"));
    assert_eq!(&*world.replace("first").unwrap().value, "second");
    assert_eq!(world.source.rejected.lock().unwrap().as_deref(), Some("first"));
    assert_eq!(&*world.replace("first").unwrap().value, "second");
    assert_eq!(&*world.replace("something else").unwrap().value, "second");
    assert_eq!(world.asked(), 2);
}

#[test]
fn a_rejected_token_whose_replacement_fails_stays_and_is_not_asked_for_again() {
    let world = World::new(Ok("first"));
    world.get().unwrap();
    world.answer(Err(Failure {
        cause: Cause::StillRejected,
        retry_policy: RetryPolicy::NextMinute,
    }));
    for _ in 0..2 {
        let error = world.replace("first").unwrap_err();
        assert!(matches!(error, Error::FetchFailed { cause: Cause::StillRejected, .. }));
    }
    assert_eq!(world.asked(), 2);
    assert_eq!(&*world.get().unwrap().value, "first");
}

#[test]
fn a_waiter_with_other_credentials_does_not_share_the_refusal() {
    let world = World::new(Ok("token"));
    let mut lock = world.lock();
    lock.hand_to_worker();
    let result = thread::scope(|scope| {
        let waiter = scope.spawn(|| world.get());
        let retry_policy = RetryPolicy::AccountRefused(Duration::from_secs(60));
        let cause = Cause::Api { errcode: 40125, errmsg: String::new() };
        let other = requester("another");
        let record =
            FailureRecord::new(Failure { cause, retry_policy }, &other, None, world.clock.now());
        let content = with_failure(&record);
        let staged =
            PendingWrite::stage(&lock, WriteMode::Replace, siblings::scan(lock.path())).unwrap();
        staged.fill(content).commit(&mut lock).unwrap();
        drop(lock);
        waiter.join().unwrap()
    });
    assert_eq!(&*result.unwrap().value, "token");
    assert_eq!(world.asked(), 1);
}

#[test]
fn a_source_of_this_thread_is_asked_on_it_and_may_not_call_back() {
    let world = World::new(Ok("token"));
    struct Recursive<'a>(&'a World, Mutex<Option<Error>>, thread::ThreadId);
    impl TokenSource for Recursive<'_> {
        fn fetch(&self, wanted: &Wanted) -> Result<IssuedToken, FetchError> {
            assert_eq!(thread::current().id(), self.2);
            *self.1.lock().unwrap() = {
                let open = || Ok(Box::new(self) as Local<'_>);
                get(&self.0.call(), &LazySource::Local(&open)).err()
            };
            self.0.source.fetch(wanted)
        }
        fn requester(&self) -> Requester {
            requester("loader")
        }
        fn time_limit(&self) -> Duration {
            Duration::ZERO
        }
    }
    let source = Recursive(&world, Mutex::new(None), thread::current().id());
    let open = || Ok(Box::new(&source) as Local<'_>);
    assert_eq!(&*get(&world.call(), &LazySource::Local(&open)).unwrap().value, "token");
    let inner = source.1.lock().unwrap().take();
    assert!(matches!(inner, Some(Error::Deadlock { .. })), "{inner:?}");
}

#[test]
fn under_a_held_lock_calls_on_the_same_file_use_it_and_others_stay_out() {
    let world = World::new(Ok("token"));
    let held_locks = held_locks::enter(&world.call()).unwrap();
    let nested = held_locks::enter(&world.call()).unwrap();
    assert_eq!(&*world.get().unwrap().value, "token");
    drop(nested);
    assert!(matches!(TokenLock::attempt(&world.file(), 0o600, &caller()), Ok(Attempt::Busy(_))));
    world.answer(Ok("second"));
    assert_eq!(&*world.replace("token").unwrap().value, "second");
    assert!(matches!(TokenLock::attempt(&world.file(), 0o600, &caller()), Ok(Attempt::Busy(_))));
    drop(held_locks);
    drop(world.lock());
}

/// The frames that this thread runs, as the engine links those of its calls.
mod stack {
    use std::cell::RefCell;

    use crate::caller::{Caller, Frame};

    thread_local! {
        static RUNNING: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
    }

    /// Runs `work` as PHP code that these calls, outermost first, have led to.
    pub fn within<T>(frames: &[usize], work: impl FnOnce(Caller) -> T) -> T {
        let before = RUNNING.replace(frames.to_vec());
        let frame = frames.last().copied().unwrap();
        let is_running =
            |frame| RUNNING.with_borrow(|all| all.iter().any(|at| Frame::at(*at) == frame));
        let result = work(Caller::new(Frame::at(frame), is_running));
        RUNNING.set(before);
        result
    }
}

impl World {
    /// Enters wx_with_lock() as the innermost of these calls.
    fn enter_at(&self, frames: &[usize]) -> Result<held_locks::LockGuard, Error> {
        stack::within(frames, |caller| held_locks::enter(&Call { caller, ..self.call() }))
    }

    fn get_at(&self, frames: &[usize]) -> Result<Token, Error> {
        stack::within(frames, |caller| self.get_by(&Call { caller, ..self.call() }))
    }

    fn is_free(&self) -> bool {
        stack::within(&[99], |caller| {
            matches!(TokenLock::attempt(&self.file(), 0o600, &caller), Ok(Attempt::Held(_)))
        })
    }
}

fn is_other_fiber<T>(result: Result<T, Error>) -> bool {
    matches!(result, Err(Error::Deadlock { deadlock: Deadlock::OtherFiber, .. }))
}

#[test]
fn a_call_is_nested_only_if_it_comes_from_within_and_another_fiber_is_told_at_once() {
    let world = World::new(Ok("token"));
    let first = world.enter_at(&[1]).unwrap();
    assert!(is_other_fiber(world.enter_at(&[2])));
    assert!(is_other_fiber(world.get_at(&[2])), "no token to hand out");
    assert_eq!(&*world.get_at(&[1, 3]).unwrap().value, "token", "under the lock that is held");
    assert_eq!(&*world.get_at(&[2]).unwrap().value, "token", "a valid token needs no lock");
    drop(first);
    drop(world.enter_at(&[2]).unwrap());
    assert!(world.is_free());
}

#[test]
fn a_lock_goes_with_the_last_call_that_is_inside_whichever_came_first() {
    let world = World::new(Ok("token"));
    let first = world.enter_at(&[1]).unwrap();
    // A Fiber that was resumed inside enters, and is suspended there when the first call leaves.
    let nested = world.enter_at(&[1, 2]).unwrap();
    drop(first);
    assert!(!world.is_free());
    assert!(is_other_fiber(world.enter_at(&[3])));
    assert!(is_other_fiber(world.enter_at(&[1])), "another call, at the address of the first");
    assert!(world.get_at(&[2, 4]).is_ok(), "from within the one that is left");
    drop(nested);
    assert!(world.is_free());
}

#[test]
fn a_lock_that_is_lent_when_its_holder_leaves_goes_when_it_comes_back() {
    let world = World::new(Ok("token"));
    let mut first = Some(world.enter_at(&[1]).unwrap());
    let real = token_file::resolve(&world.file()).unwrap();
    stack::within(&[1, 2], |borrower| {
        held_locks::borrow(&borrower, &real, |_| {
            assert!(is_other_fiber(world.get_at(&[1, 3])), "it has been lent to another Fiber");
            let own = world.get_at(&[1, 2, 4]);
            assert!(
                matches!(own, Err(Error::Deadlock { deadlock: Deadlock::OwnLoader, .. })),
                "a loader that calls back: {own:?}"
            );
            first = None;
            assert!(!world.is_free());
        })
    })
    .unwrap();
    assert!(world.is_free());
}

#[test]
fn at_the_end_of_a_request_nothing_of_it_is_inside_any_more() {
    let world = World::new(Ok("token"));
    std::mem::forget(world.enter_at(&[1]).unwrap());
    let own = stack::within(&[2], |caller| {
        let other = world.dir.path().join("loader.json");
        std::mem::forget(TokenLock::attempt(&other, 0o600, &caller).unwrap());
        other
    });
    let at_work =
        TokenLock::attempt(&world.dir.path().join("worker.json"), 0o600, &caller().on_worker());
    held_locks::end_of_request();
    assert!(world.is_free());
    assert!(matches!(TokenLock::attempt(&own, 0o600, &caller()), Ok(Attempt::Held(_))));
    let worker = TokenLock::attempt(&world.dir.path().join("worker.json"), 0o600, &caller());
    assert!(matches!(worker, Ok(Attempt::Busy(_))), "a worker goes on");
    drop(at_work);
}

impl World {
    /// Polls once, as soon as the file is not one that was written just now.
    fn poll(&self, call: &Call) -> Result<Option<Token>, Error> {
        while token_file::read_unless_racy(&call.file, TOKEN).unwrap().is_none() {}
        try_get(call, &|| Ok(Arc::clone(&self.source) as Remote))
    }
}

#[test]
fn a_poll_has_a_refresh_started_and_the_next_one_gets_its_token() {
    let world = World::new(Ok("token"));
    assert_eq!(world.poll(&world.call()).unwrap(), None);
    worker::finish_all(None);
    assert_eq!(&*world.poll(&world.call()).unwrap().unwrap().value, "token");
    assert_eq!(world.asked(), 1);
}

#[test]
fn a_poll_for_a_due_token_gets_it_and_has_it_renewed() {
    let world = due();
    assert_eq!(&*world.poll(&world.call()).unwrap().unwrap().value, "first");
    worker::finish_all(None);
    assert_eq!(&*world.poll(&world.call()).unwrap().unwrap().value, "second");
    assert_eq!(world.asked(), 2);
}

#[test]
fn a_poll_does_not_read_what_is_being_written() {
    let half_written = || {
        let world = World::new(Ok("token"));
        fs::write(world.file(), r#"{"access_token":"half-wri"#).unwrap();
        let polled = try_get(&world.call(), &|| Ok(Arc::clone(&world.source) as Remote));
        worker::finish_all(None);
        polled.unwrap().is_none() && world.asked() == 0
    };
    assert!((0..10).any(|_| half_written()), "unless this machine is slower than 50 ms each time");
}

#[test]
fn a_poll_starts_nothing_while_another_has_the_lock_a_suspended_fiber_included() {
    let world = World::new(Ok("token"));
    let inside = world.enter_at(&[1]).unwrap();
    let caller = stack::within(&[2], |caller| caller);
    assert_eq!(world.poll(&Call { caller, ..world.call() }).unwrap(), None);
    drop(inside);
    let lock = world.lock();
    lock.hand_to_worker();
    assert_eq!(world.poll(&world.call()).unwrap(), None);
    assert_eq!(world.asked(), 0);
}

#[test]
fn a_poll_within_a_held_lock_is_an_error_and_not_an_endless_loop() {
    let world = World::new(Ok("token"));
    let inside = world.enter_at(&[1]).unwrap();
    let polled = stack::within(&[1, 2], |caller| world.poll(&Call { caller, ..world.call() }));
    assert!(matches!(polled, Err(Error::Deadlock { deadlock: Deadlock::PollInsideLock, .. })));
    drop(inside);
}

#[test]
fn a_poll_repeats_a_failure_until_it_may_be_tried_again() {
    let world = World::new(Err(down()));
    assert_eq!(world.poll(&world.call()).unwrap(), None);
    worker::finish_all(None);
    for _ in 0..3 {
        assert!(matches!(world.poll(&world.call()), Err(Error::FetchFailed { .. })));
    }
    assert_eq!(world.asked(), 1);
    world.pass(1);
    world.answer(Ok("back"));
    assert_eq!(world.poll(&world.call()).unwrap(), None);
    worker::finish_all(None);
    assert_eq!(&*world.poll(&world.call()).unwrap().unwrap().value, "back");
}

#[test]
fn a_poll_learns_what_its_refresh_could_not_write_into_the_file() {
    let world = World::new(Ok("token"));
    fs::create_dir(world.dir.path().join("d")).unwrap();
    let file = world.dir.path().join("d/token.json");
    let moved = world.dir.path().join("e");
    let from = world.dir.path().join("d");
    // While WeChat is asked, the directory goes away.
    let world = World {
        source: Arc::new(FakeSource {
            answer: Mutex::new(Err(down())),
            asked: AtomicUsize::new(0),
            rejected: Mutex::new(None),
            is_classic: AtomicBool::new(false),
            meanwhile: Box::new(move || fs::rename(&from, &moved).unwrap()),
        }),
        ..world
    };
    let call = Call { file, ..world.call() };
    assert_eq!(world.poll(&call).unwrap(), None);
    worker::finish_all(None);
    assert_eq!(world.asked(), 1);
    fs::create_dir(call.file.parent().unwrap()).unwrap();
    let told = world.poll(&call).unwrap_err();
    assert!(matches!(told, Error::FetchFailed { .. }), "{told}");
}

#[test]
fn a_held_lock_makes_a_missing_file_and_leaves_content_alone() {
    let world = World::new(Ok("token"));
    drop(held_locks::enter(&world.call()).unwrap());
    assert_eq!(fs::read(world.file()).unwrap(), b"");
    fs::write(world.file(), "not a token file").unwrap();
    drop(held_locks::enter(&world.call()).unwrap());
    assert_eq!(fs::read(world.file()).unwrap(), b"not a token file");
}

/// How long before its expiry a token is due here.
const EARLY: Duration = Duration::from_secs(3600);

impl World {
    /// A token of the classic endpoint that has half an hour to live, and a refresh of it that was cut off
    /// `seconds` ago.
    fn interrupted(seconds: i64) -> Self {
        let world = World::new(Ok("first"));
        world.source.is_classic.store(true, Ordering::SeqCst);
        world.get().unwrap();
        world.date(&world.file(), 0);
        world.pass(7200 - 1800);
        world.leave_behind(seconds);
        world.answer(Ok("second"));
        world
    }

    fn leave_behind(&self, seconds: i64) -> PathBuf {
        let leftover = self.dir.path().join(".token.json.wx_token.aB3dE9");
        fs::write(&leftover, "").unwrap();
        self.date(&leftover, seconds);
        leftover
    }

    /// What is at `path` was written `seconds` ago.
    fn date(&self, path: &Path, seconds: i64) {
        let ago = Duration::from_secs(u64::try_from(seconds).unwrap());
        let written = Duration::from_millis(self.clock.now().before(ago).millis() as u64);
        File::options()
            .write(true)
            .open(path)
            .and_then(|file| file.set_modified(UNIX_EPOCH + written))
            .unwrap();
    }

    fn early(&self) -> Call {
        Call { refresh_ahead: EARLY, ..self.call() }
    }

    fn stored(&self) -> Token {
        token_file::read(&self.file(), TOKEN).unwrap().document.token().unwrap().clone()
    }
}

#[test]
fn a_refresh_that_was_cut_off_is_begun_anew_by_the_next_call_and_nobody_waits() {
    let world = World::interrupted(239);
    let call = Call { background: true, ..world.early() };
    assert_eq!(&*world.get_by(&call).unwrap().value, "first");
    worker::finish_all(None);
    assert_eq!(&*world.get_by(&call).unwrap().value, "second");
    assert_eq!(world.asked(), 2);
}

#[test]
fn the_token_that_a_lost_one_kills_is_not_handed_out_when_it_may_be_dead() {
    let world = World::interrupted(240);
    let call = Call { background: true, ..world.early() };
    assert_eq!(&*world.get_by(&call).unwrap().value, "second");
    let world = World::interrupted(240);
    assert_eq!(world.poll(&world.early()).unwrap(), None);
    worker::finish_all(None);
    assert_eq!(&*world.poll(&world.early()).unwrap().unwrap().value, "second");
    assert_eq!(world.asked(), 2);
}

#[test]
fn a_refresh_that_fails_does_not_make_one_that_was_cut_off_forgotten() {
    let world = World::interrupted(100);
    world.answer(Err(down()));
    assert_eq!(&*world.get_by(&world.early()).unwrap().value, "first");
    let now = world.clock.now();
    assert_eq!(world.stored().expiry, now + Duration::from_secs(140), "five minutes less one");
    world.pass(140);
    assert!(matches!(world.get_by(&world.early()), Err(Error::FetchFailed { .. })));

    let world = World::interrupted(1000);
    world.answer(Err(down()));
    for _ in 0..2 {
        assert!(matches!(world.get_by(&world.early()), Err(Error::FetchFailed { .. })));
    }
    assert_eq!(world.asked(), 2);
}

#[test]
fn nothing_was_cut_off_while_its_process_lives_before_the_file_was_written_or_without_harm() {
    let in_use = World::interrupted(1000);
    let leftover = in_use.leave_behind(1000);
    let lock = TokenLock::attempt(&leftover, 0o600, &caller());
    assert!(matches!(lock, Ok(Attempt::Held(_))));
    let rewritten = World::interrupted(1000);
    rewritten.date(&rewritten.file(), 999);
    let stable = World::interrupted(1000);
    stable.source.is_classic.store(false, Ordering::SeqCst);
    for world in [in_use, rewritten, stable] {
        world.answer(Err(down()));
        let expiry = world.stored().expiry;
        assert_eq!(&*world.get_by(&world.early()).unwrap().value, "first");
        assert_eq!(world.stored().expiry, expiry);
    }
}
