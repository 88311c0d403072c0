<?php

require __DIR__ . '/../hot/cpu.php';

/** One call of getToken(): when it began and ended, when it fetched, its CPU time, and what came of it. */
function measured($file): array
{
    $fetch = null;
    // What the default context is told of tells of a fetch without a change to the code that is measured.
    stream_context_set_params(stream_context_get_default(), ['notification' => function () use (&$fetch) {
        $now = hrtime(true);
        $fetch = [$fetch[0] ?? $now, $now];
    }]);
    // Torn reads make the articles' code warn.
    set_error_handler(fn () => true);
    $token = null;
    $cpu = cpu_ns();
    $begin = hrtime(true);
    try {
        $token = getToken($file);
    } catch (Throwable) {
        // No token tells of it.
    }
    $end = hrtime(true);
    $cpu = cpu_ns() - $cpu;
    restore_error_handler();
    return ['cpu_ns' => $cpu, 'begin_ns' => $begin, 'end_ns' => $end, 'fetch_ns' => $fetch, 'got_token' => is_string($token)];
}
