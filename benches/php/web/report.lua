-- What wrk measured, as one line of JSON behind its own report.
function done(summary, latency, requests)
    local errors = summary.errors
    io.write(string.format(
        '{"requests":%d,"seconds":%.3f,"p99_ms":%.3f,"slowest_ms":%.3f,"failed":%d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(99) / 1e3, latency.max / 1e3,
        errors.status + errors.connect + errors.read + errors.write + errors.timeout
    ))
end
