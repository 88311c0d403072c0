//! One refresh with one fault, and everything that must hold after it.

use std::fmt;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use wx_token_testing::php::{Php, code};
use wx_token_testing::{WWW_DATA, World};

use crate::calls::{Call, Calls, Errno};
use crate::outcome::{Answer, Content, Outcome};
use crate::scenario::{Scenario, Shared, Source, Stage, Start, ask_elsewhere};
use crate::store;
use crate::sweep::Phase;
use crate::tracer::{Fate, Rest, Traced};

const REFRESH: &str = include_str!("php/refresh.php");

/// Something that happens at a call.
pub struct Fault {
    pub phase: Phase,
    pub call: Call,
    /// The error; `None` is SIGKILL.
    pub error: Option<Errno>,
    /// Whether its process meets it at every call from then on that is about the same, as on a full disk.
    pub lasts: bool,
}

impl fmt::Display for Fault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Call { thread, name, about, nth, .. } = &self.call;
        let lasting = if self.lasts { "lasting " } else { "" };
        let (phase, fault) = (self.phase, self.name());
        write!(formatter, "{phase}, {lasting}{fault} at {name} {nth} of thread {thread}")?;
        if about.is_empty() { Ok(()) } else { write!(formatter, ", {about}") }
    }
}

impl Fault {
    pub fn name(&self) -> &'static str {
        self.error.map_or("SIGKILL", |error| error.name)
    }

    /// What becomes of `call`, after the fault if `is_hit` says so.
    fn fate(&self, call: &Call, is_hit: bool) -> Fate {
        let is_same = call.name == self.call.name && call.about == self.call.about;
        let happens = if is_hit { self.lasts && is_same } else { *call == self.call };
        match self.error {
            _ if !happens => Fate::Made,
            None => Fate::Killed,
            Some(error) if self.call.is_made_all_the_same() => Fate::MadeAndFailed(error.number),
            Some(error) => Fate::Failed(error.number),
        }
    }
}

/// The system calls of a refresh without a fault, in the order in which they are made.
pub fn record(stage: &Stage<'_>) -> Vec<Call> {
    let (world, _) = stage.world();
    let mut refresh = Refresh::start(stage, &world);
    let mut calls = Vec::new();
    refresh.run_first(&world, |call| {
        calls.push(call.clone());
        Fate::Made
    });
    let (answer, _) = refresh.answer();
    let is_rejected = stage.scenario.source == Source::RejectedAccount;
    assert_eq!(answer.is_token(), !is_rejected, "without a fault: {answer:?}");
    calls
}

/// Makes `fault` happen; `None` if this refresh did not come to that call.
///
/// # Errors
/// What did not hold after it.
pub fn make(stage: &Stage<'_>, fault: &Fault) -> Result<Option<Outcome>, String> {
    let scenario = stage.scenario;
    let (world, old) = stage.world();
    let mut refresh = Refresh::start(stage, &world);
    let mut is_hit = false;
    let rest = refresh.run_first(&world, |call| {
        let fate = fault.fate(call, is_hit);
        is_hit |= *call == fault.call;
        fate
    });
    if !is_hit {
        return Ok(None);
    }
    let rest_expected =
        if fault.error.is_some() { Rest::Idle } else { Rest::Signalled(libc::SIGKILL) };
    require(rest == rest_expected, || format!("the process is {rest:?}: {}", refresh.errors()))?;
    let (answer, asked_by_loader) = refresh.answer();
    require(fault.error.is_none() || answer != Answer::None, || "no answer".into())?;
    answer.check(&world)?;
    fault.check_answer(scenario, &answer)?;

    let asked = world.fetches() + asked_by_loader;
    let content = Content::of(&world, old.as_deref())?;
    check_owner(scenario, &world)?;
    check_unlocked(&world)?;
    let has_token = stage.store().is_some_and(|mut store| store.has_token());
    let is_unshared = scenario.gives() && content == scenario.content_in_the_end() && !has_token;

    // Fetches of loaders, which the emulator does not see.
    let mut loaded = asked_by_loader;
    stage.prolong_pause(&world);
    if fault.error.is_some() {
        for _ in 0..CALLS {
            loaded += refresh.call_again(stage, fault, &world)?;
            stage.prolong_pause(&world);
        }
        fault
            .check_fetches(scenario, &world, loaded)
            .map_err(|error| format!("one process: {error}"))?;
        check_unlocked(&world)?;
    }
    let mut others = Others::start(stage, &world);
    for number in 0..CALLS {
        let start = Instant::now();
        let (answer, asked) = others.call()?;
        answer.check(&world).map_err(|error| format!("another process: {error}"))?;
        fault.check_next_answer(scenario, &answer)?;
        if number == 0 && fault.error.is_none() {
            check_turn(stage, start.elapsed())?;
        }
        loaded += asked;
        stage.prolong_pause(&world);
    }
    fault
        .check_fetches(scenario, &world, loaded)
        .map_err(|error| format!("ten processes: {error}"))?;

    stage.end_pause(&world);
    let (next, asked_by_next) = others.call()?;
    next.check_token(&world).map_err(|error| format!("after the pause: {error}"))?;
    loaded += asked_by_next;
    fault.check_fetches(scenario, &world, loaded)?;
    let content_now = Content::of(&world, old.as_deref())?;
    require(content_now == scenario.content_in_the_end(), || "it is not stored".into())?;
    check_owner(scenario, &world)?;
    check_agreement(stage, &world)?;

    world.write_expired();
    let (last, _) = others.call()?;
    last.check_token(&world).map_err(|error| format!("the refresh after that: {error}"))?;
    if stage.store().is_some() {
        fault.check_fetches(scenario, &world, loaded)?;
        store::check_beside(&world)?;
    }
    require(world.names() == scenario.names(), || format!("left behind: {:?}", world.names()))?;
    check_owner(scenario, &world)?;
    others.end()?;

    if fault.error.is_some() {
        let rest = refresh.end();
        require(rest == Rest::Exited(0), || format!("in the end, the process is {rest:?}"))?;
        let errors = refresh.errors();
        let is_stored = content == Content::New || matches!(answer, Answer::Exception { .. });
        require(errors.lines().count() <= usize::from(!is_stored), || {
            format!("PHP says {errors}")
        })?;
    }
    Ok(Some(Outcome { answer, content, asked, is_unshared }))
}

/// How many calls the process of the fault makes after it, and how many other processes make one.
const CALLS: usize = 10;

/// For how long the store gives one machine the turn to fetch a stable token.
const LEASE: Duration = Duration::from_secs(2);

impl Fault {
    /// No caller is without a token because of the store: it gets an exception only as it would without one.
    fn check_answer(&self, scenario: &Scenario, answer: &Answer) -> Result<(), String> {
        let is_about_store = self.call.is_about_store()
            || [Phase::Take, Phase::Put, Phase::Fail, Phase::Sync].contains(&self.phase);
        let is_served = match scenario.start {
            // Its token is at hand once it is read.
            Start::Fresh => self.phase != Phase::Look || is_about_store,
            _ => scenario.shared.is_some() && is_about_store,
        };
        require(!is_served || answer.is_none_or_as_in(scenario), || {
            format!("because of the store: {answer:?}")
        })
    }

    /// Of the processes that come after it, none meets the fault.
    fn check_next_answer(&self, scenario: &Scenario, answer: &Answer) -> Result<(), String> {
        let is_recorded = self.phase == Phase::Ask || self.phase == Phase::Store;
        require(
            scenario.shared.is_none() || is_recorded || answer.is_none_or_as_in(scenario),
            || format!("another process: {answer:?}"),
        )
    }

    /// What all calls together fetch at most, the one after the pause included. Without a fault they fetch once, unless
    /// another machine has the token. One more is what a fault may cost that loses WeChat's answer before it is where
    /// the next call looks: in the file or, if there is one, in the store.
    fn most_fetches(&self, scenario: &Scenario) -> u64 {
        let is_lost = match self.phase {
            Phase::Ask => true,
            Phase::Put | Phase::Fail => self.error.is_none(),
            _ => false,
        };
        match (scenario.shared, scenario.start, scenario.source) {
            (None, ..) => 2,
            (Some(_), Start::Fresh, _) => 0,
            (Some(Shared::Token), ..) => {
                u64::from(self.phase == Phase::Take && self.error.is_some())
            }
            // The first one is rejected.
            (Some(Shared::Nothing), _, Source::RejectedAccount) => 2 + u64::from(is_lost),
            (Some(Shared::Nothing), ..) => 1 + u64::from(is_lost),
        }
    }

    fn check_fetches(&self, scenario: &Scenario, world: &World, loaded: u64) -> Result<(), String> {
        let (fetches, most) = (world.fetches() + loaded, self.most_fetches(scenario));
        require(fetches <= most, || format!("{fetches} fetches"))
    }
}

/// After a process was killed in its machine's turn, the next one of that machine has the turn at once: what WeChat
/// answers is in the store.
fn check_turn(stage: &Stage<'_>, took: Duration) -> Result<(), String> {
    let Some(mut store) = stage.store() else { return Ok(()) };
    if stage.scenario.start == Start::Fresh {
        return Ok(());
    }
    require(store.has_token() || store.has_failure(), || "the turn was not taken over".into())?;
    require(took < LEASE, || format!("the next process took {took:?}"))
}

/// The machine and the store have the same token, and WeChat has given none since.
fn check_agreement(stage: &Stage<'_>, world: &World) -> Result<(), String> {
    if stage.store().is_none() {
        return Ok(());
    }
    let fetches = world.fetches();
    let (here, elsewhere) = (world.stored(), ask_elsewhere(world)?);
    require(here["access_token"] == elsewhere.as_str() && world.fetches() == fetches, || {
        "the store has another token than the file".into()
    })?;
    let left = world.emulator.check(&elsewhere).seconds_left;
    require(left > OVERLAP, || "the newest token is in neither".into())
}

/// For so many seconds at most a token stays good that WeChat has replaced.
const OVERLAP: f64 = 300.0;

/// A PHP process under trace.
struct Refresh {
    traced: Traced,
    php: Child,
    store_port: Option<u16>,
}

impl Refresh {
    fn start(stage: &Stage<'_>, world: &World) -> Self {
        let php = spawn(stage.scenario, world, world.php(), "itself");
        let store_port = stage.store().map(|store| store.port());
        Self { traced: Traced::attach(php.id()), php, store_port }
    }

    /// Lets it make its first call, once the file is no longer so new that it would be read twice.
    fn run_first(&mut self, world: &World, decide: impl FnMut(&Call) -> Fate) -> Rest {
        world.until_settled();
        self.run(world, decide)
    }

    /// Lets it call.
    fn run(&mut self, world: &World, mut decide: impl FnMut(&Call) -> Fate) -> Rest {
        release(&mut self.php);
        let mut calls = Calls::of(&world.file(), self.store_port);
        self.traced.run(|entry| {
            // PHP's own input and output, at the begin and the end of what is looked at.
            if entry.is_standard_stream() { Fate::Made } else { decide(&calls.next(entry)) }
        })
    }

    /// Lets it call once more after `fault`. Returns how often its loader was asked.
    fn call_again(
        &mut self,
        stage: &Stage<'_>,
        fault: &Fault,
        world: &World,
    ) -> Result<u64, String> {
        let rest = self.run(world, |call| fault.fate(call, true));
        require(rest == Rest::Idle, || format!("the process is {rest:?}: {}", self.errors()))?;
        let (answer, asked) = self.answer();
        answer.check(world).map_err(|error| format!("the same process: {error}"))?;
        // An error on the token file that lasts may keep it from being read.
        if fault.call.is_about_store() || !fault.lasts {
            fault.check_answer(stage.scenario, &answer)?;
        }
        Ok(asked)
    }

    fn answer(&mut self) -> (Answer, u64) {
        read_answer(self.php.stdout.as_mut().expect("a piped output"))
    }

    fn end(&mut self) -> Rest {
        drop(self.php.stdin.take());
        self.traced.run(|_| Fate::Made)
    }

    /// What has been written to standard error, once the process has ended.
    fn errors(&mut self) -> String {
        errors_of(&mut self.php)
    }
}

/// Processes of www-data, without a fault: each makes the same call once, and is gone.
struct Others(Child);

impl Others {
    fn start(stage: &Stage<'_>, world: &World) -> Self {
        Self(spawn(stage.scenario, world, world.php().run_as(WWW_DATA), "child"))
    }

    /// The answer of the next one, and how often its loader was asked.
    fn call(&mut self) -> Result<(Answer, u64), String> {
        release(&mut self.0);
        let (answer, asked) = read_answer(self.0.stdout.as_mut().expect("a piped output"));
        require(answer != Answer::None, || format!("no answer: {}", errors_of(&mut self.0)))?;
        Ok((answer, asked))
    }

    fn end(mut self) -> Result<(), String> {
        drop(self.0.stdin.take());
        let status = self.0.wait().expect("php runs");
        let errors = errors_of(&mut self.0);
        require(status.success() && errors.is_empty(), || format!("PHP says {errors}"))
    }
}

impl Drop for Others {
    /// The tracer waits for every child of its thread, this one included.
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `caller` says which process calls.
fn spawn(scenario: &Scenario, world: &World, php: Php, caller: &str) -> Child {
    let source = if scenario.source == Source::Loader { "loader" } else { "account" };
    php.with("display_errors=stderr")
        .command()
        .args(["-r", code(REFRESH), "--"])
        .arg(world.file())
        .args([source, caller])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("php starts")
}

fn errors_of(php: &mut Child) -> String {
    let mut text = String::new();
    let output = php.stderr.as_mut().expect("a piped output");
    output.read_to_string(&mut text).expect("php prints text");
    text
}

fn release(php: &mut Child) {
    php.stdin.as_mut().and_then(|input| input.write_all(b"go\n").ok()).expect("php reads");
}

/// The answer, which need not come at all, and how often the loader was asked before it.
fn read_answer(output: impl Read) -> (Answer, u64) {
    let mut asked = 0;
    for line in BufReader::new(output).lines() {
        match line.expect("php prints text").as_str() {
            "asked" => asked += 1,
            json => return (Answer::parse(json), asked),
        }
    }
    (Answer::None, asked)
}

fn check_owner(scenario: &Scenario, world: &World) -> Result<(), String> {
    let Ok(metadata) = fs::metadata(world.file()) else { return Ok(()) };
    let whose = (metadata.uid(), metadata.gid(), metadata.mode() & 0o7777);
    require(whose == scenario.whose(), || {
        let (owner, group, mode) = whose;
        format!("the file is of uid {owner} gid {group} mode {mode:04o}")
    })
}

/// Checked while the process lives: its end would release a lock that it forgot.
fn check_unlocked(world: &World) -> Result<(), String> {
    let Ok(file) = File::open(world.file()) else { return Ok(()) };
    require(file.try_lock().is_ok(), || "the file is locked".into())
}

fn require(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}
