<?php
declare(strict_types=1);

// What every demo begins and ends with: the build products, PHP's command line, directories, the exit code.

/** The path of a build product. */
function built(string $variable, string $name): string
{
    $path = getenv($variable) ?: dirname(__DIR__) . "/target/release/$name";
    return realpath($path) ?: throw new RuntimeException(
        "there is no $path: build it with `make demo` or `cargo build --release --workspace`, or set $variable"
    );
}

/** The beginning of a command that runs this PHP with these lines of php.ini, and no others. */
function php(array $ini): array
{
    $options = array_map(fn ($line) => ['-d', $line], ['display_errors=stderr', ...$ini]);
    return [PHP_BINARY, '-n', ...array_merge(...$options)];
}

function check_loads(string $name, array $ini, string $advice): void
{
    $command = [...php($ini), '-r', "exit((int) !extension_loaded('$name'));"];
    if (proc_close(proc_open($command, [], $pipes)) !== 0) {
        throw new RuntimeException('PHP ' . PHP_VERSION . " cannot load the extension $name: $advice");
    }
}

/** Says that a step begins. `make demo` turns these lines into a bar. */
function step(int $number, int $total, string $name): void
{
    fwrite(STDERR, "[$number/$total] demo: $name\n");
}

/** An empty directory that goes when the demo ends. */
function fresh_directory(): string
{
    $directory = sys_get_temp_dir() . '/wx_token-demo-' . bin2hex(random_bytes(8));
    if (!mkdir($directory, 0700)) {
        throw new RuntimeException("cannot make $directory");
    }
    register_shutdown_function(function () use ($directory) {
        foreach (array_diff(scandir($directory), ['.', '..']) as $name) {
            unlink("$directory/$name");
        }
        rmdir($directory);
    });
    return $directory;
}

/** Runs a demo and exits: 0 if wx_token kept its promises, 1 if not, 2 if the demo could not run. */
function run_demo(callable $main): never
{
    if (function_exists('pcntl_async_signals')) {
        // Without pcntl, Ctrl-C leaves the (private) temp directory behind. No process survives either way.
        pcntl_async_signals(true);
        pcntl_signal(SIGINT, fn () => exit(130));
        pcntl_signal(SIGTERM, fn () => exit(143));
    }
    try {
        exit($main() ? 0 : 1);
    } catch (RuntimeException $problem) {
        fwrite(STDERR, "demo: {$problem->getMessage()}\n");
        exit(2);
    }
}
