<?php
// The hot call, what it replaces, and its peers, in one process: each in turn for a slice of time, again and
// again, in rotating order, so that noise hits all alike. Each reads the same fresh tokens. What is counted
// is CPU time, which leaves out what other processes take.
//
// subjects.php DIRECTORY TOKEN_LENGTH ROUNDS prints, as JSON, for each subject and number of files the
// nanoseconds of CPU time per call in each round.

use Illuminate\Cache\FileStore;
use Illuminate\Filesystem\Filesystem;
use Symfony\Component\Cache\Adapter\ApcuAdapter;
use Symfony\Component\Cache\Adapter\FilesystemAdapter;
use Symfony\Component\Cache\Adapter\PhpFilesAdapter;
use Symfony\Component\Cache\Psr16Cache;
use Symfony\Component\Lock\LockFactory;
use Symfony\Component\Lock\Store\FlockStore;

require __DIR__ . '/cpu.php';
require __DIR__ . '/../../../demo/legacy.php';
require 'Symfony/Component/Cache/autoload.php';
require 'Symfony/Component/Lock/autoload.php';
require 'Illuminate/Cache/autoload.php';
require 'Illuminate/Filesystem/autoload.php';

const SLICE_NS = 12_000_000;
const FILES = [1, 100, 10_000];
const LIFE_S = 7200;

/** The articles' getToken() with a shared lock around its read; the tokens here are never expired. */
function getTokenShared($file)
{
    $fp = fopen($file, 'r');
    flock($fp, LOCK_SH);
    $data = json_decode(stream_get_contents($fp), true);
    flock($fp, LOCK_UN);
    fclose($fp);
    return $data['expire'] > time() ? $data['access_token'] : null;
}

// The polyfill defines nothing beside the extension: its functions are called as its own wx_get_token() calls them.
spl_autoload_register(function ($class) {
    if (str_starts_with($class, 'WxToken\\')) {
        require __DIR__ . '/../../../php/src/' . strtr(substr($class, strlen('WxToken\\')), '\\', '/') . '.php';
    }
});

function polyfill(string $file): string
{
    try {
        return WxToken\Polyfill\Calls::getToken($file, null);
    } catch (Throwable $thrown) {
        throw WxToken\Polyfill\Problem::leaving($thrown, __FUNCTION__, $file);
    }
}

/** One of those that are compared: what it is called with, and how. */
final class Subject
{
    private array $chunks = [];

    /** @param Closure $call makes a call for each of the names it is given */
    public function __construct(array $names, private Closure $call, private int $revalidateFreq = 0)
    {
        mt_srand(1);
        foreach (FILES as $files) {
            $some = array_slice($names, 0, $files);
            shuffle($some);
            // A chunk takes longer than looking at the clock, and far less than a slice.
            $this->chunks[$files] = array_chunk($files < 100 ? array_pad($some, 100, $some[0]) : $some, 100);
        }
    }

    /** Nanoseconds of CPU time per call, in a slice that goes on where the last one ended. */
    public function slice(int $files): float
    {
        ini_set('wx_token.revalidate_freq', (string) $this->revalidateFreq);
        $chunks = &$this->chunks[$files];
        $calls = 0;
        $start = cpu_ns();
        $end = hrtime(true) + SLICE_NS;
        do {
            $chunk = current($chunks);
            ($this->call)($chunk);
            $calls += count($chunk);
            if (next($chunks) === false) {
                reset($chunks);
            }
        } while (hrtime(true) < $end);
        return (cpu_ns() - $start) / $calls;
    }
}

[, $directory, $length, $rounds] = $argv;

$filesystem = new FilesystemAdapter('', 0, "$directory/symfony");
$phpFiles = new PhpFilesAdapter('', 0, "$directory/php-files");
$apcu = new ApcuAdapter();
$psr16Filesystem = new Psr16Cache(new FilesystemAdapter('', 0, "$directory/psr16"));
$laravel = new FileStore(new Filesystem(), "$directory/laravel");
$locks = new LockFactory(new FlockStore("$directory/locks"));

$files = $keys = [];
for ($i = 0; $i < max(FILES); $i++) {
    $keys[] = $key = "access_token.$i";
    $files[] = $file = "$directory/$key.json";
    $token = substr(str_pad("$i-", $length, 'EMULnIqRgJ3hm'), 0, $length);
    file_put_contents($file, json_encode(['access_token' => $token, 'expire' => time() + LIFE_S]));
    foreach ([$filesystem, $phpFiles, $apcu] as $pool) {
        $pool->get($key, function ($item) use ($token) {
            $item->expiresAfter(LIFE_S);
            return $token;
        });
    }
    $psr16Filesystem->set($key, $token, LIFE_S);
    $laravel->put($key, $token, LIFE_S);
    apcu_store($key, $token, LIFE_S);
}
// A file is remembered once it was met twice, a tick of its clock apart.
array_map(wx_get_token(...), $files);
sleep(3);
array_map(wx_get_token(...), $files);
// The polyfill remembers a file from the third look on, whole seconds after the second.
array_map(polyfill(...), $files);
array_map(polyfill(...), $files);
sleep(4);
array_map(polyfill(...), $files);

$missing = fn () => throw new LogicException('the token is in the cache');
$subjects = [
    'empty function' => new Subject($files, function ($files) {
        foreach ($files as $file) {
            wx_baseline_empty();
        }
    }),
    'bare stat' => new Subject($files, function ($files) {
        foreach ($files as $file) {
            wx_baseline_stat($file);
        }
    }),
    'bare fstat' => new Subject($files, function ($files) {
        foreach ($files as $file) {
            wx_baseline_fstat($file);
        }
    }),
    "filemtime, PHP's stat cache" => new Subject($files, function ($files) {
        foreach ($files as $file) {
            filemtime($file);
        }
    }),
    'clearstatcache and filemtime' => new Subject($files, function ($files) {
        foreach ($files as $file) {
            clearstatcache();
            filemtime($file);
        }
    }),
    'wx_get_token' => new Subject($files, $getToken = function ($files) {
        foreach ($files as $file) {
            wx_get_token($file);
        }
    }),
    'wx_get_token, revalidate_freq=1' => new Subject($files, $getToken, revalidateFreq: 1),
    'apcu_fetch' => new Subject($keys, function ($keys) {
        foreach ($keys as $key) {
            apcu_fetch($key);
        }
    }),
    'polyfill' => new Subject($files, function ($files) {
        foreach ($files as $file) {
            polyfill($file);
        }
    }),
    "articles' getToken" => new Subject($files, function ($files) {
        foreach ($files as $file) {
            getToken($file);
        }
    }),
    "articles' getToken, LOCK_SH" => new Subject($files, function ($files) {
        foreach ($files as $file) {
            getTokenShared($file);
        }
    }),
    'symfony FilesystemAdapter' => new Subject($keys, function ($keys) use ($filesystem, $missing) {
        foreach ($keys as $key) {
            $filesystem->get($key, $missing);
        }
    }),
    'symfony PhpFilesAdapter' => new Subject($keys, function ($keys) use ($phpFiles, $missing) {
        foreach ($keys as $key) {
            $phpFiles->get($key, $missing);
        }
    }),
    'symfony ApcuAdapter' => new Subject($keys, function ($keys) use ($apcu, $missing) {
        foreach ($keys as $key) {
            $apcu->get($key, $missing);
        }
    }),
    'symfony Psr16Cache, files' => new Subject($keys, function ($keys) use ($psr16Filesystem) {
        foreach ($keys as $key) {
            $psr16Filesystem->get($key);
        }
    }),
    'symfony/lock, getToken' => new Subject($files, function ($files) use ($locks) {
        foreach ($files as $file) {
            $lock = $locks->createLock($file);
            $lock->acquire(true);
            getToken($file);
            $lock->release();
        }
    }),
    'illuminate FileStore' => new Subject($keys, function ($keys) use ($laravel) {
        foreach ($keys as $key) {
            $laravel->get($key);
        }
    }),
];

$nanoseconds = [];
$order = array_keys($subjects);
// The first round warms up what is opened, compiled and remembered on first use.
for ($round = 0; $round <= $rounds; $round++) {
    foreach ($order as $name) {
        foreach (FILES as $files) {
            $nanoseconds[$name][$files][] = $subjects[$name]->slice($files);
        }
    }
    $order[] = array_shift($order);
}
$withoutWarmUp = fn ($byFiles) => array_map(fn ($rounds) => array_slice($rounds, 1), $byFiles);
echo json_encode(array_map($withoutWarmUp, $nanoseconds));
