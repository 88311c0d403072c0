//! The results as text.

use anyhow::Result;

use crate::fleet::Fleet;
use crate::hot::Hot;
use crate::log::Logged;
use crate::race::Race;
use crate::rest::Rest;
use crate::results::Results;
use crate::say;
use crate::storm::Storm;
use crate::web::Web;

pub fn print(results: &Results) -> Result<()> {
    say(format!("\n{}", results.machine.description()))?;
    results.hot.as_ref().map_or(Ok(()), hot)?;
    results.log.as_ref().map_or(Ok(()), logged)?;
    results.storm.as_ref().map_or(Ok(()), storm)?;
    results.race.as_deref().map_or(Ok(()), race)?;
    results.fleet.as_deref().map_or(Ok(()), fleet)?;
    results.web.as_ref().map_or(Ok(()), web)?;
    results.rest.as_ref().map_or(Ok(()), rest)
}

fn hot(hot: &Hot) -> Result<()> {
    say("\nThe hot call: times wx_get_token(), with revalidate_freq 0 and 1")?;
    say(format!(
        "{:34}{:>6}{:>7}{:>9}{:>9}{:>12}{:>12}",
        "", "token", "files", "times", "times", "one file=1", "ns a call"
    ))?;
    for one in &hot.subjects {
        say(format!(
            "{:34}{:>6}{:>7}{:>9.2}{:>9.2}{:>12.2}{:>12.0}",
            one.name,
            one.token_bytes,
            one.files,
            one.ratio,
            one.ratio_remembering,
            one.ratio_to_one_file,
            one.ns
        ))?;
    }
    say("\nOne file in many processes")?;
    say(format!(
        "{:34}{:>9}{:>12}{:>14}{:>14}",
        "", "processes", "one alone=1", "CPU ns a call", "calls/s"
    ))?;
    for one in &hot.crowds {
        say(format!(
            "{:34}{:>9}{:>12.2}{:>14.0}{:>14.0}",
            one.name, one.processes, one.ratio, one.cpu_ns, one.calls_per_second
        ))?;
    }
    Ok(())
}

fn logged(logged: &Logged) -> Result<()> {
    say("\nWith the log of refreshes: times the same without it")?;
    say(format!("  a hot call {:.2} ({:.0} ns)", logged.hot_ratio, logged.hot_ns))?;
    say(format!("  a refresh {:.2} ({:.2} ms)", logged.refresh_ratio, logged.refresh_ms))
}

fn storm(storm: &Storm) -> Result<()> {
    say("\nA storm: all processes call at once; waits, and CPU time of all, in ms")?;
    say(format!(
        "{:42}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>8}",
        "", "processes", "latency", "fetches", "median", "p99", "slowest", "CPU", "failed"
    ))?;
    for one in &storm.cells {
        say(format!(
            "{:42}{:>9}{:>9}{:>9}{:>9.1}{:>9.1}{:>9.1}{:>9.1}{:>8}",
            one.version.name(),
            one.processes,
            one.latency_ms,
            one.fetches,
            one.median_ms,
            one.p99_ms,
            one.slowest_ms,
            one.cpu_ms,
            one.failed
        ))?;
    }
    Ok(())
}

fn race(races: &[Race]) -> Result<()> {
    say("\nThe slowest caller of a storm beside that of symfony/lock, by turns; ms")?;
    say(format!(
        "{:>9}{:>9}{:>9}{:>14}{:>9}",
        "processes", "latency", "ours", "symfony/lock", "behind"
    ))?;
    for one in races {
        say(format!(
            "{:>9}{:>9}{:>9.1}{:>14.1}{:>9.1}",
            one.processes, one.latency_ms, one.ours_ms, one.theirs_ms, one.behind_ms
        ))?;
    }
    Ok(())
}

fn fleet(fleets: &[Fleet]) -> Result<()> {
    say("\nA fleet: two processes a machine, all find the token expired at once")?;
    say(format!(
        "{:>9}{:>9}{:>16}{:>13}{:>9}{:>22}",
        "machines", "fetches", "without a store", "slowest, ms", "scripts", "scripts/s of traffic"
    ))?;
    for one in fleets {
        say(format!(
            "{:>9}{:>9}{:>16}{:>13.1}{:>9.0}{:>22.2}",
            one.machines,
            one.fetches,
            one.fetches_alone,
            one.slowest_ms,
            one.scripts,
            one.scripts_per_second
        ))?;
    }
    Ok(())
}

fn web(web: &Web) -> Result<()> {
    say("\nA site under wrk across ten expiries")?;
    say(format!(
        "{:34}{:>12}{:>9}{:>12}{:>8}{:>9}",
        "", "requests/s", "p99, ms", "slowest, ms", "failed", "fetches"
    ))?;
    for one in &web.sites {
        say(format!(
            "{:34}{:>12.0}{:>9.1}{:>12.1}{:>8}{:>9}",
            one.name, one.requests_per_second, one.p99_ms, one.slowest_ms, one.failed, one.fetches
        ))?;
    }
    Ok(())
}

fn rest(rest: &Rest) -> Result<()> {
    say("\nAt rest: what the extension adds to PHP")?;
    for (what, found) in [
        ("size of the library, bytes", format!("{}", rest.so_bytes)),
        ("start-up, ms", format!("{:.2}", rest.wall_ms)),
        ("start-up, ms of CPU time", format!("{:.2}", rest.cpu_ms)),
        ("peak memory, KB, shared pages included", format!("{:.0}", rest.peak_kb)),
        ("private memory, KB", format!("{:.0}", rest.private_kb)),
        ("private memory after calls, KB", format!("{:.0}", rest.private_after_calls_kb)),
        ("the same on 10 000 files, KB", format!("{:.0}", rest.private_after_files_kb)),
        ("threads", rest.threads.to_string()),
        ("descriptors", rest.descriptors.to_string()),
    ] {
        say(format!("{what:42}{found:>10}"))?;
    }
    say("\nSystem calls of a call")?;
    for one in &rest.calls {
        let counts: Vec<String> =
            one.counts.iter().map(|(name, count)| format!("{name} {count}")).collect();
        say(format!("{}: {} ({})", one.call, one.total(), counts.join(", ")))?;
    }
    Ok(())
}
