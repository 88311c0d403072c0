//! The emulator as a program: options from the command line, one line on stdout when it serves,
//! and an end on SIGTERM or SIGINT.

use std::error::Error;
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use wechat_emulator::{Emulator, Options, Tls};

/// WeChat's token service on loopback, as strict as WeChat.
///
/// Serves /cgi-bin/token, /cgi-bin/stable_token, /cgi-bin/ticket/getticket and WeCom's
/// /cgi-bin/gettoken, /cgi-bin/get_jsapi_ticket, /cgi-bin/ticket/get, with WeChat's lifetimes,
/// quotas and errcodes. Prints one line on stdout when it is ready:
///
///     wechat-emulator listening on http://127.0.0.1:PORT
///
/// While it runs, GET /emulator/stats tells what callers did, and POST /emulator/script makes
/// their next fetches fail in a chosen way. It ends on SIGTERM or SIGINT.
#[derive(Parser)]
#[command(version, verbatim_doc_comment, max_term_width = 100)]
struct Cli {
    /// Loopback address and port; port 0 takes any free port
    #[arg(long, value_name = "ADDRESS", default_value_t = defaults().listen)]
    listen: SocketAddr,

    /// Leave when stdin closes, so that no orphan stays behind a test
    #[arg(long)]
    exit_with_stdin: bool,

    /// The official account's appid
    #[arg(long, default_value_t = defaults().appid, help_heading = "Account")]
    appid: String,

    /// The official account's AppSecret
    #[arg(long, default_value_t = defaults().secret, help_heading = "Account")]
    secret: String,

    /// The WeCom corporation's id
    #[arg(long, default_value_t = defaults().corpid, help_heading = "Account")]
    corpid: String,

    /// The WeCom app's secret
    #[arg(long, default_value_t = defaults().corpsecret, help_heading = "Account")]
    corpsecret: String,

    /// Who may fetch tokens (repeatable; default: everybody); others get 40164, at WeCom 60020
    #[arg(long, value_name = "IP", help_heading = "Account")]
    allow_ip: Vec<IpAddr>,

    /// Milliseconds added to every answer to a token or ticket fetch
    #[arg(long, value_name = "MS", default_value_t = 0, help_heading = "Tokens")]
    latency: u64,

    /// Seconds that a new token or ticket lives; fractions allowed
    #[arg(long, value_name = "S", default_value = "7200", value_parser = seconds, help_heading = "Tokens")]
    lifetime: Duration,

    /// Seconds that a replaced token still works, at most
    #[arg(long, value_name = "S", default_value = "300", value_parser = seconds, help_heading = "Tokens")]
    overlap: Duration,

    /// The stable endpoint replaces a token with fewer seconds than this to live; keep it below
    /// --lifetime, or every stable fetch mints
    #[arg(long, value_name = "S", default_value = "300", value_parser = seconds, help_heading = "Tokens")]
    renewal: Duration,

    /// Characters in a token, 19 to 512
    #[arg(long, value_name = "N", default_value_t = defaults().token_length, help_heading = "Tokens")]
    token_length: usize,

    /// Classic fetches a day, then 45009
    #[arg(long, value_name = "N", default_value_t = defaults().daily_quota, help_heading = "Quotas")]
    daily_quota: u64,

    /// Classic fetches a minute, then 45011 (default: no limit, WeChat publishes none)
    #[arg(long, value_name = "N", help_heading = "Quotas")]
    minute_quota: Option<u64>,

    /// Stable fetches a day, then 45009
    #[arg(long, value_name = "N", default_value_t = defaults().stable_daily_quota, help_heading = "Quotas")]
    stable_daily_quota: u64,

    /// Stable fetches a minute, then 45011
    #[arg(long, value_name = "N", default_value_t = defaults().stable_minute_quota, help_heading = "Quotas")]
    stable_minute_quota: u64,

    /// Errcode beyond a minute's quota: 45009 is the one that is seen in practice, and the day's
    #[arg(long, value_name = "N", default_value_t = defaults().minute_errcode, help_heading = "Quotas")]
    minute_errcode: i64,

    /// Forced stable refreshes a day; a further one does not refresh
    #[arg(long, value_name = "N", default_value_t = defaults().force_daily, help_heading = "Quotas")]
    force_daily: u64,

    /// Seconds between two forced stable refreshes; one sooner does not refresh
    #[arg(long, value_name = "S", default_value = "30", value_parser = seconds, help_heading = "Quotas")]
    force_interval: Duration,

    /// Serve https with a certificate made at the start
    #[arg(long, requires = "ca_out", help_heading = "TLS")]
    tls: bool,

    /// Where to write the CA that clients must trust, as PEM
    #[arg(long, value_name = "FILE", requires = "tls", help_heading = "TLS")]
    ca_out: Option<PathBuf>,

    /// Name or address in the certificate (repeatable; default: localhost, 127.0.0.1 and ::1);
    /// another name shows whether a client verifies it
    #[arg(long, value_name = "NAME", requires = "tls", help_heading = "TLS")]
    cert_name: Vec<String>,

    /// Make the certificate one whose time is over
    #[arg(long, requires = "tls", help_heading = "TLS")]
    expired_cert: bool,
}

fn defaults() -> Options {
    Options::default()
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "not a number of seconds")?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

impl From<Cli> for Options {
    fn from(cli: Cli) -> Self {
        Self {
            listen: cli.listen,
            appid: cli.appid,
            secret: cli.secret,
            corpid: cli.corpid,
            corpsecret: cli.corpsecret,
            latency: Duration::from_millis(cli.latency),
            lifetime: cli.lifetime,
            overlap: cli.overlap,
            renewal: cli.renewal,
            daily_quota: cli.daily_quota,
            minute_quota: cli.minute_quota,
            stable_daily_quota: cli.stable_daily_quota,
            stable_minute_quota: cli.stable_minute_quota,
            minute_errcode: cli.minute_errcode,
            force_daily: cli.force_daily,
            force_interval: cli.force_interval,
            allow_ip: cli.allow_ip,
            token_length: cli.token_length,
            tls: cli.tls.then_some(Tls {
                ca_out: cli.ca_out,
                cert_names: cli.cert_name,
                expired: cli.expired_cert,
            }),
        }
    }
}

fn main() -> ExitCode {
    match run(Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // With stderr closed there is nobody to tell; the exit code stays.
            let _ = writeln!(io::stderr(), "wechat-emulator: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<(), Box<dyn Error>> {
    let exit_with_stdin = cli.exit_with_stdin;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        // Before the ready line: whoever reads it may send a signal at once.
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
        hint += "; note: --renewal is not below --lifetime, so every stable fetch mints a token\n";
    }
    // A hint that cannot be shown is no reason to stop.
    let _ = io::stderr().write_all(hint.as_bytes());
    Ok(())
}

/// On a thread, since a read of stdin cannot be cancelled; the thread ends with the process.
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
