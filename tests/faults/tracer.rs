//! A process under ptrace(2): every system call of every thread is shown before it is made, and can be
//! made to fail, or the process be killed instead.

use std::fs::{self, File};
use std::io;
use std::mem::{self, MaybeUninit, offset_of};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use libc::{c_int, c_uint, pid_t};

/// A system call that is about to be made.
#[derive(Debug, Clone, Copy)]
pub struct Entry {
    /// Threads are numbered as they were born; 0 is the one that was there.
    pub thread: usize,
    pub number: i64,
    pub arguments: [u64; 6],
    tid: pid_t,
}

impl Entry {
    /// The text that an argument points to.
    pub fn text(&self, argument: usize) -> PathBuf {
        let bytes = self.memory::<4096>(argument);
        let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
        String::from_utf8_lossy(text).into_owned().into()
    }

    /// The TCP port in the `sockaddr_in` that an argument points to.
    pub fn port(&self, argument: usize) -> Option<u16> {
        let [family_0, family_1, port_0, port_1] = self.memory(argument);
        let is_tcp = c_int::from(u16::from_ne_bytes([family_0, family_1])) == libc::AF_INET;
        is_tcp.then(|| u16::from_be_bytes([port_0, port_1]))
    }

    /// The descriptor that poll(2) waits for, the first one if there are several.
    pub fn first_polled(&self) -> Option<u64> {
        u64::try_from(c_int::from_ne_bytes(self.memory(0))).ok()
    }

    /// What an argument points to, as far as there is memory.
    fn memory<const LENGTH: usize>(&self, argument: usize) -> [u8; LENGTH] {
        let mut bytes = [0; LENGTH];
        let memory = File::open(format!("/proc/{}/mem", self.tid)).expect("a traced process");
        let _ = memory.read_at(&mut bytes, self.arguments[argument]);
        bytes
    }

    /// What a descriptor in an argument refers to.
    pub fn descriptor(&self, argument: usize) -> PathBuf {
        let fd = self.arguments[argument];
        fs::read_link(format!("/proc/{}/fd/{fd}", self.tid)).unwrap_or_default()
    }

    /// Whether the call is about standard input, output or error.
    pub fn is_standard_stream(&self) -> bool {
        [libc::SYS_read, libc::SYS_write].contains(&self.number) && self.arguments[0] < 3
    }

    fn waits_for_input(&self) -> bool {
        self.thread == 0 && self.number == libc::SYS_read && self.arguments[0] == 0
    }
}

/// What is to become of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Made,
    /// SIGKILL before it is made.
    Killed,
    /// Not made: the error instead.
    Failed(c_int),
    /// Made, and the error all the same.
    MadeAndFailed(c_int),
}

/// Where a process has got to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// It waits for input with one thread left.
    Idle,
    /// It did neither within the limit, and was killed.
    Hung,
    Exited(c_int),
    Signalled(c_int),
}

struct Thread {
    tid: pid_t,
    number: usize,
    has_ended: bool,
    /// The call under way, and the error that it is to end with.
    call: Option<(Entry, Option<c_int>)>,
}

/// A traced process. Only the thread that has attached it may use it: so ptrace(2) wants it.
pub struct Traced {
    pid: pid_t,
    threads: Vec<Thread>,
    is_killed: bool,
    rest: Rest,
}

/// Longer than any wait of the extension that a fault can bring about.
const LIMIT: Duration = Duration::from_secs(40);

impl Traced {
    /// Attaches a process that is about to wait for input, and lets it come to that.
    pub fn attach(pid: u32) -> Self {
        let pid = pid_t::try_from(pid).expect("a process id");
        let options =
            libc::PTRACE_O_TRACESYSGOOD | libc::PTRACE_O_TRACECLONE | libc::PTRACE_O_EXITKILL;
        request(libc::PTRACE_SEIZE, pid, 0, options).expect("ptrace is permitted");
        request(libc::PTRACE_INTERRUPT, pid, 0, 0).expect("the process lives");
        let mut traced = Self { pid, threads: Vec::new(), is_killed: false, rest: Rest::Exited(0) };
        traced.run(|_| Fate::Made);
        traced
    }

    /// Lets the process run until it waits for input once more, or ends.
    pub fn run(&mut self, mut decide: impl FnMut(&Entry) -> Fate) -> Rest {
        let pid = self.pid;
        let (done, is_done) = mpsc::channel::<()>();
        let watchdog = thread::spawn(move || {
            let hangs = is_done.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout);
            if hangs {
                kill(pid);
            }
            hangs
        });
        self.rest = self.follow(&mut decide);
        drop(done);
        if watchdog.join().expect("a watchdog") {
            if self.rest == Rest::Idle {
                // Its last thread was killed first, so it seemed to have come to rest.
                self.is_killed = true;
                self.follow(&mut decide);
            }
            self.rest = Rest::Hung;
        }
        self.rest
    }

    fn follow(&mut self, decide: &mut impl FnMut(&Entry) -> Fate) -> Rest {
        loop {
            let mut status = 0;
            // SAFETY: waits for what this thread traces alone, so for no process of another test.
            let tid =
                unsafe { libc::waitpid(-1, &raw mut status, libc::__WALL | libc::__WNOTHREAD) };
            assert!(tid > 0, "{}", io::Error::last_os_error());
            if libc::WIFSTOPPED(status) {
                self.stopped(tid, status, decide);
            } else {
                let index = self.enter(tid);
                self.threads[index].has_ended = true;
            }
            if !libc::WIFSTOPPED(status) && tid == self.pid {
                return if libc::WIFEXITED(status) {
                    Rest::Exited(libc::WEXITSTATUS(status))
                } else {
                    Rest::Signalled(libc::WTERMSIG(status))
                };
            }
            if self.is_idle() {
                return Rest::Idle;
            }
        }
    }

    fn is_idle(&self) -> bool {
        let waits = |thread: &Thread| thread.call.is_some_and(|(call, _)| call.waits_for_input());
        let (first, others) = self.threads.split_first().expect("the first thread");
        !self.is_killed && waits(first) && others.iter().all(|thread| thread.has_ended)
    }

    /// The place of a thread among those that are known.
    fn enter(&mut self, tid: pid_t) -> usize {
        let known = self.threads.iter().position(|thread| thread.tid == tid);
        known.unwrap_or_else(|| {
            self.threads.push(Thread {
                tid,
                number: self.threads.len(),
                has_ended: false,
                call: None,
            });
            self.threads.len() - 1
        })
    }

    fn stopped(&mut self, tid: pid_t, status: c_int, decide: &mut impl FnMut(&Entry) -> Fate) {
        let index = self.enter(tid);
        let signal = match (status >> 16, libc::WSTOPSIG(status)) {
            (0, signal) if signal == libc::SIGTRAP | 0x80 => {
                if at_call(&mut self.threads[index], decide) {
                    self.is_killed = true;
                    kill(self.pid);
                }
                0
            }
            (0, signal) => signal,
            (libc::PTRACE_EVENT_CLONE, _) => {
                // Entered before it has made itself heard, or the process would seem to have come to rest.
                self.enter(born(tid));
                0
            }
            // The start of a thread, or the stop that was asked for.
            _ => 0,
        };
        // A process that was killed just now is not there any more: that is no error.
        let _ = request(libc::PTRACE_SYSCALL, tid, 0, signal);
    }
}

impl Drop for Traced {
    fn drop(&mut self) {
        if self.rest == Rest::Idle {
            kill(self.pid);
            self.run(|_| Fate::Made);
        }
    }
}

/// A thread that has stopped before or after a call. Returns whether its process is to be killed.
fn at_call(thread: &mut Thread, decide: &mut impl FnMut(&Entry) -> Fate) -> bool {
    let tid = thread.tid;
    let Some((number, arguments)) = entered(tid) else {
        if let Some((_, Some(error))) = thread.call.take() {
            set(tid, offset_of!(libc::user_regs_struct, rax), -i64::from(error));
        }
        return false;
    };
    let entry = Entry { thread: thread.number, number, arguments, tid };
    let fate = decide(&entry);
    let error = match fate {
        Fate::Made | Fate::Killed => None,
        Fate::Failed(error) => {
            set(tid, offset_of!(libc::user_regs_struct, orig_rax), -1);
            Some(error)
        }
        Fate::MadeAndFailed(error) => Some(error),
    };
    thread.call = Some((entry, error));
    fate == Fate::Killed
}

/// The thread that was just made by the one that has stopped.
fn born(parent: pid_t) -> pid_t {
    let mut tid: libc::c_ulong = 0;
    // SAFETY: ptrace(2) writes one `unsigned long`.
    let done = unsafe { libc::ptrace(libc::PTRACE_GETEVENTMSG, parent, 0_usize, &raw mut tid) };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
    pid_t::try_from(tid).expect("a thread id")
}

/// Number and arguments of the call that a thread has stopped before; `None` after a call.
fn entered(tid: pid_t) -> Option<(i64, [u64; 6])> {
    let mut info = MaybeUninit::<libc::ptrace_syscall_info>::zeroed();
    let size = mem::size_of::<libc::ptrace_syscall_info>();
    // SAFETY: ptrace(2) writes `size` bytes at most to `info`.
    unsafe { libc::ptrace(libc::PTRACE_GET_SYSCALL_INFO, tid, size, info.as_mut_ptr()) };
    // SAFETY: all zeros is valid, and so is what the kernel has written.
    let info = unsafe { info.assume_init() };
    (info.op == libc::PTRACE_SYSCALL_INFO_ENTRY).then(|| {
        // SAFETY: at an entry, this is the variant.
        let entry = unsafe { info.u.entry };
        (entry.nr.cast_signed(), entry.args)
    })
}

/// Sets a register of a stopped thread.
fn set(tid: pid_t, register: usize, value: i64) {
    // SAFETY: `register` is an offset within the registers, which `struct user` begins with; the value
    // is passed itself, as ptrace(2) has it.
    let done = unsafe { libc::ptrace(libc::PTRACE_POKEUSER, tid, register, value) };
    assert_eq!(done, 0, "{}", io::Error::last_os_error());
}

fn request(request: c_uint, tid: pid_t, address: usize, data: c_int) -> io::Result<()> {
    // SAFETY: none of the requests that are made here has the kernel write to our memory.
    match unsafe { libc::ptrace(request, tid, address, libc::c_long::from(data)) } {
        -1 => Err(io::Error::last_os_error()),
        _ => Ok(()),
    }
}

fn kill(pid: pid_t) {
    // SAFETY: kill(2) touches no memory. The process is not reaped yet, so it is still that one.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}
