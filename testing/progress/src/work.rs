//! How far the work is, as far as its lines say.

/// Work, from its first line on.
#[derive(Default)]
pub struct Work {
    /// How many tests run, where they are cargo's.
    tests: u64,
    ended: u64,
    /// By title, how much is done of what has not ended.
    parts: Vec<(String, f64)>,
}

/// What a line says.
pub struct Step<'a> {
    /// What begins.
    pub name: &'a str,
    /// Of all the work, what is done by now: from 0 to 1.
    pub done: f64,
    /// Whether the line says nothing else.
    pub is_whole_line: bool,
}

impl Work {
    /// What `line` says; `None` for one that says nothing of steps.
    pub fn step<'a>(&mut self, line: &'a str) -> Option<Step<'a>> {
        let line = line.trim_end();
        // Where a step of other work runs tests, they are a part of it.
        let has_steps = self.tests == 0 && !self.parts.is_empty();
        if let Some(tests) = announced_tests(line).filter(|_| !has_steps) {
            *self = Self { tests, ..Self::default() };
            return Some(Step { name: "", done: 0.0, is_whole_line: false });
        }
        if let Some(name) = ended_test(line).filter(|_| self.tests > 0) {
            self.end();
            return Some(Step { name, done: self.done(), is_whole_line: false });
        }
        let (done, name) = begun_step(line)?;
        let title = name.split_once(": ").map_or(name, |(title, _)| title);
        // Without tests, the lines are those of one work.
        self.parts.retain(|(other, _)| self.tests > 0 && other != title);
        self.parts.push((title.to_owned(), done));
        Some(Step { name, done: self.done(), is_whole_line: true })
    }

    /// No line tells which part was of the test that has ended: most likely the one that was farthest.
    fn end(&mut self) {
        self.ended += 1;
        self.parts.sort_by(|(_, one), (_, other)| one.total_cmp(other));
        self.parts.pop();
    }

    #[expect(clippy::cast_precision_loss, reason = "they are few")]
    fn done(&self) -> f64 {
        let parts: f64 = self.parts.iter().map(|(_, done)| done).sum();
        ((self.ended as f64 + parts) / self.tests.max(1) as f64).min(1.0)
    }
}

/// Of `[3/12] name`: what is done when the third begins, and the name.
#[expect(clippy::cast_precision_loss, reason = "they are few")]
fn begun_step(line: &str) -> Option<(f64, &str)> {
    let (numbers, name) = line.strip_prefix('[')?.split_once("] ")?;
    let (number, total) = numbers.split_once('/')?;
    let (number, total): (u64, u64) = (number.parse().ok()?, total.parse().ok()?);
    let is_step = (1..=total).contains(&number) && !name.is_empty();
    is_step.then(|| ((number - 1) as f64 / total as f64, name))
}

/// Of `running 12 tests`: how many.
fn announced_tests(line: &str) -> Option<u64> {
    let (number, unit) = line.strip_prefix("running ")?.split_once(' ')?;
    number.parse().ok().filter(|_| matches!(unit, "test" | "tests"))
}

/// Of `test name ... ok`: the name.
fn ended_test(line: &str) -> Option<&str> {
    line.strip_prefix("test ")?.split_once(" ... ").map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::Work;

    /// What of the work is done after each line, in hundredths; −1 for a line that says nothing of it.
    fn done(lines: &[&str]) -> Vec<i32> {
        let mut work = Work::default();
        let done = |line: &&str| work.step(line).map_or(-1, |step| (step.done * 100.0) as i32);
        lines.iter().map(done).collect()
    }

    #[test]
    fn a_step_that_begins_is_not_done_yet() {
        let lines = ["[1/4] demo: legacy\n", "[2/4] demo: flock\n", "[4/4] demo: wx_token\n"];
        assert_eq!(done(&lines), [0, 25, 75]);
    }

    #[test]
    fn other_lines_say_nothing() {
        let lines = [
            "[1] a job\n",
            "[0/4] nothing begins\n",
            "[5/4] too many\n",
            "[1/4]\n",
            "[1/4] \n",
            "[a/b] letters\n",
            " [1/4] further right\n",
            "running late\n",
            "running 3 errands\n",
            "test result: ok. 3 passed\n",
            "test early ... ok\n",
            "\n",
        ];
        assert_eq!(done(&lines), vec![-1; lines.len()]);
    }

    #[test]
    fn tests_of_cargo_are_steps() {
        let lines = [
            "running 4 tests\n",
            "test one ... ok\n",
            "test two ... FAILED\n",
            "test three ... ignored, why\n",
        ];
        assert_eq!(done(&lines), [0, 25, 50, 75]);
    }

    #[test]
    fn steps_of_tests_that_run_at_the_same_time_add_up() {
        let lines = [
            "running 2 tests\n",
            "[1/2] one: a\n",
            "[1/4] other: a\n",
            "[2/2] one: b\n",
            "[2/4] other: b\n",
            "test one ... ok\n",
            "[4/4] other: d\n",
            "test other ... ok\n",
        ];
        assert_eq!(done(&lines), [0, 0, 0, 25, 37, 62, 87, 100]);
    }

    #[test]
    fn a_step_may_run_tests_of_cargo() {
        let lines = ["[2/4] installation: upgrade\n", "running 2 tests\n", "test one ... ok\n"];
        assert_eq!(done(&lines), [25, -1, -1]);
    }

    #[test]
    fn the_next_run_of_tests_begins_anew() {
        let lines =
            ["running 1 test\n", "test one ... ok\n", "running 2 tests\n", "test two ... ok\n"];
        assert_eq!(done(&lines), [0, 100, 0, 50]);
    }
}
