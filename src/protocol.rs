//! The decision: whether a caller gets the token that is there, waits for another's refresh, or
//! makes one.
//!
//! A valid token is handed out without a lock. Without one, exactly one of all callers asks the
//! upstream, under the lock of the token file, and the others take what it leaves there: the token,
//! or the failure. Nobody waits inside flock(2).

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::thread;
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::error::{ConfigError, Error};
use crate::failure::{Failure, FailureRecord};
use crate::refresh::{Outcome, Refresh};
use crate::token::Token;
use crate::token_file::lock::{Attempt, TokenLock};
use crate::token_file::{self, Document, Identity, Snapshot, holder};
use crate::upstream::Upstream;
use crate::worker;

/// An upstream that can be asked on a thread of its own.
pub type Remote = Arc<dyn Upstream + Send + Sync>;

/// One call on a token file.
pub struct Call<'a> {
    /// The token file, as an absolute path.
    pub file: &'a Path,
    /// The longest wait for the lock.
    pub lock_timeout: Duration,
    /// Permission bits of a token file that is made.
    pub file_mode: u32,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Makes the upstream, once it is known that there is something to ask.
    pub upstream: &'a dyn Fn() -> Result<Remote, ConfigError>,
}

/// The shortest and the longest pause between two attempts to lock.
const PAUSES: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(10));

/// How long, beyond the upstream's own limit, a caller waits for its refresh to be written.
const TIME_TO_WRITE: Duration = Duration::from_secs(5);

/// The valid token of the file that `call` names, refreshed first if need be.
///
/// # Errors
/// Any [`Error`]; the file then holds what it held before, and perhaps a failure record.
pub fn get(call: &Call<'_>) -> Result<Token, Error> {
    let first = token_file::read(call.file)?;
    if let Some(token) = call.valid(&first.document) {
        return Ok(token);
    }
    let upstream = (call.upstream)()?;
    Wait::begin(call, upstream, first)?.until_token()
}

impl Call<'_> {
    fn valid(&self, document: &Document) -> Option<Token> {
        document.token().filter(|token| token.is_valid(self.clock.now())).cloned()
    }
}

/// A caller without a valid token, until it has one.
struct Wait<'a> {
    call: &'a Call<'a>,
    upstream: Remote,
    /// The failure that stood in the file when the wait began: any other one happened since.
    old_failure: Option<FailureRecord>,
    seen: Option<Identity>,
    /// A token that a refresh of ours could not store, because the file was exchanged.
    in_hand: Option<Token>,
    deadline: Instant,
}

impl<'a> Wait<'a> {
    fn begin(call: &'a Call<'a>, upstream: Remote, first: Snapshot) -> Result<Self, Error> {
        let now = call.clock.now();
        let old_failure = first.document.failure().cloned();
        if let Some(record) = old_failure.as_ref() {
            if record.forbids(&upstream.account(), now) {
                return Err(Error::upstream(call.file, record, now));
            }
        }
        let deadline = Instant::now() + call.lock_timeout;
        Ok(Self { call, upstream, old_failure, seen: first.identity, in_hand: None, deadline })
    }

    fn until_token(mut self) -> Result<Token, Error> {
        let mut pause = PAUSES.0;
        loop {
            let real = token_file::resolve(self.call.file)?;
            match TokenLock::attempt(&real, self.call.file_mode)? {
                Attempt::Held(lock) => match self.take_over(lock)? {
                    Outcome::Stored(token) => return Ok(token),
                    Outcome::Displaced(token) => {
                        self.in_hand = Some(token);
                        self.deadline = Instant::now() + self.call.lock_timeout;
                    }
                },
                Attempt::Busy | Attempt::Replaced => {
                    if let Some(token) = self.look()? {
                        return Ok(token);
                    }
                }
            }
            let remaining = self.deadline.saturating_duration_since(Instant::now());
            if remaining.is_zero() {
                return Err(self.locked_out());
            }
            thread::sleep(jittered(pause).min(remaining));
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// What the holder of the lock has left in the file since the last look.
    fn look(&mut self) -> Result<Option<Token>, Error> {
        let now = token_file::identify(self.call.file)?;
        if now.is_none() || now == self.seen {
            return Ok(None);
        }
        let snapshot = token_file::read(self.call.file)?;
        self.seen = snapshot.identity;
        self.answered(&snapshot.document)
    }

    /// The token, or the failure, that another call has brought about while this one waited.
    fn answered(&self, document: &Document) -> Result<Option<Token>, Error> {
        if let Some(token) = self.call.valid(document) {
            return Ok(Some(token));
        }
        let failed = document.failure().filter(|record| {
            Some(*record) != self.old_failure.as_ref() && record.concerns(&self.upstream.account())
        });
        failed.map_or(Ok(None), |record| {
            Err(Error::upstream(self.call.file, record, self.call.clock.now()))
        })
    }

    /// Under the lock: what others did last counts first, then a token in hand, then the upstream.
    fn take_over(&mut self, lock: TokenLock) -> Result<Outcome, Error> {
        let document = lock.read()?.document;
        if let Some(token) = self.answered(&document)? {
            return Ok(Outcome::Stored(token));
        }
        let refresh = Refresh::prepare(lock, document)?;
        match self.in_hand.take() {
            Some(token) => refresh.store(token),
            None => self.refresh_on_thread(refresh),
        }
    }

    /// The thread owns the lock from here on: it lives as long as the fetch, not as this call.
    fn refresh_on_thread(&self, refresh: Refresh) -> Result<Outcome, Error> {
        let limit = self.upstream.time_limit() + TIME_TO_WRITE;
        let clock = Arc::clone(&self.call.clock);
        let upstream = Arc::clone(&self.upstream);
        let result = worker::run(move || refresh.run(upstream.as_ref(), clock.as_ref()))
            .map_err(|error| self.no_thread(&format!("no thread can be started: {error}")))?
            .recv_timeout(limit);
        match result {
            Ok(outcome) => outcome,
            Err(RecvTimeoutError::Timeout) => Err(self.locked_out()),
            Err(RecvTimeoutError::Disconnected) => Err(self.no_thread("the refresh thread died")),
        }
    }

    fn no_thread(&self, reason: &str) -> Error {
        let now = self.call.clock.now();
        let account = self.upstream.account();
        let record = FailureRecord::of(Failure::network(reason), &account, None, now);
        Error::upstream(self.call.file, &record, now)
    }

    fn locked_out(&self) -> Error {
        let identity = token_file::identify(self.call.file).ok().flatten();
        Error::Lock {
            file: self.call.file.to_owned(),
            waited: self.call.lock_timeout,
            holder: identity.and_then(|identity| holder::find(&identity)),
        }
    }
}

/// A pause from half of `pause` to all of it, so that waiters do not march in step.
fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(fastrand::f64().mul_add(0.5, 0.5))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};

    use tempfile::TempDir;

    use super::*;
    use crate::clock::Epoch;
    use crate::failure::{Cause, Fingerprint, Pace};
    use crate::upstream::Grant;

    const NOW: i64 = 1_600_000_000;

    struct FakeClock(AtomicI64);

    impl Clock for FakeClock {
        fn now(&self) -> Epoch {
            Epoch::from_secs(self.0.load(Ordering::SeqCst))
        }
    }

    /// Gives what it is told to, and counts how often it was asked.
    struct FakeUpstream {
        answer: Mutex<Result<&'static str, Failure>>,
        asked: AtomicUsize,
        meanwhile: Box<dyn Fn() + Send + Sync>,
    }

    impl Upstream for FakeUpstream {
        fn fetch(&self) -> Result<Grant, Failure> {
            self.asked.fetch_add(1, Ordering::SeqCst);
            (self.meanwhile)();
            let answer = self.answer.lock().unwrap().clone();
            answer.map(|token| Grant::new(token.into(), Duration::from_secs(7200)).unwrap())
        }

        fn account(&self) -> Fingerprint {
            Fingerprint::new("account")
        }

        fn time_limit(&self) -> Duration {
            Duration::from_secs(5)
        }
    }

    struct World {
        dir: TempDir,
        clock: Arc<FakeClock>,
        upstream: Arc<FakeUpstream>,
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
            let answer = Mutex::new(answer);
            let upstream = FakeUpstream { answer, asked: AtomicUsize::new(0), meanwhile };
            let clock = Arc::new(FakeClock(AtomicI64::new(NOW)));
            Self { dir, clock, upstream: Arc::new(upstream) }
        }

        fn file(&self) -> PathBuf {
            self.dir.path().join("token.json")
        }

        fn get_within(&self, lock_timeout: Duration) -> Result<Token, Error> {
            get(&Call {
                file: &self.file(),
                lock_timeout,
                file_mode: 0o600,
                clock: Arc::clone(&self.clock) as Arc<dyn Clock>,
                upstream: &|| Ok(Arc::clone(&self.upstream) as Remote),
            })
        }

        fn get(&self) -> Result<Token, Error> {
            self.get_within(Duration::from_secs(5))
        }

        fn pass(&self, seconds: i64) {
            self.clock.0.fetch_add(seconds, Ordering::SeqCst);
        }

        fn asked(&self) -> usize {
            self.upstream.asked.load(Ordering::SeqCst)
        }

        fn lock(&self) -> TokenLock {
            match TokenLock::attempt(&self.file(), 0o600).unwrap() {
                Attempt::Held(lock) => lock,
                other => panic!("not locked: {other:?}"),
            }
        }
    }

    fn down() -> Failure {
        Failure::network("down")
    }

    #[test]
    fn a_token_is_fetched_once_and_served_until_the_second_of_its_expiry() {
        let world = World::new(Ok("first"));
        let token = world.get().unwrap();
        assert_eq!((token.value.as_str(), token.expiry), ("first", Epoch::from_secs(NOW + 7200)));
        world.pass(7199);
        assert_eq!(world.get().unwrap(), token);
        assert_eq!(world.asked(), 1);
        *world.upstream.answer.lock().unwrap() = Ok("second");
        world.pass(1);
        assert_eq!(world.get().unwrap().value, "second");
        assert_eq!(world.asked(), 2);
    }

    #[test]
    fn the_time_that_a_fetch_takes_is_not_added_to_the_life_of_its_token() {
        let clock = Arc::new(FakeClock(AtomicI64::new(NOW)));
        let passing = Arc::clone(&clock);
        let mut world = World::with(Ok("token"), move |_| {
            passing.0.fetch_add(5, Ordering::SeqCst);
        });
        world.clock = clock;
        assert_eq!(world.get().unwrap().expiry, Epoch::from_secs(NOW + 7200));
    }

    #[test]
    fn a_failure_is_repeated_to_others_until_retry_at_and_then_forgotten() {
        let world = World::new(Err(down()));
        for _ in 0..3 {
            assert!(matches!(world.get(), Err(Error::Upstream { .. })));
        }
        assert_eq!(world.asked(), 1);
        world.pass(1);
        assert!(world.get().is_err());
        assert_eq!(world.asked(), 2);
        world.pass(1);
        assert!(world.get().is_err(), "the second pause is twice as long");
        assert_eq!(world.asked(), 2);
        world.pass(1);
        *world.upstream.answer.lock().unwrap() = Ok("back");
        assert_eq!(world.get().unwrap().value, "back");
        assert!(!fs::read_to_string(world.file()).unwrap().contains("wx_token"));
    }

    #[test]
    fn the_refusal_of_another_account_is_not_ours() {
        let world = World::new(Ok("token"));
        let pace = Pace::AccountRefused(Duration::from_secs(60));
        let cause = Cause::Api { errcode: 40125, errmsg: String::new() };
        let failure = Failure { cause, pace };
        let other = Fingerprint::new("another");
        let record = FailureRecord::of(failure, &other, None, world.clock.now());
        fs::write(world.file(), Document::empty().with_failure(&record)).unwrap();
        assert_eq!(world.get().unwrap().value, "token");
    }

    #[test]
    fn a_wait_ends_with_the_holder_of_the_lock() {
        let world = World::new(Ok("token"));
        let lock = world.lock();
        let error = world.get_within(Duration::from_millis(20)).unwrap_err();
        let own = std::process::id();
        assert!(matches!(error, Error::Lock { holder: Some(holder), .. } if holder.pid == own));
        assert_eq!(world.asked(), 0);
        drop(lock);
        assert_eq!(world.get_within(Duration::ZERO).unwrap().value, "token");
    }

    #[test]
    fn a_waiter_takes_the_token_or_the_failure_that_the_holder_leaves() {
        for leaves_failure in [false, true] {
            let world = World::new(Ok("never fetched"));
            let lock = world.lock();
            let result = thread::scope(|scope| {
                let waiter = scope.spawn(|| world.get());
                let now = world.clock.now();
                let expiry = now + Duration::from_secs(60);
                let content = if leaves_failure {
                    let account = world.upstream.account();
                    Document::empty().with_failure(&FailureRecord::of(down(), &account, None, now))
                } else {
                    Document::empty().with_token(&Token { value: "theirs".into(), expiry })
                };
                let replacement = token_file::replace::Replacement::stage(&lock).unwrap();
                replacement.commit(&lock, &content).unwrap();
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
        assert_eq!(world.get().unwrap().value, "newer");
        assert_eq!(fs::read_to_string(world.file()).unwrap(), newer);
    }

    #[test]
    fn a_token_in_hand_is_stored_when_the_file_was_removed_during_the_fetch() {
        let world = World::with(Ok("token"), |file| fs::remove_file(file).unwrap());
        assert_eq!(world.get().unwrap().value, "token");
        assert_eq!(world.asked(), 1);
        assert!(fs::read_to_string(world.file()).unwrap().contains("token"));
    }

    #[test]
    fn an_upstream_that_panics_fails_and_leaves_no_lock() {
        let world = World::with(Ok("token"), |_| panic!("on purpose"));
        assert!(matches!(world.get(), Err(Error::Upstream { .. })));
        drop(world.lock());
    }
}
