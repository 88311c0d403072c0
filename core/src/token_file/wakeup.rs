//! Wakes those who wait for the lock of a token file as soon as it is released: by a futex(2) that is the first word of
//! the file, mapped and never touched. It needs no room in the file, no descriptor and no permission but to read it, and
//! wakes processes in all containers of this machine. Nobody depends on it: other code releases the lock without a word,
//! and a process may die.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::ptr;
use std::time::Duration;

use memmap2::{MmapOptions, MmapRaw};

use super::path_handle::is_local;

/// How many are woken at once: some, for any of them may be killed before it wakes the next.
const FIRST: u32 = 4;

/// The futex of a file.
#[derive(Debug)]
pub struct Wakeup {
    /// Nothing is read or written here: the file may shrink at any time.
    word: MmapRaw,
    /// What stands there: the kernel does not wait if other code has changed it.
    value: u32,
}

impl Wakeup {
    /// `None` if the file is empty, or not on this machine alone: nobody could be woken there.
    pub fn of(file: &File) -> Option<Self> {
        let mut value = [0; 4];
        if file.read_at(&mut value, 0).ok()? == 0 || !is_local(file) {
            return None;
        }
        let word = MmapOptions::new().len(value.len()).map_raw_read_only(file).ok()?;
        Some(Self { word, value: u32::from_ne_bytes(value) })
    }

    /// Waits until the lock of the file is released, for `limit` at most. A signal ends the wait, and so may nothing at all.
    /// Whoever is woken wakes the next when it drops what it gets.
    pub fn wait(self, limit: Duration) -> Option<Woken> {
        let limit = libc::timespec {
            tv_sec: limit.as_secs().try_into().unwrap_or(libc::time_t::MAX),
            tv_nsec: limit.subsec_nanos().into(),
        };
        let is_woken = self.futex(libc::FUTEX_WAIT, self.value, &raw const limit) == 0;
        is_woken.then(|| Woken(Some(self)))
    }

    /// Wakes those who have waited longest for the file, and through them the others. All at once would be in each
    /// other's way, and who came first might be served last.
    pub fn wake(&self) {
        self.futex(libc::FUTEX_WAKE, FIRST, ptr::null());
    }

    /// Whoever else uses the file sees a change of its lock or content, or waits in vain until its time is over: so an
    /// error, such as that of a page that is gone, is none here.
    fn futex(
        &self,
        operation: libc::c_int,
        value: u32,
        limit: *const libc::timespec,
    ) -> libc::c_long {
        // SAFETY: the word is mapped until this is dropped, and the kernel tells if its page is gone. `limit` is null
        // or lives as long as the call.
        unsafe { libc::syscall(libc::SYS_futex, self.word.as_ptr(), operation, value, limit) }
    }
}

/// The turn of a waiter that was woken: the next is woken when this is dropped.
#[derive(Debug)]
pub struct Woken(Option<Wakeup>);

impl Woken {
    /// Ends the turn without a word to the next.
    pub fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Woken {
    fn drop(&mut self) {
        if let Some(wakeup) = &self.0 {
            wakeup.futex(libc::FUTEX_WAKE, 1, ptr::null());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Instant;

    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_release_wakes_all_who_wait_whoever_has_mapped_the_file() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        fs::write(&path, "{}")?;
        let (sender, receiver) = mpsc::channel();
        let waiters = 32;
        for _ in 0..waiters {
            let (path, sender) = (path.clone(), sender.clone());
            thread::spawn(move || {
                let wakeup = Wakeup::of(&File::open(path).unwrap()).unwrap();
                sender.send(wakeup.wait(LONG).is_some())
            });
        }
        let wakeup = Wakeup::of(&File::open(&path)?).unwrap();
        // A waiter may come after one call.
        let deadline = Instant::now() + LONG;
        let mut woken = 0;
        while woken < waiters && Instant::now() < deadline {
            wakeup.wake();
            woken += receiver.recv_timeout(Duration::from_millis(1)).map_or(0, usize::from);
        }
        assert_eq!(woken, waiters);
        Ok(())
    }

    #[test]
    fn whoever_keeps_its_turn_wakes_nobody() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        fs::write(&path, "{}")?;
        let wakeup = || Wakeup::of(&File::open(&path).unwrap()).unwrap();
        let limit = Duration::from_millis(200);
        for (keeps, is_woken) in [(false, true), (true, false)] {
            let waiter = wakeup();
            let waiter = thread::spawn(move || waiter.wait(limit).map(Woken::keep).is_some());
            while !waiter.is_finished() {
                let turn = Woken(Some(wakeup()));
                if keeps {
                    turn.keep()
                } else {
                    drop(turn)
                }
                thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(waiter.join().unwrap(), is_woken);
        }
        Ok(())
    }

    #[test]
    fn a_wait_ends_in_time_and_at_once_if_the_file_is_another_or_empty() -> io::Result<()> {
        let dir = tempfile::tempdir()?;
        let path = dir.path().join("token.json");
        fs::write(&path, "")?;
        assert!(Wakeup::of(&File::open(&path)?).is_none());
        let waited = |limit, between: &dyn Fn() -> io::Result<()>| -> io::Result<Duration> {
            fs::write(&path, "{}")?;
            let wakeup = Wakeup::of(&File::open(&path)?).unwrap();
            between()?;
            let began = Instant::now();
            assert!(wakeup.wait(limit).is_none(), "nobody has woken it");
            Ok(began.elapsed())
        };
        let limit = Duration::from_millis(20);
        assert!(waited(limit, &|| Ok(()))? >= limit);
        assert!(waited(LONG, &|| fs::write(&path, "[]"))? < LONG, "it says something else");
        assert!(waited(LONG, &|| fs::write(&path, ""))? < LONG, "its page is gone");
        Ok(())
    }
}
