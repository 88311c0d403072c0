<?php
// A stand-in for Laravel's facade Illuminate\Support\Facades\Cache. A flat file is the cache.

namespace Illuminate\Support\Facades;

require_once __DIR__ . '/FlatStore.php';

class Cache
{
    public static function remember(string $key, $ttl, \Closure $callback): mixed
    {
        $store = new \FlatStore();
        $value = $store->get($key);
        if ($value === null) {
            $store->set($key, $value = $callback(), $ttl);
        }
        return $value;
    }

    public static function forget(string $key): bool
    {
        (new \FlatStore())->delete($key);
        return true;
    }
}
