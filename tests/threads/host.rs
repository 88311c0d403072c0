//! A server with many threads of PHP, each of which answers a request.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tempfile::TempDir;
use wx_token_testing::php::Answer;
use wx_token_testing::{World, program};

/// How many threads a server has.
pub const THREADS: usize = 24;

/// A running server.
pub struct Host {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    _dir: TempDir,
}

impl Host {
    /// Starts a server with the settings of `world`.
    pub fn start(world: &World) -> Self {
        let dir = tempfile::tempdir().expect("a directory for the server");
        let ini = dir.path().join("php.ini");
        fs::write(&ini, world.php_ini() + "html_errors=0\n").expect("a php.ini");
        let mut child = Command::new(compile(dir.path()))
            .arg(THREADS.to_string())
            .arg(ini)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("a piped output"));
        Self { child, input, output, _dir: dir }
    }

    /// Runs `code` as a request of every thread, with `$thread` as the thread's number. Returns what each
    /// has printed: one line.
    pub fn run(&mut self, code: &str) -> Vec<String> {
        let input = self.input.as_mut().expect("a piped input");
        writeln!(input, "{}", code.replace('\n', " ")).expect("the server reads");
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            self.output.read_line(&mut line).expect("the server prints text");
            match line.trim_end() {
                "" => break,
                text => lines.push(text.to_owned()),
            }
        }
        assert_eq!(lines.len(), THREADS, "not every thread has answered: {lines:?}");
        lines
    }

    /// Evaluates `call` on the token file of `world` in every thread.
    pub fn call(&mut self, world: &World, call: &str) -> Vec<Answer> {
        let code = format!(
            "$file = '{}'; $start = hrtime(true);
             try {{ $answer = ['token' => {call}]; }}
             catch (Throwable $e) {{ $answer = ['class' => $e::class, 'message' => $e->getMessage()]; }}
             echo json_encode($answer + ['ms' => (hrtime(true) - $start) / 1e6]) . \"\\n\";",
            world.file().display()
        );
        self.run(&code).iter().map(|line| Answer::parse(line)).collect()
    }

    /// Ends the server, which has nothing to complain of: no crash, and no leak of a debug build.
    pub fn stop(mut self) {
        self.input = None;
        let mut complaints = String::new();
        let mut errors = self.child.stderr.take().expect("a piped output");
        errors.read_to_string(&mut complaints).expect("the server prints text");
        let status = self.child.wait().expect("the server ends");
        assert!(status.success() && complaints.is_empty(), "{status}: {complaints}");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn compile(dir: &Path) -> PathBuf {
    let binary = dir.join("host");
    let config = |option: &str| {
        let config = program("PHP_CONFIG", "php-config");
        let output = Command::new(config).arg(option).output().expect("php-config runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    // Where PHP's own `make install` has the library, and where Debian's has it.
    let prefix = config("--prefix");
    let libraries = [format!("{prefix}/lib"), format!("{prefix}/lib/php")];
    let compiled = Command::new("cc")
        .args(["-D_GNU_SOURCE", "-pthread", "-o"])
        .arg(&binary)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/threads/host.c"))
        .args(config("--includes").split_whitespace())
        .args(libraries.iter().map(|folder| format!("-L{folder}")))
        .args(libraries.iter().map(|folder| format!("-Wl,-rpath,{folder}")))
        .arg("-lphp")
        .status();
    assert!(compiled.is_ok_and(|status| status.success()), "the server cannot be compiled");
    binary
}
