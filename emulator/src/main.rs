//! The emulator as a program. It prints one line on stdout when it is ready, and exits on SIGTERM or
//! SIGINT.

use std::error::Error;
use std::io::{self, Read, Write};
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use wechat_emulator::{Emulator, Options, Tls};

/// WeChat's token service on loopback, with WeChat's limits
///
/// Serves /cgi-bin/token, /cgi-bin/stable_token, /cgi-bin/ticket/getticket and WeCom's
/// /cgi-bin/gettoken, /cgi-bin/get_jsapi_ticket, /cgi-bin/ticket/get, with WeChat's lifetimes,
/// quotas and errcodes. Prints one line on stdout when it is ready:
///
///     wechat-emulator listening on http://127.0.0.1:PORT
///
/// GET /emulator/stats counts what callers did. POST /emulator/script makes their next fetches
/// fail in a chosen way. The emulator exits on SIGTERM or SIGINT.
#[derive(Parser)]
#[command(version, verbatim_doc_comment)]
struct Cli {
    #[command(flatten)]
    options: Options,

    /// Exit when stdin closes
    #[arg(long)]
    exit_with_stdin: bool,

    /// Serve https, with a certificate created at the start
    #[arg(long, requires = "ca_out", help_heading = "TLS")]
    tls: bool,

    #[command(flatten)]
    certificate: Tls,
}

impl From<Cli> for Options {
    fn from(cli: Cli) -> Self {
        Self { tls: cli.tls.then_some(cli.certificate), ..cli.options }
    }
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // If stderr is closed, the exit code must do.
            let _ = writeln!(io::stderr(), "wechat-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Box<dyn Error>> {
    let exit_with_stdin = cli.exit_with_stdin;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before the ready line: its reader may send a signal at once.
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let emulator = Emulator::start(cli.into())?;
        announce(&emulator)?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = stdin_closed(), if exit_with_stdin => {}
        }
        Ok(())
    })
}

fn announce(emulator: &Emulator) -> io::Result<()> {
    let url = emulator.base_url();
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "wechat-emulator listening on {url}")?;
    stdout.flush()?;

    let options = emulator.options();
    let mut hint = format!(
        "; php.ini for the wx_token extension:\n\
         wx_token.api_base = {url}\n\
         wx_token.appid = {}\n\
         wx_token.secret = {}\n",
        options.appid, options.secret
    );
    if let Some(ca_file) = emulator.ca_file() {
        hint += &format!("wx_token.ca_file = {}\n", ca_file.display());
    }
    if options.renewal >= options.lifetime {
        hint +=
            "; note: --renewal is not below --lifetime, so every stable fetch creates a token\n";
    }
    // The emulator works without the hint.
    let _ = io::stderr().write_all(hint.as_bytes());
    Ok(())
}

/// Reads on a thread, which ends with the process: a read of stdin cannot be cancelled.
async fn stdin_closed() {
    let (closed, wait) = tokio::sync::oneshot::channel::<()>();
    std::thread::spawn(move || {
        let mut ignored = [0; 1024];
        while matches!(io::stdin().read(&mut ignored), Ok(1..)) {}
        drop(closed);
    });
    let _ = wait.await;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::CommandFactory;

    use super::*;

    fn options(flags: &str) -> Options {
        let arguments = std::iter::once("wechat-emulator").chain(flags.split_whitespace());
        Cli::try_parse_from(arguments).unwrap().into()
    }

    #[test]
    fn without_flags_it_has_the_librarys_defaults() {
        assert_eq!(options(""), Options::default());
    }

    #[test]
    fn the_readme_lists_every_flag_with_its_default() {
        let rows = include_str!("../README.md").lines().filter(|line| line.starts_with("| `--"));
        for flag in Cli::command().get_arguments() {
            let name = format!("`--{}", flag.get_long().unwrap());
            let row = rows.clone().find(|row| row.contains(&name)).unwrap_or(&name);
            assert!(row.contains('|'), "{row} is missing");
            let defaults = flag.get_default_values().iter().filter_map(|value| value.to_str());
            for default in defaults.filter(|default| *default != "false") {
                assert!(row.contains(&format!("`{default}`")), "{row}: {default} is missing");
            }
        }
    }

    #[test]
    fn every_flag_reaches_its_option() {
        let given = options(
            "--listen 127.0.0.2:1 --appid a --secret b --corpid c --corpsecret d --latency 2 \
             --lifetime 3.5 --overlap 4 --renewal 5 --daily-quota 6 --minute-quota 7 \
             --stable-daily-quota 8 --stable-minute-quota 9 --minute-errcode 45009 --force-daily 10 \
             --force-interval 11 --allow-ip 127.0.0.1 --allow-ip ::1 --token-length 20 --tls \
             --ca-out ca.pem --cert-name e --cert-name f --expired-cert",
        );
        let expected = Options {
            listen: "127.0.0.2:1".parse().unwrap(),
            appid: "a".to_owned(),
            secret: "b".to_owned(),
            corpid: "c".to_owned(),
            corpsecret: "d".to_owned(),
            latency: Duration::from_millis(2),
            lifetime: Duration::from_millis(3500),
            overlap: Duration::from_secs(4),
            renewal: Duration::from_secs(5),
            daily_quota: 6,
            minute_quota: Some(7),
            stable_daily_quota: 8,
            stable_minute_quota: 9,
            minute_errcode: 45009,
            force_daily: 10,
            force_interval: Duration::from_secs(11),
            allow_ip: vec!["127.0.0.1".parse().unwrap(), "::1".parse().unwrap()],
            token_length: 20,
            tls: Some(Tls {
                ca_out: Some("ca.pem".into()),
                cert_names: vec!["e".to_owned(), "f".to_owned()],
                expired: true,
            }),
        };
        assert_eq!(given, expected);
    }
}
